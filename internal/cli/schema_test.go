package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/spf13/cobra"
)

// schemas holds the schemas that lines are compared with, by verb.
type schemas map[string]*jsonschema.Resolved

// breaks says why a line of a verb's output is not as its schema says; empty where it is,
// or where the verb has none.
func (s schemas) breaks(t *testing.T, verb, line string) string {
	t.Helper()
	why, err := s.check(verb, line)
	if err != nil {
		t.Fatal(err)
	}
	return why
}

func (s schemas) check(verb, line string) (why string, err error) {
	if _, known := s[verb]; !known {
		made, err := schemaOf(verb)
		if err != nil {
			return "", err
		}
		s[verb] = nil
		if made != nil {
			if s[verb], err = made.Resolve(nil); err != nil {
				return "", err
			}
		}
	}
	if s[verb] == nil {
		return "", nil
	}
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		return err.Error(), nil
	}
	if err := s[verb].Validate(v); err != nil {
		return err.Error(), nil
	}
	return "", nil
}

// loose are lines that are right though they are none of an ordinary verb: the values of a
// server, and the text that a tool for URLs makes.
var loose = map[string]bool{
	`call{"no such key":1}`: true, `call[]`: true, `call"text"`: true,
	`decode{"no such key":1}`: true, `decode[]`: true, `decode"text"`: true,
	`url"text"`: true,
}

// observer compares all objects that the commands of the tests print with their schemas,
// whatever the test is about.
type observer struct {
	mu    sync.Mutex
	known schemas
	wrong map[string]string // the first line that breaks the schema of a command, and why
	lines int
}

func (o *observer) of(cmd *cobra.Command) func(line []byte) {
	verb, parent := cmd.Name(), cmd.Parent()
	if verb == "schema" || parent != nil && (parent.Name() == "fleet" || parent.Name() == "fake") {
		return nil
	}
	if verb == "shell" { // its other lines are those of commands
		verb = "pwd"
	}
	return func(line []byte) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.lines++
		why, err := o.known.check(verb, string(line))
		if err != nil {
			why = err.Error()
		}
		if o.known[verb] == nil {
			why = "there is no schema"
		}
		if why != "" && o.wrong[verb] == "" {
			o.wrong[verb] = why + ": " + strings.TrimSpace(string(line))
		}
	}
}

func TestMain(m *testing.M) {
	o := &observer{known: schemas{}, wrong: map[string]string{}}
	onLine = o.of
	code := m.Run()
	for verb, why := range o.wrong {
		fmt.Fprintf(os.Stderr, "a line of %s --json breaks its schema: %s\n", verb, why)
		code = max(code, 1)
	}
	os.Exit(code)
}

// TestObserver: a line that breaks its schema is seen, and so is one without a schema.
func TestObserver(t *testing.T) {
	o := &observer{known: schemas{}, wrong: map[string]string{}}
	for _, line := range [][2]string{{"ls", `{"a":1}`}, {"size", `{"protocol":"ftp","url":"ftp://h/a","size":1}`}, {"nothing", `{}`}, {"mkdir", `{}`}} {
		o.of(&cobra.Command{Use: line[0]})([]byte(line[1]))
	}
	if len(o.wrong) != 3 || o.wrong["size"] != "" || o.lines != 4 {
		t.Errorf("%d lines, %v", o.lines, o.wrong)
	}
}

// TestSchemas: docs/schema has what the types say, and lines that are wrong do not pass.
func TestSchemas(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "schema")
	for _, verb := range schemaVerbs() {
		s, err := schemaOf(verb)
		if err != nil || s == nil {
			t.Fatalf("%s: %v", verb, err)
		}
		text := indented(s) + "\n"
		path := filepath.Join(dir, verb+".json")
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || string(have) != text {
			t.Errorf("docs/schema/%s.json is out of date: go test ./internal/cli -run TestSchemas -update", verb)
		}
		for _, wrong := range []string{`{"no such key":1}`, `[]`, `"text"`} {
			if (schemas{}).breaks(t, verb, wrong) == "" && !loose[verb+wrong] {
				t.Errorf("%s takes %s", verb, wrong)
			}
		}
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) != len(schemaVerbs()) {
		t.Errorf("%d files for %d verbs", len(files), len(schemaVerbs()))
	}
}

// TestSchemaCommand prints one, or all.
func TestSchemaCommand(t *testing.T) {
	for _, c := range []struct{ args, want string }{{"schema probe", `"title": "a line of netclients probe --json"`}, {"schema --json", `"doctor":{`}} {
		code, out, errOut := probeCLI(t, strings.Fields(c.args)...)
		if code != 0 || !strings.Contains(out, c.want) || !json.Valid([]byte(out)) {
			t.Errorf("%s: exit code %d, %s%s", c.args, code, out, errOut)
		}
	}
	if code, _, errOut := probeCLI(t, "schema", "prob"); code != 2 || !strings.Contains(errOut, "probe") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

// TestSchemasOfCommands: the lines of commands without a server are as their schemas say.
func TestSchemasOfCommands(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(config, []byte("[profile.work]\nurl = \"ftp://alice@ftp.example.org/\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETCLIENTS_CONFIG", config)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	known := schemas{}
	for _, line := range []string{"hostname", "version", "protocols", "lookup ftp", "profiles", "tour gopher"} {
		words := strings.Fields(line)
		var out, errOut bytes.Buffer
		if code := Main(t.Context(), append(words, "--json"), strings.NewReader(""), &out, &errOut); code != 0 || out.Len() == 0 {
			t.Errorf("%s: exit code %d, %q %s", line, code, out.String(), errOut.String())
		}
		for l := range strings.Lines(out.String()) {
			if why := known.breaks(t, words[0], l); why != "" || known[words[0]] == nil {
				t.Errorf("%s: %s: %s", line, l, why)
			}
		}
	}
}
