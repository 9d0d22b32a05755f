package architecture

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"strings"
)

// A Seam is an interface that hides what implements it. The interfaces that are declared in
// its file are the capabilities that a value behind it may have besides.
type Seam struct {
	Package, File, Interface string

	// Query is the function that finds a capability, if there is one. Its
	// type argument is a capability.
	Query string

	// Elsewhere are capabilities that their users declare, and why, by the
	// string of the type without Prefix.
	Elsewhere map[string]string
}

// alone is a word in the reason that the comment of a capability gives if only one
// type has it.
var alone = regexp.MustCompile(`\bOnly\b`)

// seam is a Seam that was found in a program.
type seam struct {
	Seam
	face         *types.Interface
	capabilities map[*types.TypeName]*ast.CommentGroup
}

// CheckSeams returns where a package asks what stands behind an interface.
func (p *Program) CheckSeams(seams []Seam) []string {
	var problems []string
	for _, s := range seams {
		found, err := p.find(s)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		for _, pkg := range p.Packages {
			problems = append(problems, p.checkSeam(found, pkg)...)
		}
		problems = append(problems, p.checkShared(found)...)
	}
	return problems
}

// find resolves a seam.
func (p *Program) find(s Seam) (*seam, error) {
	for _, pkg := range p.Packages {
		if pkg.Path != s.Package {
			continue
		}
		found := &seam{Seam: s, capabilities: make(map[*types.TypeName]*ast.CommentGroup)}
		for _, file := range pkg.Files {
			if p.fileName(file.Pos()) == s.File {
				found.declare(pkg, file)
			}
		}
		if found.face == nil {
			return nil, fmt.Errorf("%s/%s declares no interface %s", s.Package, s.File, s.Interface)
		}
		return found, nil
	}
	return nil, fmt.Errorf("there is no package %s", s.Package)
}

// declare notes the interfaces that the file of the seam declares.
func (s *seam) declare(pkg *Package, file *ast.File) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			spec := spec.(*ast.TypeSpec)
			name, _ := pkg.Info.Defs[spec.Name].(*types.TypeName)
			if name == nil {
				continue
			}
			face, ok := name.Type().Underlying().(*types.Interface)
			switch {
			case !ok:
			case spec.Name.Name == s.Interface:
				s.face = face
			default:
				doc := spec.Doc
				if doc == nil {
					doc = gen.Doc
				}
				s.capabilities[name] = doc
			}
		}
	}
}

// hides reports whether a type is an interface of the seam.
func (s *seam) hides(t types.Type) bool {
	face, ok := t.Underlying().(*types.Interface)
	if !ok || face.NumMethods() == 0 {
		return false
	}
	if types.Implements(t, s.face) {
		return true
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && s.has(named.Obj())
}

// checkSeam looks for questions in a package.
func (p *Program) checkSeam(s *seam, pkg *Package) []string {
	var problems []string
	refuse := func(n ast.Node, format string, args ...any) {
		problems = append(problems, p.problem(pkg, n.Pos(), format, args...))
	}
	for _, file := range pkg.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeAssertExpr:
				if n.Type != nil && s.hides(p.typeOf(pkg, n.X)) {
					p.checkAsked(s, pkg, n.Type, refuse)
				}
			case *ast.TypeSwitchStmt:
				p.checkSwitch(s, pkg, n, refuse)
			case *ast.BinaryExpr:
				x, y := p.typeOf(pkg, n.X), p.typeOf(pkg, n.Y)
				if (n.Op == token.EQL || n.Op == token.NEQ) && (s.hides(x) && concrete(y) || s.hides(y) && concrete(x)) {
					refuse(n, "compares a %s with a type of its own", s.Interface)
				}
			case *ast.CallExpr:
				p.checkCall(s, pkg, n, refuse)
			}
			return true
		})
	}
	return problems
}

