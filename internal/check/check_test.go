// Package check tests the code base itself: import rules, documentation, the size
// of functions and files, and dependencies.
package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the path of this module, with a trailing slash.
const module = "github.com/netclients/netclients/"

// root is the top folder of the module, relative to this package.
const root = "../.."

// source is one package of the module with all its files, including tests and
// files for other systems.
type source struct {
	path    string // relative to the module: "protocols/ftp"
	name    string
	imports []string             // for all systems, without those of tests
	tests   []string             // imports of its tests
	files   map[string]*ast.File // by path relative to the root
	fset    *token.FileSet
}

// library reports whether other modules may import the package.
func (s *source) library() bool {
	return s.name != "main" && !strings.HasPrefix(s.path, "internal/") && len(s.imports) > 0
}

// each calls f for each file of the package, including tests if requested.
func (s *source) each(tests bool, f func(path string, file *ast.File)) {
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		if tests || !strings.HasSuffix(path, "_test.go") {
			f(path, s.files[path])
		}
	}
}

// lines returns the number of lines that a node spans.
func (s *source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// load parses the module, once for all tests.
var load = sync.OnceValues(func() ([]*source, error) {
	byPath := map[string]*source{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		if err := list(system, byPath); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(byPath), func(a, b *source) int { return strings.Compare(a.path, b.path) }), nil
})

// list adds the packages that go list reports for one system.
func list(system string, byPath map[string]*source) error {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports", "./...")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOWORK=off")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return errors.New("go list: " + err.Error() + "\n" + words.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Name, Dir              string
			Imports, TestImports, XTestImports []string
		}
		if err := d.Decode(&p); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		s := byPath[p.ImportPath]
		if s == nil {
			s = &source{path: strings.TrimPrefix(p.ImportPath, module), name: p.Name, fset: token.NewFileSet(), files: map[string]*ast.File{}}
			byPath[p.ImportPath] = s
			if err := s.parse(p.Dir); err != nil {
				return err
			}
		}
		s.imports = union(s.imports, p.Imports)
		s.tests = union(s.tests, p.TestImports, p.XTestImports)
	}
}

func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (s *source) parse(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := parser.ParseFile(s.fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		s.files[s.path+"/"+filepath.Base(name)] = f
	}
	return nil
}

// sources returns the packages of the module, sorted.
func sources(t *testing.T) []*source {
	t.Helper()
	list, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("found only %d packages", len(list))
	}
	return list
}

// exceptions maps places that break a rule to the reason. An exception that is no
// longer needed fails the test too.
type exceptions map[string]string

// report fails for violations without an exception, and for exceptions that are
// no longer needed.
func (e exceptions) report(t *testing.T, broken map[string]string) {
	t.Helper()
	for _, place := range slices.Sorted(maps.Keys(broken)) {
		if _, ok := e[place]; !ok {
			t.Errorf("%s: %s", place, broken[place])
		}
	}
	for place, reason := range e {
		if _, ok := broken[place]; !ok || reason == "" {
			t.Errorf("%s is an unneeded exception, or one without a reason (%q)", place, reason)
		}
	}
}
