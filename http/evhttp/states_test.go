package evhttp

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// All tests of this package check the transitions of all connections and requests.
func init() { checkTransitions = true }

func TestTransitions(t *testing.T) {
	panics := func(f func()) (did bool) {
		defer func() { did = recover() != nil }()
		f()
		return false
	}
	for _, test := range []struct {
		name    string
		step    func()
		allowed bool
	}{
		{"a request on an idle connection", func() { h1ClientStates.check(idle, awaitingHead) }, true},
		{"a body without a head", func() { h1ClientStates.check(idle, receivingBody) }, false},
		{"a request on no connection", func() { h1ClientStates.check(stopped, awaitingHead) }, false},
		{"HTTP after an upgrade", func() { h1ClientStates.check(upgraded, idle) }, false},
		{"a pipelined request", func() { serverStates.check(answering, awaitingRequest) }, true},
		{"a request after the last one", func() { serverStates.check(closing, awaitingRequest) }, false},
		{"an end without a head", func() { messageStates.check(sendDone, sendBody) }, false},
		{"a body that is wanted twice", func() { bodyStates.check(bodyReady, bodyAsked) }, false},
		{"a connection in two lists", func() { poolPlaces.check(inIdle, inShared) }, false},
		{"a queued request in a pool", func() { exchangeStates.check(queued, pooled) }, false},
	} {
		if panics(test.step) == test.allowed {
			t.Errorf("%s: allowed is not %v", test.name, test.allowed)
		}
	}
}

// A stateTable is a machine whose states are of any type.
type stateTable struct {
	names []string
	next  []states
}

func tableOf[S ~uint8](m *machine[S]) stateTable { return stateTable{m.names, m.next} }

// stateTables returns the machines by the names of their variables, with the type of their
// states.
func stateTables() map[string]stateTable {
	return map[string]stateTable{
		"clientStates": tableOf(&clientStates), "h1ClientStates": tableOf(&h1ClientStates), "serverStates": tableOf(&serverStates),
		"messageStates": tableOf(&messageStates), "exchangeStates": tableOf(&exchangeStates), "bodyStates": tableOf(&bodyStates),
		"poolPlaces": tableOf(&poolPlaces),
	}
}

// TestTablesAreWhole checks that each state has a name and a row, and that each but the
// first one can be reached.
func TestTablesAreWhole(t *testing.T) {
	for name, table := range stateTables() {
		if len(table.names) != len(table.next) {
			t.Errorf("%s: %d names for %d rows", name, len(table.names), len(table.next))
		}
		reached := states(1)
		for _, row := range table.next {
			reached |= row
		}
		if all := states(1)<<len(table.names) - 1; reached != all {
			t.Errorf("%s: the states %b of %b are reached", name, reached, all)
		}
	}
	for s := range clientState(len(clientStates.names)) {
		if s != disconnected && s != open && !s.opening() {
			t.Errorf("%s is in no phase", clientStates.names[s])
		}
	}
}

// TestNothingElseChangesStates reads the code of the package: a state is changed by step of its
// table alone, to a state that follows another one there, and each state but the first is
// entered somewhere.
func TestNothingElseChangesStates(t *testing.T) {
	files := parsePackage(t)
	constants := make(map[string]string) // constants by name, and the type of each
	fields := make(map[string]bool)      // that hold a state
	machines := make(map[string]string)  // variables by name, and the type of their states
	values := make(map[string][]string)  // constants of each type, in order
	entered := make(map[string][]string) // states that each machine steps to
	types := make(map[string]bool)
	inspect := func(fn func(n ast.Node)) {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			ast.Inspect(files[name], func(n ast.Node) bool { fn(n); return true })
		}
	}
	ast.Inspect(files["states.go"], func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok != token.CONST {
				break
			}
			of := ""
			for _, spec := range n.Specs {
				spec := spec.(*ast.ValueSpec)
				if spec.Type != nil {
					of = fmt.Sprint(spec.Type)
				}
				constants[spec.Names[0].Name] = of
				values[of] = append(values[of], spec.Names[0].Name)
				types[of] = true
			}
		case *ast.ValueSpec:
			if len(n.Values) == 1 {
				if lit, ok := n.Values[0].(*ast.CompositeLit); ok {
					if index, ok := lit.Type.(*ast.IndexExpr); ok && fmt.Sprint(index.X) == "machine" {
						machines[n.Names[0].Name] = fmt.Sprint(index.Index)
					}
				}
			}
		}
		return true
	})
	if got, want := slices.Sorted(maps.Keys(machines)), slices.Sorted(maps.Keys(stateTables())); !slices.Equal(got, want) || len(types) != len(want) {
		t.Fatalf("tables %q, states of %d types, want %q", got, len(types), want)
	}
	inspect(func(n ast.Node) {
		if f, ok := n.(*ast.Field); ok && types[fmt.Sprint(f.Type)] {
			for _, name := range f.Names {
				fields[name.Name] = true
			}
		}
	})
	inspect(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				field, ok := to.(*ast.SelectorExpr)
				if ok && fields[field.Sel.Name] && i < len(n.Rhs) && constants[fmt.Sprint(n.Rhs[i])] != "" {
					t.Errorf("%s is set to %s without its table", field.Sel.Name, n.Rhs[i])
				}
			}
		case *ast.CallExpr:
			step, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || step.Sel.Name != "step" || machines[fmt.Sprint(step.X)] == "" {
				break
			}
			machine, to := fmt.Sprint(step.X), fmt.Sprint(n.Args[1])
			if constants[to] != machines[machine] {
				t.Errorf("%s steps to %s, which is a constant of another type or none", machine, to)
			}
			entered[machine] = append(entered[machine], to)
		}
	})
	for machine, table := range stateTables() {
		for i, name := range values[machines[machine]] {
			can := slices.ContainsFunc(table.next, func(row states) bool { return row&(1<<i) != 0 })
			if does := slices.Contains(entered[machine], name); does != can {
				t.Errorf("%s: that %s is entered is %v in the code, %v in the table", machine, name, does, can)
			}
		}
	}
}

// parsePackage returns the files of the package that are no tests.
func parsePackage(t *testing.T) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files, set := make(map[string]*ast.File), token.NewFileSet()
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if files[e.Name()], err = parser.ParseFile(set, e.Name(), nil, parser.SkipObjectResolution); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
