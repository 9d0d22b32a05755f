package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
)

// readIdentifiers returns the exported identifiers of all packages in a tree
// that can be imported, each written as in a method expression.
func readIdentifiers(tree fs.FS) (map[string]bool, error) {
	identifiers := make(map[string]bool)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != "." && !importable(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return addFile(identifiers, tree, path)
	})
	return identifiers, err
}

// importable reports whether packages in a directory of this name can be
// imported from elsewhere.
func importable(dir string) bool {
	return dir != "internal" && dir != "testdata" && dir != "vendor" &&
		!strings.HasPrefix(dir, ".") && !strings.HasPrefix(dir, "_")
}

// addFile adds the exported identifiers that a file declares, unless it
// belongs to a command.
func addFile(identifiers map[string]bool, tree fs.FS, path string) error {
	source, err := fs.ReadFile(tree, path)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	pkg := file.Name.Name
	if pkg == "main" {
		return nil
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			addFunction(identifiers, pkg, d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				addSpec(identifiers, pkg, spec)
			}
		}
	}
	return nil
}

// addFunction adds an exported function, or a method of an exported type.
func addFunction(identifiers map[string]bool, pkg string, d *ast.FuncDecl) {
	if !d.Name.IsExported() {
		return
	}
	if d.Recv == nil {
		identifiers[pkg+"."+d.Name.Name] = true
		return
	}
	receiver := d.Recv.List[0].Type
	owner := typeName(receiver)
	if !ast.IsExported(owner) {
		return
	}
	owner = pkg + "." + owner
	if _, pointer := receiver.(*ast.StarExpr); pointer {
		owner = "(*" + owner + ")"
	}
	identifiers[owner+"."+d.Name.Name] = true
}

// addSpec adds the constants, variables or the type that a declaration
// introduces, the latter with its fields and methods.
func addSpec(identifiers map[string]bool, pkg string, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		addNames(identifiers, pkg, s.Names)
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		name := pkg + "." + s.Name.Name
		identifiers[name] = true
		switch t := s.Type.(type) {
		case *ast.StructType:
			addFields(identifiers, name, t.Fields)
		case *ast.InterfaceType:
			addFields(identifiers, name, t.Methods)
		}
	}
}

// addFields adds the fields of a struct or the methods of an interface;
// an embedded one goes by the name of its type.
func addFields(identifiers map[string]bool, owner string, fields *ast.FieldList) {
	for _, field := range fields.List {
		addNames(identifiers, owner, field.Names)
		if name := typeName(field.Type); len(field.Names) == 0 && ast.IsExported(name) {
			identifiers[owner+"."+name] = true
		}
	}
}

// addNames adds those names that are exported.
func addNames(identifiers map[string]bool, owner string, names []*ast.Ident) {
	for _, name := range names {
		if name.IsExported() {
			identifiers[owner+"."+name.Name] = true
		}
	}
}

// typeName returns the bare name of a type: without its package, pointer and
// type parameters.
func typeName(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.ParenExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	}
	return ""
}
