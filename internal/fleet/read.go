package fleet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
)

// Template makes jobs of the rows of a table: the words of a command line, with the
// names of columns in braces.
type Template struct {
	Words   []string
	Secrets map[string]string
}

// ParseTemplate splits a command line, with the quotes of a shell and without anything
// else of it.
func ParseTemplate(text string) ([]string, error) {
	var words []string
	var w strings.Builder
	quote, open := rune(0), false
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			w.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if open {
				words = append(words, w.String())
			}
			w.Reset()
			open = false
		default:
			w.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, usage("--template: a quote is not closed")
	}
	if open {
		words = append(words, w.String())
	}
	if len(words) == 0 {
		return nil, usage("--template: there is no verb")
	}
	return words, nil
}

// Read yields the jobs of a file with the number of their lines: of JSON lines, or with a
// template of a table in CSV. An error ends it; it names file and line.
func Read(name string, r io.Reader, t *Template) iter.Seq2[Line, error] {
	if t != nil || strings.EqualFold(filepath.Ext(name), ".csv") {
		return readTable(name, r, t)
	}
	return readLines(name, r)
}

// Line is a job with its place.
type Line struct {
	Job
	At string // file and line, for messages
}

func readLines(name string, r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewScanner(r)
		in.Buffer(make([]byte, 64<<10), maxJob)
		n := 0
		for in.Scan() {
			n++
			text := bytes.TrimSpace(in.Bytes())
			if n == 1 {
				text = bytes.TrimPrefix(text, []byte("\uFEFF"))
			}
			if len(text) == 0 {
				continue
			}
			l := Line{At: fmt.Sprintf("%s:%d", name, n)}
			if err := decode(text, &l.Job); err != nil {
				yield(l, usage("%s: %v", l.At, err))
				return
			}
			if !yield(l, nil) {
				return
			}
		}
		if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
			yield(Line{}, usage("%s:%d: the line is longer than %d bytes", name, n+1, maxJob))
		} else if err != nil {
			yield(Line{}, err)
		}
	}
}

// decode reads one job. Errors repeat nothing of the line, which may hold a secret in the
// wrong place, but the name of a key.
func decode(text []byte, j *Job) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(j)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			return errors.New("something follows the job: want one JSON object a line")
		}
		return nil
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if t.Field == "" {
			return errors.New("want a JSON object")
		}
		return fmt.Errorf("%q is a %s: want another type", t.Field, t.Value)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("not JSON: want one object a line, such as {\"verb\":\"sync\",\"args\":[\"imap://ann@old.example/\",\"imap://ann@new.example/\"]}")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: ")) // an unknown key
}

func readTable(name string, r io.Reader, t *Template) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if t == nil {
			yield(Line{}, usage("%s: a table needs --template 'VERB ARG {column} ...'", name))
			return
		}
		in := csv.NewReader(r)
		in.ReuseRecord = true
		head, err := in.Read()
		if err != nil {
			yield(Line{}, usage("%s:1: the first line does not name columns", name))
			return
		}
		head = slices.Clone(head)
		if len(head) > 0 {
			head[0] = strings.TrimPrefix(head[0], "\uFEFF")
		}
		if err := t.check(head); err != nil {
			yield(Line{}, usage("%s:1: %v", name, err))
			return
		}
		for {
			row, err := in.Read()
			if err == io.EOF {
				return
			}
			line, _ := in.FieldPos(0)
			l := Line{At: fmt.Sprintf("%s:%d", name, line)}
			if err != nil {
				if p, ok := errors.AsType[*csv.ParseError](err); ok {
					err = usage("%s:%d: %v", name, p.Line, p.Err)
				}
				yield(l, err)
				return
			}
			l.Job = t.job(head, row)
			if !yield(l, nil) {
				return
			}
		}
	}
}

// columns returns the names in braces of a text.
func columns(text string) (names []string) {
	for {
		_, rest, ok := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return names
		}
		names, text = append(names, name), after
	}
}

// check returns an error for a column that the table lacks, or a password from it.
func (t *Template) check(head []string) error {
	for _, text := range t.Words {
		for _, name := range columns(text) {
			if !slices.Contains(head, name) {
				return fmt.Errorf("no column %q; there are %s", name, strings.Join(head, ", "))
			}
		}
	}
	return nil
}

// job fills the template with a row. Of the words the flags become flags.
func (t *Template) job(head, row []string) Job {
	pairs := make([]string, 0, 2*len(head))
	for i, name := range head {
		pairs = append(pairs, "{"+name+"}", row[i])
	}
	fill := strings.NewReplacer(pairs...)
	j := Job{Secrets: map[string]string{}}
	for key, ref := range t.Secrets {
		j.Secrets[key] = fill.Replace(ref)
	}
	for _, w := range t.Words {
		name, value, valued := strings.Cut(strings.TrimPrefix(w, "--"), "=")
		switch {
		case j.Verb == "":
			j.Verb = w
		case strings.HasPrefix(w, "--") && len(w) > 2:
			j.setFlag(name, fill.Replace(value), valued)
		default:
			j.Args = append(j.Args, fill.Replace(w))
		}
	}
	if len(j.Secrets) == 0 {
		j.Secrets = nil
	}
	return j
}

// setFlag adds a flag; one that is given again becomes a list.
func (j *Job) setFlag(name, value string, valued bool) {
	if j.Flags == nil {
		j.Flags = map[string]any{}
	}
	var v any = value
	if !valued {
		v = true
	}
	switch old := j.Flags[name].(type) {
	case nil:
		j.Flags[name] = v
	case []any:
		j.Flags[name] = append(old, v)
	default:
		j.Flags[name] = []any{old, v}
	}
}
