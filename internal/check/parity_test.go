package check

import (
	"encoding/csv"
	"flag"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/parity.md again")

// parityRow says how functions of a Python module are done here. What it holds of
// commands, Go identifiers and tests are lists.
type parityRow struct {
	module, functions string
	commands          []string // without the name of the program: "ftp ls --names"; or flags alone
	identifiers       []string // "ftp.Client.Get", by the last element of the package's path
	tests             []string // "ftp.TestUnique", or "script/ftp" for a script of cmd/netclients
	state             string   // empty: all of it; partly, no: not yet; out: out of scope
	note              string
}

// parityStates are the values of state and their words in the document.
var parityStates = map[string]string{"": "", "partly": "partly: ", "no": "not yet: ", "out": "out of scope: "}

func readParity(t *testing.T) (rows []parityRow) {
	t.Helper()
	f, err := os.Open("parity.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, 7
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range records[1:] {
		rows = append(rows, parityRow{c[0], c[1], split(c[2], ";"), split(c[3], ","), split(c[4], ","), c[5], c[6]})
	}
	return rows
}

func split(list, separator string) (parts []string) {
	for part := range strings.SplitSeq(list, separator) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// TestParityDoc: docs/parity.md is what parity.tsv says.
func TestParityDoc(t *testing.T) {
	want := parityDoc(readParity(t))
	name := filepath.Join(root, "docs", "parity.md")
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/parity.md is out of date: go test ./internal/check -run TestParityDoc -update")
	}
}

// parityIntro begins docs/parity.md.
const parityIntro = `# Python's modules and netclients

What the modules of Python's standard library for these protocols do, and the command, Go identifier and test here. Made from
` + "`internal/check/parity.tsv`" + `; ` + "`go test ./internal/check -run TestParityDoc -update`" + ` writes it again, and the tests of that package
check that what a row names exists. Some of the modules are no longer part of Python.

Commands lack the word netclients; flags alone stand for every verb. Go identifiers carry the last element of their package's
path. A test named ` + "`script/NAME`" + ` is a script of ` + "`cmd/netclients/testdata/script`" + `. "Out of scope" and "not yet" say why.
`

func parityDoc(rows []parityRow) string {
	var b strings.Builder
	b.WriteString(parityIntro)
	plain := strings.NewReplacer("*", "\\*", "_", "\\_", "<", "&lt;")
	module := ""
	for _, r := range rows {
		if r.module != module {
			module = r.module
			fmt.Fprintf(&b, "\n## %s\n\n| Python | command | Go | test | remarks |\n|---|---|---|---|---|\n", module)
		}
		note := strings.ReplaceAll(parityStates[r.state]+r.note, "|", "\\|")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", plain.Replace(r.functions), code(r.commands), code(r.identifiers), code(r.tests), note)
	}
	return b.String()
}

func code(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "`, `") + "`"
}

// TestParityRows: a row says what does it, what tests that, and why not all of it.
func TestParityRows(t *testing.T) {
	rows := readParity(t)
	if len(rows) < 200 {
		t.Errorf("only %d rows", len(rows))
	}
	for _, r := range rows {
		_, known := parityStates[r.state]
		done := r.state == "" || r.state == "partly"
		switch {
		case !known:
			t.Errorf("%s: %s: state %q", r.module, r.functions, r.state)
		case done && len(r.tests) == 0:
			t.Errorf("%s: %s: no test", r.module, r.functions)
		case done && len(r.commands)+len(r.identifiers) == 0 && r.note == "":
			t.Errorf("%s: %s: neither command nor identifier nor note", r.module, r.functions)
		case r.state != "" && r.note == "":
			t.Errorf("%s: %s: no reason", r.module, r.functions)
		}
	}
}

// TestParityIdentifiers: the Go identifiers exist.
func TestParityIdentifiers(t *testing.T) {
	known := map[string]bool{}
	for _, s := range sources(t) {
		if s.library() {
			s.each(false, func(_ string, f *ast.File) { addDeclared(known, s.name, f) })
		}
	}
	for _, r := range readParity(t) {
		for _, id := range r.identifiers {
			if !known[id] {
				t.Errorf("%s: %s: no %s", r.module, r.functions, id)
			}
		}
	}
}

// addDeclared adds the functions, types, methods, fields, constants and variables
// that a file declares.
func addDeclared(known map[string]bool, pkg string, f *ast.File) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d.Recv.List[0].Type) + "." + name
			}
			known[pkg+"."+name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				addSpec(known, pkg, spec)
			}
		}
	}
}

