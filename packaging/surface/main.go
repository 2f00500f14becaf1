// Command surface counts what the library exports, so that a release shows how its
// surface has grown:
//
//	go run ./packaging/surface
//
// It prints a line for each public package: package-level names, methods of
// exported types, and exported fields, each counted once.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// count is what one package exports.
type count struct{ names, methods, fields int }

func (c count) sum() int { return c.names + c.methods + c.fields }

func main() {
	counts := map[string]*count{}
	for _, root := range []string{"cli", "protocols"} {
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if d.Name() == "internal" || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return folder(path, counts)
		}); err != nil {
			fmt.Fprintln(os.Stderr, "surface:", err)
			os.Exit(1)
		}
	}
	report(counts)
}

// folder adds the files of one package; those of its tests export nothing.
func folder(path string, counts map[string]*count) error {
	files, err := filepath.Glob(filepath.Join(path, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || system(name) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		c := counts[path]
		if c == nil {
			c = &count{}
			counts[filepath.ToSlash(path)] = c
		}
		for _, d := range f.Decls {
			c.decl(d)
		}
	}
	return nil
}

// system reports whether a file repeats for another system what a file for Linux
// or for all of them exports already.
func system(name string) bool {
	for _, s := range []string{"windows", "darwin", "freebsd", "other"} {
		if strings.HasSuffix(name, "_"+s+".go") {
			return true
		}
	}
	return false
}

func (c *count) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		switch {
		case !d.Name.IsExported():
		case d.Recv == nil:
			c.names++
		case receiver(d.Recv.List[0].Type):
			c.methods++
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			c.spec(s)
		}
	}
}

// receiver reports whether a method belongs to an exported type.
func receiver(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.IsExported()
	}
	return false
}

func (c *count) spec(s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		c.names += exported(s.Names)
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		c.names++
		switch t := s.Type.(type) {
		case *ast.StructType:
			c.fields += members(t.Fields)
		case *ast.InterfaceType:
			c.methods += members(t.Methods)
		}
	}
}

// members counts the exported names of a struct or an interface. What is embedded
// is counted where it is declared.
func members(l *ast.FieldList) int {
	n := 0
	for _, f := range l.List {
		n += exported(f.Names)
	}
	return n
}

func exported(names []*ast.Ident) int {
	n := 0
	for _, name := range names {
		if name.IsExported() {
			n++
		}
	}
	return n
}

func report(counts map[string]*count) {
	var paths []string
	for p := range counts {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	var all count
	fmt.Println("package names methods fields sum")
	for _, p := range paths {
		c := *counts[p]
		fmt.Println(p, c.names, c.methods, c.fields, c.sum())
		all.names, all.methods, all.fields = all.names+c.names, all.methods+c.methods, all.fields+c.fields
	}
	fmt.Println("all", all.names, all.methods, all.fields, all.sum())
}
