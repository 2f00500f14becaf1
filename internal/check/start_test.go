package check

import (
	"go/ast"
	"go/token"
	"testing"
)

// TestNothingIsCompiledAtStart: no package compiles a regular expression or a template
// when the program starts, which every command would pay for: internal/pattern and
// sync.OnceValue do it at the first use.
func TestNothingIsCompiledAtStart(t *testing.T) {
	slow := map[string]string{"regexp": "MustCompile", "template": "Must"}
	for _, s := range sources(t) {
		s.each(false, func(file string, f *ast.File) {
			for _, d := range f.Decls {
				d, ok := d.(*ast.GenDecl)
				if !ok || d.Tok != token.VAR {
					continue
				}
				ast.Inspect(d, func(n ast.Node) bool {
					if sel, ok := n.(*ast.SelectorExpr); ok {
						if x, ok := sel.X.(*ast.Ident); ok && slow[x.Name] == sel.Sel.Name {
							t.Errorf("%s: %s.%s when the program starts", file, x.Name, sel.Sel.Name)
						}
					}
					_, later := n.(*ast.FuncLit)
					return !later
				})
			}
		})
	}
}
