package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/netclients/netclients/protocols"
)

// form is a compiled --template: Go's text/template, run once for each object.
type form struct {
	t   *template.Template
	tty bool
}

// final is the function that each value passes before it is printed.
const final = "_printed"

// newForm compiles a template. tty says that the output is a terminal, on which
// nothing from a server may act as a command.
func newForm(text string, tty bool) (*form, error) {
	f := &form{tty: tty}
	t, err := template.New("--template").Funcs(template.FuncMap{
		final: f.value, "json": asJSON, "join": join, "upper": strings.ToUpper, "lower": strings.ToLower,
		"truncate": truncate, "timefmt": timefmt, "pad": pad,
	}).Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	for _, part := range t.Templates() {
		if part.Tree != nil {
			finish(part.Tree.Root)
		}
	}
	f.t = t
	return f, nil
}

func templateError(err error) error {
	return protocols.UsageError("", "", strings.Replace(err.Error(), "template: --template:", "--template: line ", 1))
}

// finish has each value that a template prints pass the final function, and makes \n and
// \t in its text what they stand for, since shells do not.
func finish(n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			finish(child)
		}
	case *parse.TextNode:
		n.Text = []byte(strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(string(n.Text)))
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 {
			name := parse.NewIdentifier(final).SetPos(n.Pos).SetTree(nil)
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{name}})
		}
	case *parse.IfNode:
		finish(n.List)
		finish(n.ElseList)
	case *parse.RangeNode:
		finish(n.List)
		finish(n.ElseList)
	case *parse.WithNode:
		finish(n.List)
		finish(n.ElseList)
	}
}

// run returns what the template makes of one object, as a line. One that makes nothing
// of it, as by {{if}}, leaves the line out.
func (f *form) run(line []byte) ([]byte, error) {
	v, err := decoded(line)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := f.t.Execute(&b, v); err != nil {
		return nil, templateError(err)
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// value returns a value as text: a key that is not there as nothing, objects and lists as
// JSON.
func (f *form) value(v any) (string, error) {
	text := ""
	switch v := v.(type) {
	case nil:
	case string:
		text = v
	case map[string]any, []any:
		return asJSON(v)
	default:
		text = fmt.Sprint(v)
	}
	if f.tty {
		text = SafeLines(text)
	}
	return text, nil
}

// The functions of templates.

func asJSON(v any) (string, error) {
	b, err := Marshal(v)
	return string(bytes.TrimSpace(b)), err
}

func join(sep string, v any) (string, error) {
	list, ok := v.([]any)
	if !ok && v != nil {
		return "", fmt.Errorf("join: %T is not a list", v)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, sep), nil
}

func truncate(n int, v any) string {
	text := []rune(plainText(v))
	if n < 1 || len(text) <= n {
		return string(text)
	}
	return string(text[:n-1]) + "…"
}

// pad fills a value with spaces up to a width, on its right side; with a negative width
// on its left.
func pad(width int, v any) string { return fmt.Sprintf("%*s", -width, plainText(v)) }

func timefmt(layout string, v any) (string, error) {
	text := plainText(v)
	if text == "" {
		return "", nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", fmt.Errorf("timefmt: %q is not a time", text)
	}
	return t.Format(layout), nil
}

func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return fmt.Sprint(v)
}
