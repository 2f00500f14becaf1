package cli

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// flagValues are values for flags that do not take just any text.
var flagValues = map[string]string{
	"active-host": "127.0.0.1", "active-ports": "50000-50001", "before": "NOOP", "after": "NOOP", "xclient": "NAME=x", "header": "X-A: b",
	"rate": "2/s", "cookie": "a=b", "if-newer": "2020-01-01", "env": "A=b", "window": "90x30", "range": "0-1", "sockopt": "socket:RCVBUF=70000", "proxy-header": "PROXY TCP4 1.2.3.4 1.2.3.4 1 2", "auth": "PLAIN",
}

// flagCompany are flags without which others have no effect.
var flagCompany = map[string]map[string]string{
	"cookie-allow": {"cookie-jar": "jar.txt"}, "cookie-block": {"cookie-jar": "jar.txt"},
	"proxy-version": {"proxy-header": "PROXY TCP4 1.2.3.4 1.2.3.4 1 2"},
}

// otherValue returns a value of a flag that is not its default.
func otherValue(f *pflag.Flag) string {
	if v := flagValues[f.Name]; v != "" {
		return v
	}
	if c, ok := f.Value.(*kit.Choice); ok {
		return c.Words[slices.IndexFunc(c.Words, func(w string) bool { return w != "" && w != c.Value })]
	}
	switch f.Value.Type() {
	case "bool":
		return "true"
	case "DURATION":
		return "7s"
	case "SIZE":
		return "7k"
	}
	return "7"
}

// dump writes what a value holds, through pointers; functions are alike.
func dump(v reflect.Value, depth int) string {
	switch {
	case !v.IsValid() || depth > 6:
		return "-"
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if v.IsNil() {
			return "nil"
		}
		return "&" + dump(v.Elem(), depth+1)
	case v.Kind() == reflect.Func || v.Kind() == reflect.Chan:
		return fmt.Sprint(v.IsNil())
	case v.Kind() == reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			b.WriteString(v.Type().Field(i).Name + ":" + dump(v.Field(i), depth+1) + " ")
		}
		return "{" + b.String() + "}"
	}
	return fmt.Sprint(v)
}

// settingsOf returns all that a client's flags may have set.
func settingsOf(c protocols.Client) string {
	text := dump(reflect.ValueOf(c).Elem().FieldByName("Settings"), 0)
	if below := reflect.ValueOf(c).MethodByName("HTTP"); below.IsValid() {
		text += dump(below.Call(nil)[0].Elem().FieldByName("Settings"), 0)
	}
	return text
}

// TestProtocolFlagsReachTheClient: each flag that the verbs of a protocol share changes
// the settings of its client.
func TestProtocolFlagsReachTheClient(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	configured := func(spec *protocols.Spec, i int, given map[string]string) string {
		s := setupTable()[i]
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		s.Flags(flags)
		for name, value := range given {
			if err := flags.Set(name, value); err != nil {
				t.Errorf("%s --%s %s: %v", spec.Name, name, value, err)
			}
		}
		c := kit.Sample(spec)
		if err := s.Configure(c); err != nil {
			t.Errorf("%s %v: %v", spec.Name, given, err)
		}
		return settingsOf(c)
	}
	for _, spec := range reg.Specs() {
		for i, s := range setupTable() {
			if !s.Has(kit.Sample(spec)) {
				continue
			}
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			s.Flags(flags)
			flags.VisitAll(func(f *pflag.Flag) {
				if f.Name == "fill" || f.Name == "cookie-format" { // make clients, and the file that is written at the end
					return
				}
				with := map[string]string{}
				for name, value := range flagCompany[f.Name] {
					with[name] = value
				}
				without := configured(spec, i, with)
				with[f.Name] = otherValue(f)
				if configured(spec, i, with) == without {
					t.Errorf("%s --%s %s changes nothing", spec.Name, f.Name, with[f.Name])
				}
			})
		}
	}
}

// TestFlagsOutOfScope: a flag that has no effect with a verb or a protocol is refused,
// before anything is connected. Scopes name flags and verbs that exist.
func TestFlagsOutOfScope(t *testing.T) {
	reg, err := all.All()
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(reg, nil, nil, nil)
	globals := pflag.NewFlagSet("", pflag.ContinueOnError)
	kit.NewGlobals().Register(globals)
	refused := func(spec *protocols.Spec, v *kit.Verb, f *pflag.Flag) {
		args := []string{spec.Name, v.Name, "--" + f.Name + "=" + otherValue(f), "--retries=0"}
		low, _ := v.Arity()
		for range low {
			args = append(args, "127.0.0.1:1/x")
		}
		var out, errOut bytes.Buffer
		if code := Main(t.Context(), args, strings.NewReader(""), &out, &errOut); code != 2 || !strings.Contains(errOut.String(), "--"+f.Name+" has no effect") {
			t.Errorf("%s: exit code %d, %s", strings.Join(args, " "), code, errOut.String())
		}
	}
	for _, spec := range a.shown() {
		for _, s := range a.setupsFor([]*protocols.Spec{spec}) {
			own := pflag.NewFlagSet("", pflag.ContinueOnError)
			s.Flags(own)
			for flag, verbs := range s.Scope {
				f := own.Lookup(flag)
				if f == nil || !slices.ContainsFunc(verbs, func(v string) bool { return a.lookup(v, spec) != nil }) {
					t.Errorf("%s: the scope of --%s names no flag, or no verb", spec.Name, flag)
					continue
				}
				for _, v := range a.verbsOf(spec) {
					if !slices.Contains(verbs, v.Name) && !hasOwnFlag(v, flag) {
						refused(spec, v, f)
					}
				}
			}
			for _, flag := range s.Lacks {
				if v := a.verbsOf(spec)[0]; own.Lookup(flag) == nil {
					refused(spec, v, globals.Lookup(flag))
				}
			}
		}
	}
}

