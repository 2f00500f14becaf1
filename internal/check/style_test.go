package check

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// TestExportedIsDocumented: every exported identifier of the importable packages
// has a comment, which starts with the name for functions, methods and types.
func TestExportedIsDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if !s.library() {
			continue
		}
		s.each(false, func(path string, f *ast.File) {
			for _, d := range f.Decls {
				for _, what := range undocumented(d) {
					t.Errorf("%s: %s", path, what)
				}
			}
		})
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && !startsWith(d.Doc, d.Name.Name) {
			return []string{"func " + d.Name.Name + ": no comment starting with its name"}
		}
	case *ast.GenDecl:
		var bad []string
		for _, spec := range d.Specs {
			bad = append(bad, undocumentedSpec(d, spec)...)
		}
		return bad
	}
	return nil
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec) []string {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		doc := spec.Doc
		if doc == nil {
			doc = d.Doc
		}
		if spec.Name.IsExported() && !startsWith(doc, spec.Name.Name) {
			return []string{"type " + spec.Name.Name + ": no comment starting with its name"}
		}
	case *ast.ValueSpec:
		exported := slices.ContainsFunc(spec.Names, (*ast.Ident).IsExported)
		if exported && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
			return []string{spec.Names[0].Name + ": no comment"}
		}
	}
	return nil
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		exported = exported || ok && id.IsExported()
		return true
	})
	return exported
}

func startsWith(doc *ast.CommentGroup, name string) bool {
	return slices.Contains(strings.Fields(doc.Text())[:min(2, len(strings.Fields(doc.Text())))], name)
}

// TestPackagesAreDocumented: every package has a package comment, and that of an
// adapter names its RFCs.
func TestPackagesAreDocumented(t *testing.T) {
	for _, s := range sources(t) {
		doc := ""
		s.each(true, func(_ string, f *ast.File) { doc += f.Doc.Text() })
		if !strings.HasPrefix(doc, "Package "+s.name+" ") && (s.name != "main" || !strings.HasPrefix(doc, "Command ")) {
			t.Errorf("%s: no package comment", s.path)
		}
		if adapter(s) && !strings.Contains(doc, "RFC") {
			t.Errorf("%s: the package comment names no RFC", s.path)
		}
	}
}

// The maximum sizes.
const (
	maxFunc    = 80  // lines from func to the closing brace
	maxFile    = 500 // lines
	maxMain    = 20  // lines of cmd/netclients/main.go
	maxExample = 60  // lines of an example
)

func TestSizes(t *testing.T) {
	long := map[string]string{}
	for _, s := range sources(t) {
		s.each(true, func(path string, f *ast.File) {
			limit := maxFile
			switch {
			case path == "cmd/netclients/main.go":
				limit = maxMain
			case strings.HasPrefix(path, "examples/") && s.name == "main":
				limit = maxExample
			}
			if n := s.fset.File(f.Pos()).LineCount(); n > limit+1 { // the last line ends with a newline
				long[path] = fmt.Sprintf("%d lines, maximum %d", n-1, limit)
			}
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && s.lines(d) > maxFunc {
					long[path+" "+d.Name.Name] = fmt.Sprintf("%d lines, maximum %d", s.lines(d), maxFunc)
				}
			}
		})
	}
	exceptions{}.report(t, long)
}

// Limits on what a reader has to keep in mind at once.
const (
	maxMethods = 40   // methods of one type, its embedded types' not counted
	maxPackage = 6000 // lines of one package, tests not counted
)

func TestTypesAndPackagesStaySmall(t *testing.T) {
	large := map[string]string{}
	for _, s := range sources(t) {
		methods, lines := map[string]map[string]bool{}, 0 // by type; a method counts once for all systems
		s.each(false, func(_ string, f *ast.File) {
			lines += s.fset.File(f.Pos()).LineCount()
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Recv != nil {
					of := receiver(d.Recv.List[0].Type)
					if methods[of] == nil {
						methods[of] = map[string]bool{}
					}
					methods[of][d.Name.Name] = true
				}
			}
		})
		if lines > maxPackage {
			large[s.path] = fmt.Sprintf("%d lines, at most %d", lines, maxPackage)
		}
		for name, all := range methods {
			if len(all) > maxMethods {
				large[s.path+"."+name] = fmt.Sprintf("%d methods, at most %d", len(all), maxMethods)
			}
		}
	}
	exceptions{}.report(t, large)
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestNoExits: only the command line exits the process or writes a log; a library
// returns errors and does not panic.
func TestNoExits(t *testing.T) {
	broken := map[string]string{}
	for _, s := range sources(t) {
		if s.name == "main" || s.path == "internal/cli" {
			continue
		}
		s.each(false, func(path string, f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && ends(f, call.Fun) {
					broken[path] = "panics, exits the process or writes a log"
				}
				return true
			})
		})
	}
	exceptions{}.report(t, broken)
}

func ends(f *ast.File, fun ast.Expr) bool {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name == "panic" || fun.Name == "print" || fun.Name == "println"
	case *ast.SelectorExpr:
		x, ok := fun.X.(*ast.Ident)
		return ok && (importedAs(f, x.Name) == "log" || importedAs(f, x.Name) == "os" && fun.Sel.Name == "Exit")
	}
	return false
}

// TestSkipsHaveReasons: a skipped test states a reason.
func TestSkipsHaveReasons(t *testing.T) {
	for _, s := range sources(t) {
		s.each(true, func(path string, f *ast.File) {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && (sel.Sel.Name == "SkipNow" || sel.Sel.Name == "Skip" && len(call.Args) == 0) {
					t.Errorf("%s: %s without a reason", path, sel.Sel.Name)
				}
				return true
			})
		})
	}
}
