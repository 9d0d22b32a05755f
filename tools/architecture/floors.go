package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Floors has the packages of the libraries, those that import nothing of ours first.
// A package imports only from floors below its own; "internal/..." of a module is seen
// by that module alone, which the compiler checks.
type Floors [][]string

// floor returns the floor of a package, or -1.
func (f Floors) floor(pkg string) int {
	return slices.IndexFunc(f, func(floor []string) bool { return slices.Contains(floor, pkg) })
}

// Check returns which packages of the repository at root import upwards or sideways,
// stand on no floor, or are not there. It looks at the production files of
// all platforms.
func (f Floors) Check(root string, modules []string) ([]string, error) {
	var problems []string
	seen := make(map[string]bool)
	for _, module := range modules {
		imports, err := productionImports(root, module)
		if err != nil {
			return nil, err
		}
		for pkg, list := range imports {
			seen[pkg] = true
			problems = append(problems, f.check(pkg, list)...)
		}
	}
	for _, floor := range f {
		for _, pkg := range floor {
			if !seen[pkg] {
				problems = append(problems, pkg+" stands on a floor, but there is no such package")
			}
		}
	}
	slices.Sort(problems)
	return problems, nil
}

func (f Floors) check(pkg string, imports []string) []string {
	own := f.floor(pkg)
	if own < 0 {
		return []string{pkg + " stands on no floor"}
	}
	var problems []string
	for _, imported := range imports {
		switch other := f.floor(imported); {
		case other < 0: // said of the package itself
		case other > own:
			problems = append(problems, fmt.Sprintf("%s imports %s, which stands above it", pkg, imported))
		case other == own:
			problems = append(problems, fmt.Sprintf("%s imports %s, which stands beside it", pkg, imported))
		}
	}
	return problems
}

// productionImports returns what the packages of a module import of the repository.
func productionImports(root, module string) (map[string][]string, error) {
	found := make(map[string][]string)
	err := filepath.WalkDir(filepath.Join(root, module), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(dir)
		found[pkg] = append(found[pkg], nil...)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if own, ok := strings.CutPrefix(imported, Prefix); ok && !slices.Contains(found[pkg], own) {
				found[pkg] = append(found[pkg], own)
			}
		}
		return nil
	})
	return found, err
}