func addSpec(known map[string]bool, pkg string, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			known[pkg+"."+n.Name] = true
		}
	case *ast.TypeSpec:
		known[pkg+"."+s.Name.Name] = true
		st, ok := s.Type.(*ast.StructType)
		if !ok {
			return
		}
		for _, field := range st.Fields.List {
			for _, n := range field.Names {
				known[pkg+"."+s.Name.Name+"."+n.Name] = true
			}
		}
	}
}

// TestParityTests: the tests exist.
func TestParityTests(t *testing.T) {
	known := map[string]bool{}
	for _, s := range sources(t) {
		s.each(true, func(_ string, f *ast.File) {
			for _, decl := range f.Decls {
				if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil {
					known[path.Base(s.path)+"."+d.Name.Name] = true
				}
			}
		})
	}
	for _, r := range readParity(t) {
		for _, name := range r.tests {
			script := filepath.Join(root, "cmd", "netclients", "testdata", name+".txtar")
			if _, err := os.Stat(script); err != nil && !known[name] {
				t.Errorf("%s: %s: no test %s", r.module, r.functions, name)
			}
		}
	}
}

// TestParityCommands: the verbs are in docs/verbs.md, and the flags are defined by
// the code of their protocol or for all verbs.
func TestParityCommands(t *testing.T) {
	verbs, flags := documentedVerbs(t), definedFlags(t)
	for _, r := range readParity(t) {
		for _, command := range r.commands {
			var words []string
			for word := range strings.FieldsSeq(command) {
				if flag := strings.TrimLeft(word, "-"); flag == word {
					words = append(words, word)
				} else if !definesFlag(flags, words, flag) {
					t.Errorf("%s: %s: %s: no flag %s", r.module, r.functions, command, word)
				}
			}
			if verb := strings.Join(words, " "); verb != "" && !verbs[verb] {
				t.Errorf("%s: %s: no verb %s", r.module, r.functions, verb)
			}
		}
	}
}

// documentedVerbs reads docs/verbs.md, and adds the verbs that are of no protocol.
func documentedVerbs(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "verbs.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"lookup": true, "hostname": true, "protocols": true}
	for _, tool := range []string{"parse", "join", "defrag", "build", "quote", "unquote", "encode", "decode", "path", "from-path"} {
		known["url "+tool] = true
	}
	row := regexp.MustCompile("^\\| `([a-z]+)[^`]*` \\|(.*)$")
	var columns []string
	section := ""
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = strings.TrimSpace(name) + " "
		} else if strings.HasPrefix(line, "| verb |") {
			columns = split(line, "|")
		} else if m := row.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			known[section+m[1]] = true
			for i, cell := range strings.Split(m[2], "|") {
				if section == "" && strings.TrimSpace(cell) == "x" {
					known[columns[i+1]+" "+m[1]] = true
				}
			}
		}
	}
	return known
}

// protocolPackages are the packages with the flags of a protocol's verbs, besides
// those for all.
var protocolPackages = map[string][]string{
	"ftp": {"ftpcmd"}, "http": {"httpcmd"}, "xmlrpc": {"xmlrpccmd", "httpcmd"}, "gopher": {"gophercmd"}, "pop3": {"popcmd"}, "imap": {"imapcmd"},
	"smtp": {"smtpcmd"}, "nntp": {"nntpcmd"}, "telnet": {"telnetcmd"}, "tcp": {"socketcmd"}, "udp": {"socketcmd"}, "unix": {"socketcmd"},
}

func definesFlag(flags map[string]map[string]bool, words []string, name string) bool {
	packages := []string{"cli", "kit", "verbs", "show", "secret"}
	if len(words) > 0 {
		packages = append(packages, protocolPackages[words[0]]...)
	}
	return slices.ContainsFunc(packages, func(p string) bool { return flags[p][name] })
}

// definedFlags returns the names in calls that define a flag, such as
// fs.BoolVar(&f.crlf, "crlf", ...), by package of the command line.
func definedFlags(t *testing.T) map[string]map[string]bool {
	t.Helper()
	defines := regexp.MustCompile(`Var|Flag|^(Bool|String|Int|Duration|Choice|Size)`)
	flags := map[string]map[string]bool{}
	for _, s := range sources(t) {
		if s.path != "internal/cli" && !strings.HasPrefix(s.path, "internal/cli/") {
			continue
		}
		names := map[string]bool{}
		flags[s.name] = names
		s.each(false, func(_ string, f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && defines.MatchString(called(call)) {
					addStrings(names, call.Args)
				}
				return true
			})
		})
	}
	return flags
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func addStrings(names map[string]bool, args []ast.Expr) {
	for _, a := range args {
		if lit, ok := a.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				names[text] = true
			}
		}
	}
}
