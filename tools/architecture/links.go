package architecture

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"
)

// link is a name in brackets: of this package or, after a dot, of one that the file
// imports.
var link = regexp.MustCompile(`\[\*?([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?(?:\.([A-Za-z_]\w*))?\]`)

// CheckLinks returns the links in documentation that lead nowhere: an exported name in
// brackets that the package does not have, or one of an imported package.
func (p *Program) CheckLinks() []string {
	var problems []string
	for _, pkg := range p.Packages {
		imports := make(map[string]*types.Package)
		for _, imported := range pkg.Types.Imports() {
			imports[imported.Name()] = imported
		}
		for _, file := range pkg.Files {
			for _, group := range file.Comments {
				for _, match := range link.FindAllStringSubmatch(documentation(group), -1) {
					if !resolves(pkg.Types, imports, match[1], match[2], match[3]) {
						problems = append(problems, p.problem(pkg, group.Pos(), "the link %s leads nowhere", match[0]))
					}
				}
			}
		}
	}
	return problems
}

// documentation returns the text of a comment without what is indented, which is code.
func documentation(group *ast.CommentGroup) string {
	var prose []string
	for line := range strings.Lines(group.Text()) {
		if !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, " ") {
			prose = append(prose, line)
		}
	}
	return strings.Join(prose, "")
}

// resolves reports whether a link leads somewhere, or is none: its names are not
// exported, or the package is not imported, so that it is of no concern here.
func resolves(own *types.Package, imports map[string]*types.Package, first, second, third string) bool {
	switch {
	case ast.IsExported(first):
		return third != "" || has(own, first, second)
	case imports[first] != nil && ast.IsExported(second):
		return has(imports[first], second, third)
	}
	return true
}

// has reports whether a package has a name or, if member is not empty, whether the
// type of that name has a method or field.
func has(pkg *types.Package, name, member string) bool {
	found := pkg.Scope().Lookup(name)
	if found == nil || member == "" {
		return found != nil
	}
	object, _, _ := types.LookupFieldOrMethod(found.Type(), true, found.Pkg(), member)
	return object != nil
}
