package architecture

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// Chance says which functions may ask for the time or for random numbers, and why that
// does not keep two runs of a simulated network from being the same. Keys are like
// "core/event.clock.wall: time.Now".
type Chance map[string]string

// AnyOrder is what a comment on a statement that runs in an order of its own says
// when that makes no difference to what is sent, with the reason: in the line where the
// statement begins, or in those before it.
const AnyOrder = "any order"

// clocks are the functions of package time that look at the clock or wait for it.
// What else has a time has it from one of them.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}

// machine are the functions of package runtime that tell of the machine, or run when
// memory is collected.
var machine = []string{"NumCPU", "GOMAXPROCS", "NumGoroutine", "ReadMemStats", "SetFinalizer", "AddCleanup"}

// CheckChance returns where the packages, given by their paths, do what is not the same
// in each run: they look at the clock, draw random numbers from a source that is not
// theirs, reuse memory of a pool, ask for properties of the machine, visit a map, or
// choose among channels. The last two are allowed to statements with a comment that
// says AnyOrder, the others to the functions in the table.
// Rows of the table that allow nothing are problems as well.
func (p *Program) CheckChance(packages []string, allowed Chance) []string {
	unused := maps.Clone(allowed)
	var problems []string
	for _, path := range packages {
		i := slices.IndexFunc(p.Packages, func(pkg *Package) bool { return pkg.Path == path })
		if i < 0 {
			problems = append(problems, path+" is to be checked, but there is no such package")
			continue
		}
		c := &chanceCheck{program: p, pkg: p.Packages[i], allowed: allowed, unused: unused}
		for _, file := range c.pkg.Files {
			c.check(file)
		}
		problems = append(problems, c.problems...)
	}
	for key := range unused {
		problems = append(problems, fmt.Sprintf("%q is allowed, but does not happen", key))
	}
	slices.Sort(problems)
	return problems
}

// A chanceCheck checks a package.
type chanceCheck struct {
	program  *Program
	pkg      *Package
	allowed  Chance
	unused   Chance
	anyOrder map[int]bool // lines of the file that a comment with AnyOrder is in, or ends before
	sorted   map[ast.Node]bool
	problems []string
}

func (c *chanceCheck) check(file *ast.File) {
	c.noteComments(file)
	c.sorted = make(map[ast.Node]bool)
	for _, d := range file.Decls {
		name := "declarations"
		if f, ok := d.(*ast.FuncDecl); ok {
			name = functionName(f)
		}
		ast.Inspect(d, func(n ast.Node) bool {
			c.visit(name, n)
			return true
		})
	}
}

// noteComments finds the lines whose statements are declared to have any order.
func (c *chanceCheck) noteComments(file *ast.File) {
	c.anyOrder = make(map[int]bool)
	for _, group := range file.Comments {
		if strings.Contains(strings.ReplaceAll(group.Text(), "\n", " "), AnyOrder) {
			c.anyOrder[c.line(group.Pos())] = true
			c.anyOrder[c.line(group.End())+1] = true
		}
	}
}

func (c *chanceCheck) line(pos token.Pos) int { return c.program.Fset.Position(pos).Line }

func (c *chanceCheck) visit(function string, n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		c.noteSorted(n)
	case *ast.RangeStmt:
		if t := c.pkg.Info.TypeOf(n.X); t != nil && isMap(t) {
			c.needsAnyOrder(n.Pos(), "visits a map")
		}
	case *ast.SelectStmt:
		if channels(n) > 1 {
			c.needsAnyOrder(n.Pos(), "chooses among channels")
		}
	case *ast.SelectorExpr:
		c.use(function, n)
	}
}

// use checks the use of something by its full name.
func (c *chanceCheck) use(function string, n *ast.SelectorExpr) {
	used := c.pkg.Info.Uses[n.Sel]
	if used == nil || used.Pkg() == nil {
		return
	}
	_, isType := used.(*types.TypeName)
	name, global := used.Name(), used.Parent() == used.Pkg().Scope() && !isType
	switch path := used.Pkg().Path(); {
	case path == "sync" && name == "Range": // of a sync.Map
		c.needsAnyOrder(n.Pos(), "visits a map")
	case path == "sync" && name == "Pool": // which gives back one of several things, or none
		c.needsLeave(function, n.Pos(), "sync.Pool")
	case !global:
	case path == "maps" && (name == "All" || name == "Keys" || name == "Values"):
		if !c.sorted[n] {
			c.needsAnyOrder(n.Pos(), "visits a map")
		}
	case path == "time" && slices.Contains(clocks, name),
		path == "crypto/rand", path == "hash/maphash",
		path == "runtime" && slices.Contains(machine, name),
		(path == "math/rand" || path == "math/rand/v2") && !strings.HasPrefix(name, "New"):
		c.needsLeave(function, n.Pos(), path+"."+name)
	}
}

// noteSorted notes the keys or values of a map that are sorted at once.
func (c *chanceCheck) noteSorted(call *ast.CallExpr) {
	f, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	used := c.pkg.Info.Uses[f.Sel]
	if used == nil || used.Pkg() == nil || used.Pkg().Path() != "slices" || !strings.HasPrefix(used.Name(), "Sorted") {
		return
	}
	if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok {
		c.sorted[ast.Unparen(inner.Fun)] = true
	}
}

func (c *chanceCheck) needsAnyOrder(pos token.Pos, what string) {
	if !c.anyOrder[c.line(pos)] {
		c.problems = append(c.problems, c.program.problem(c.pkg, pos,
			"%s, and no comment says why it may in %s", what, AnyOrder))
	}
}

func (c *chanceCheck) needsLeave(function string, pos token.Pos, what string) {
	key := c.pkg.Path + "." + function + ": " + what
	if _, ok := c.allowed[key]; !ok {
		c.problems = append(c.problems, c.program.problem(c.pkg, pos, "%q is not allowed", key))
	}
	delete(c.unused, key)
}

// functionName returns the name of a function, with its receiver's type if it has one.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	for {
		switch of := t.(type) {
		case *ast.StarExpr:
			t = of.X
		case *ast.IndexExpr:
			t = of.X
		case *ast.IndexListExpr:
			t = of.X
		case *ast.Ident:
			return of.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// isMap reports whether a type is a map, or a type parameter that may be one.
func isMap(t types.Type) bool {
	if _, ok := t.Underlying().(*types.Map); ok {
		return true
	}
	param, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return false
	}
	constraint, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok {
		return false
	}
	for embedded := range constraint.EmbeddedTypes() {
		union, ok := embedded.(*types.Union)
		if !ok {
			if isMap(embedded) {
				return true
			}
			continue
		}
		for term := range union.Terms() {
			if isMap(term.Type()) {
				return true
			}
		}
	}
	return false
}

// channels returns how many cases of a select wait for a channel.
func channels(n *ast.SelectStmt) int {
	count := 0
	for _, clause := range n.Body.List {
		if clause.(*ast.CommClause).Comm != nil {
			count++
		}
	}
	return count
}
