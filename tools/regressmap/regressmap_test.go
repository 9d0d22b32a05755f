package regressmap

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is that of the repository, seen from here.
const root = "../.."

// functions are the names of those in the tests of folders.
type functions map[string]map[string]bool

// in returns the functions in the tests of a folder.
func (f functions) in(t *testing.T, folder string) map[string]bool {
	t.Helper()
	if found, ok := f[folder]; ok {
		return found
	}
	found := make(map[string]bool)
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil {
				found[fn.Name.Name] = true
			}
		}
	}
	f[folder] = found
	return found
}

// testName is that of a function that is a test: of the testing package, or of a
// conformance suite.
var testName = regexp.MustCompile(`^(Test|test|Fuzz)[A-Z]`)

// check returns what is wrong with a line, or nothing.
func (f functions) check(t *testing.T, line string) []string {
	columns := strings.Split(line, "\t")
	if len(columns) < 2 || len(columns) > 3 || columns[0] == "" || columns[1] == "" {
		return []string{"want a case, tests and perhaps a note, separated by tabs"}
	}
	if columns[1] == "-" {
		if len(columns) < 3 || columns[2] == "" {
			return []string{"no test, and no note that says why"}
		}
		return nil
	}
	var problems []string
	for _, test := range strings.Fields(columns[1]) {
		dot := strings.LastIndexByte(test, '.')
		if dot < 0 || !testName.MatchString(test[dot+1:]) {
			problems = append(problems, test+" is no test")
		} else if !f.in(t, test[:dot])[test[dot+1:]] {
			problems = append(problems, "there is no "+test)
		}
	}
	return problems
}

func TestEveryTestOfTheTableExists(t *testing.T) {
	file, err := os.Open(filepath.Join(root, "docs", "regress-map.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found, seen := make(functions), make(map[string]bool)
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, problem := range found.check(t, line) {
			t.Errorf("line %d, %s: %s", n, strings.SplitN(line, "\t", 2)[0], problem)
		}
		name, _, _ := strings.Cut(line, "\t")
		if seen[name] {
			t.Errorf("line %d: %s has a line already", n, name)
		}
		seen[name] = true
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	const cases = 440 // of libevent 2.2, with one line for a group that has another's cases
	if len(seen) < cases {
		t.Errorf("%d cases, want at least %d", len(seen), cases)
	}
}

func TestBadLinesAreFound(t *testing.T) {
	tests := []struct{ line, want string }{
		{"main/version\tcore/event.TestVersion", ""},
		{"main/version\tcore/event.TestVersion\ta note", ""},
		{"main/mm\t-\tmemory is Go's", ""},
		{"main/version", "want a case"},
		{"main/version\t\ta note", "want a case"},
		{"main/mm\t-", "no note"},
		{"main/version\tcore/event.TestNoSuchThing", "there is no core/event.TestNoSuchThing"},
		{"main/version\tcore/nowhere.TestVersion", "there is no"},
		{"main/version\tcore/event.Version", "is no test"},
		{"main/version\tTestVersion", "is no test"},
	}
	for _, tt := range tests {
		got := strings.Join(make(functions).check(t, tt.line), "; ")
		if got != tt.want && (tt.want == "" || !strings.Contains(got, tt.want)) {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}
