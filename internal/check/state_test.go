package check

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"testing"
)

// TestNoInit: importing a package has no side effects.
func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		s.each(true, func(path string, f *ast.File) {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s has an init function", path)
				}
			}
		})
	}
}

// TestNoMutablePackageState: a package-level variable is a table or a sentinel
// that never changes: it is initialised in its declaration, its type is not from
// sync or atomic, and nothing assigns to it or to a part of it.
func TestNoMutablePackageState(t *testing.T) {
	broken := map[string]string{}
	for _, s := range sources(t) {
		v := newVariables(s)
		s.each(false, func(file string, f *ast.File) {
			for _, d := range f.Decls {
				if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
					v.declared(file, d, broken)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				for _, changed := range targets(n) {
					if name := v.name(changed); name != "" {
						broken[file+" "+name] = "a package-level variable is changed"
					}
				}
				return true
			})
		})
	}
	exceptions{
		"internal/look/look.go css":                              "filled by go:embed, which requires a variable",
		"internal/cli/trace/html.go traceTemplate":               "filled by go:embed, which requires a variable",
		"protocols/lab/internal/labweb/labweb.go static":         "filled by go:embed, which requires a variable",
		"internal/exporter/history.go pageText":                  "filled by go:embed, which requires a variable",
		"protocols/lab/internal/labapi/htmlcheck.go supportText": "filled by go:embed, which requires a variable",
	}.report(t, broken)
}

// variables finds the identifiers of a package that refer to its package-level
// variables.
type variables struct {
	info  *types.Info
	scope *types.Scope
}

func newVariables(s *source) variables {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	var files []*ast.File
	s.each(false, func(_ string, f *ast.File) { files = append(files, f) })
	// Imported packages stay empty: only names of the package itself matter
	// here, and the resulting errors are ignored.
	conf := types.Config{Importer: hollow{}, Error: func(error) {}}
	p, _ := conf.Check(module+s.path, s.fset, files, info)
	return variables{info, p.Scope()}
}

// hollow imports every package as an empty one.
type hollow struct{}

func (hollow) Import(p string) (*types.Package, error) {
	pkg := types.NewPackage(p, path.Base(p))
	pkg.MarkComplete()
	return pkg, nil
}

// name returns the package-level variable at the root of an expression, or "".
func (v variables) name(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.Ident:
			if o, ok := v.info.Uses[x].(*types.Var); ok && o.Parent() == v.scope {
				return x.Name
			}
			return ""
		default:
			return ""
		}
	}
}

// targets returns the expressions that a node assigns to.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear" || id.Name == "copy") && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// declared checks one declaration of variables.
func (v variables) declared(file string, d *ast.GenDecl, broken map[string]string) {
	for _, spec := range d.Specs {
		spec := spec.(*ast.ValueSpec)
		for _, name := range spec.Names {
			switch {
			case name.Name == "_":
			case len(spec.Values) == 0:
				broken[file+" "+name.Name] = "a package-level variable without a value"
			case v.changes(spec):
				broken[file+" "+name.Name] = "a package-level variable of a mutable kind"
			}
		}
	}
}

// changes reports whether a value is made by make or new, is an address, or has a
// type from sync or atomic. A table that is made when it is first needed
// (sync.OnceValue) does not change after that.
func (v variables) changes(spec *ast.ValueSpec) (found bool) {
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // the body of a function is not state
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			found = found || ok && (x.Name == "sync" && n.Sel.Name != "OnceValue" || x.Name == "atomic")
		case *ast.CallExpr:
			id, ok := n.Fun.(*ast.Ident)
			found = found || ok && (id.Name == "make" || id.Name == "new")
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND
		}
		return true
	}
	for _, value := range spec.Values {
		ast.Inspect(value, look)
	}
	if spec.Type != nil {
		ast.Inspect(spec.Type, look)
	}
	return found
}