// typeOf returns the static type of an expression before it was converted to an
// interface that says less.
func (p *Program) typeOf(pkg *Package, e ast.Expr) types.Type {
	e = ast.Unparen(e)
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 1 && pkg.Info.Types[call.Fun].IsType() {
		if _, ok := pkg.Info.Types[call.Fun].Type.Underlying().(*types.Interface); ok {
			return p.typeOf(pkg, call.Args[0])
		}
	}
	if t := pkg.Info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// concrete reports whether values of a type cannot stand behind an interface unknown.
func concrete(t types.Type) bool {
	if basic, ok := t.(*types.Basic); ok && basic.Kind() == types.UntypedNil || t == types.Typ[types.Invalid] {
		return false
	}
	_, face := t.Underlying().(*types.Interface)
	return !face
}

// checkAsked judges a type that something behind the seam is asked to be.
func (p *Program) checkAsked(s *seam, pkg *Package, asked ast.Expr, refuse func(ast.Node, string, ...any)) {
	t := types.Unalias(pkg.Info.TypeOf(asked))
	if p.isNil(pkg, asked) {
		return
	}
	if _, ok := t.(*types.TypeParam); ok {
		if pkg.Path != s.Package || p.fileName(asked.Pos()) != s.File {
			refuse(asked, "asks a %s for a type of its caller's", s.Interface)
		}
		return
	}
	if pointer, ok := t.(*types.Pointer); ok {
		t = types.Unalias(pointer.Elem())
	}
	if s.elsewhere(t) {
		return
	}
	named, ok := t.(*types.Named)
	if !ok {
		refuse(asked, "asks a %s for a type without a name", s.Interface)
		return
	}
	name := named.Obj()
	if _, ok := t.Underlying().(*types.Interface); !ok {
		if p.fileName(name.Pos()) != p.fileName(asked.Pos()) || name.Pkg() != pkg.Types {
			refuse(asked, "asks whether a %s is a %s", s.Interface, name.Name())
		}
		return
	}
	if types.Identical(t.Underlying(), s.face) || s.has(name) {
		return
	}
	refuse(asked, "asks a %s for %s, which is not in the list of %s", s.Interface, name.Name(), s.File)
}

func (p *Program) isNil(pkg *Package, e ast.Expr) bool { return pkg.Info.Types[e].IsNil() }

// elsewhere reports whether a type is a capability that is declared elsewhere.
func (s *seam) elsewhere(t types.Type) bool {
	return s.Elsewhere[strings.ReplaceAll(types.TypeString(t, nil), Prefix, "")] != ""
}

// has reports whether an interface is in the list of the seam.
func (s *seam) has(name *types.TypeName) bool {
	_, ok := s.capabilities[name]
	return ok
}

func (p *Program) checkSwitch(s *seam, pkg *Package, n *ast.TypeSwitchStmt, refuse func(ast.Node, string, ...any)) {
	var x ast.Expr
	switch assign := n.Assign.(type) {
	case *ast.ExprStmt:
		x = assign.X.(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		x = assign.Rhs[0].(*ast.TypeAssertExpr).X
	}
	if !s.hides(p.typeOf(pkg, x)) {
		return
	}
	for _, clause := range n.Body.List {
		for _, asked := range clause.(*ast.CaseClause).List {
			p.checkAsked(s, pkg, asked, refuse)
		}
	}
}

// checkCall judges a call: of the seam's query, or of what compares types.
func (p *Program) checkCall(s *seam, pkg *Package, call *ast.CallExpr, refuse func(ast.Node, string, ...any)) {
	name, instance := p.callee(pkg, call.Fun)
	if name == nil || name.Pkg() == nil {
		return
	}
	switch {
	case name.Pkg().Path() == Prefix+s.Package && s.Query != "" && name.Name() == s.Query && instance.TypeArgs != nil:
		p.checkQuery(s, pkg, call, instance.TypeArgs.At(0), refuse)
	case name.Pkg().Path() == "reflect":
		for _, arg := range call.Args {
			if s.hides(p.typeOf(pkg, arg)) {
				refuse(call, "reflects on a %s", s.Interface)
			}
		}
	}
}

// callee returns the function that a call calls by name, and its type arguments.
func (p *Program) callee(pkg *Package, fun ast.Expr) (types.Object, types.Instance) {
	switch f := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return pkg.Info.Uses[f], pkg.Info.Instances[f]
	case *ast.SelectorExpr:
		return pkg.Info.Uses[f.Sel], pkg.Info.Instances[f.Sel]
	case *ast.IndexExpr:
		return p.callee(pkg, f.X)
	}
	return nil, types.Instance{}
}

func (p *Program) checkQuery(s *seam, pkg *Package, call *ast.CallExpr, t types.Type, refuse func(ast.Node, string, ...any)) {
	t = types.Unalias(t)
	if _, ok := t.(*types.TypeParam); ok {
		return // judged where it is given
	}
	if named, ok := t.(*types.Named); ok && s.has(named.Obj()) || s.elsewhere(t) {
		return
	}
	refuse(call, "asks a %s for %s, which is not in the list of %s", s.Interface, types.TypeString(t, (*types.Package).Name), s.File)
}

// checkShared returns the capabilities that one type alone has without a reason.
func (p *Program) checkShared(s *seam) []string {
	var problems []string
	for name, doc := range s.capabilities {
		if n := p.implementers(name.Type().Underlying().(*types.Interface)); n < 2 && !alone.MatchString(doc.Text()) {
			problems = append(problems, fmt.Sprintf("%s/%s: %d types have capability %s, and its comment does not say why Only they", s.Package, s.File, n, name.Name()))
		}
	}
	return problems
}

// implementers counts the types of the program that have the methods of an interface.
func (p *Program) implementers(face *types.Interface) (n int) {
	for _, pkg := range p.Packages {
		for _, name := range pkg.Types.Scope().Names() {
			t, ok := pkg.Types.Scope().Lookup(name).(*types.TypeName)
			if !ok || t.IsAlias() || !concrete(t.Type()) {
				continue
			}
			if named, ok := t.Type().(*types.Named); ok && named.TypeParams().Len() > 0 {
				continue
			}
			if types.Implements(types.NewPointer(t.Type()), face) {
				n++
			}
		}
	}
	return n
}