func hasOwnFlag(v *kit.Verb, name string) bool {
	if v.Flags == nil {
		return false
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	v.Flags(own)
	return own.Lookup(name) != nil
}

// TestPlainCommandsRefuseClientFlags: commands without a server take the flags about
// output and time only.
func TestPlainCommandsRefuseClientFlags(t *testing.T) {
	globals := pflag.NewFlagSet("", pflag.ContinueOnError)
	kit.NewGlobals().Register(globals)
	globals.VisitAll(func(f *pflag.Flag) {
		if slices.Contains([]string{"json", "jq", "template", "quiet", "verbose", "color", "timeout", "no-progress"}, f.Name) {
			return
		}
		var out, errOut bytes.Buffer
		if code := Main(t.Context(), []string{"version", "--" + f.Name + "=" + globalValue(f)}, strings.NewReader(""), &out, &errOut); code != 2 {
			t.Errorf("version --%s: exit code %d, %s", f.Name, code, errOut.String())
		}
	})
}

func globalValue(f *pflag.Flag) string {
	if v := map[string]string{"preproxy": "socks5://p:1", "doh-url": "https://d/", "resolve": "h:1:127.0.0.1", "connect-to": "h:1:h:2", "pin": strings.Repeat("0", 64)}[f.Name]; v != "" {
		return v
	}
	return otherValue(f)
}

// TestMechanisms: --auth takes what a client of the protocol knows.
func TestMechanisms(t *testing.T) {
	for line, want := range map[string]string{
		"http cat --auth bogus h/":           "--auth bogus: unknown mechanism; there are basic, digest, bearer",
		"xmlrpc methods --auth PLAIN h/":     "unknown mechanism",
		"ftp ls --auth PLAIN h/":             "--auth has no effect with this protocol",
		"cp --auth bogus ftp://h/x http://h": "unknown mechanism; there are basic, digest, bearer",
	} {
		var out, errOut bytes.Buffer
		if code := Main(t.Context(), strings.Fields(line), strings.NewReader(""), &out, &errOut); code != 2 || !strings.Contains(errOut.String(), want) {
			t.Errorf("%s: exit code %d, %s", line, code, errOut.String())
		}
	}
}

// flagVar is a variable or field that a flag sets, by its name.
type flagVar struct{ name, flag, where string }

var registers = regexp.MustCompile(`^(Bool|Int|Int64|Uint|String|StringArray|StringSlice|Float64|Duration)?Var(P)?$`)

// destination returns the name of what a registration of a flag sets.
func destination(call *ast.CallExpr) (name *ast.Ident, flag string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !registers.MatchString(sel.Sel.Name) || len(call.Args) < 3 {
		return nil, ""
	}
	lit, ok := call.Args[1].(*ast.BasicLit)
	if !ok {
		return nil, ""
	}
	flag, _ = strconv.Unquote(lit.Value)
	ast.Inspect(call.Args[0], func(n ast.Node) bool {
		if u, ok := n.(*ast.UnaryExpr); ok && u.Op == token.AND {
			switch x := u.X.(type) {
			case *ast.Ident:
				name = x
			case *ast.SelectorExpr:
				name = x.Sel
			}
		}
		return name == nil
	})
	return name, flag
}

// reads counts the uses of names in a file: neither declarations nor what is only set.
func reads(f *ast.File, uses map[string]int, vars *[]flagVar, where string) {
	skip := map[*ast.Ident]bool{}
	target := func(e ast.Expr) {
		switch x := e.(type) {
		case *ast.Ident:
			skip[x] = true
		case *ast.SelectorExpr:
			skip[x.Sel] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			if name, flag := destination(x); name != nil {
				*vars = append(*vars, flagVar{name.Name, flag, where})
				skip[name] = true
			}
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				target(l)
			}
		case *ast.KeyValueExpr:
			target(x.Key)
		case *ast.Field:
			for _, name := range x.Names {
				skip[name] = true
			}
		case *ast.ValueSpec:
			for _, name := range x.Names {
				skip[name] = true
			}
		case *ast.FuncDecl:
			skip[x.Name] = true
		case *ast.Ident:
			if !skip[x] {
				uses[x.Name]++
			}
		}
		return true
	})
}

// TestEachFlagIsRead: what a flag sets is read somewhere: in its package, or where its
// name is known.
func TestEachFlagIsRead(t *testing.T) {
	everywhere, perDir, vars := map[string]int{}, map[string]map[string]int{}, []flagVar{}
	files := token.NewFileSet()
	for _, root := range []string{".", "../../protocols"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			dir, uses := filepath.Dir(path), map[string]int{}
			reads(f, uses, &vars, dir)
			if perDir[dir] == nil {
				perDir[dir] = map[string]int{}
			}
			for name, n := range uses {
				everywhere[name] += n
				perDir[dir][name] += n
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(vars) < 150 {
		t.Errorf("%d flags found: are they registered in another way?", len(vars))
	}
	for _, v := range vars {
		n := perDir[v.where][v.name]
		if ast.IsExported(v.name) {
			n = everywhere[v.name]
		}
		if n == 0 {
			t.Errorf("%s: --%s sets %s, which nothing reads", v.where, v.flag, v.name)
		}
	}
}
