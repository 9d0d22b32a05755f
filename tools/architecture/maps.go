package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// mapHeading begins the last section of a package's documentation.
const mapHeading = "# Files"

// CheckMap returns what is wrong with the map of files at the end of the doc.go of a
// folder: a file that it does not name, or a name without a file. A name may be a
// pattern as of path.Match, for files of several platforms; a line may have several. A package of one file
// needs none.
func CheckMap(dir string) ([]string, error) {
	names, err := productionFiles(dir)
	if err != nil {
		return nil, err
	}
	if names = slices.DeleteFunc(names, func(name string) bool { return name == "doc.go" }); len(names) < 2 {
		return nil, nil
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
	if os.IsNotExist(err) {
		return []string{"there is no doc.go"}, nil
	}
	if err != nil {
		return nil, err
	}
	text := file.Doc.Text()
	at := strings.LastIndex(text, mapHeading+"\n")
	if at < 0 {
		return []string{"doc.go does not end with a map of the files"}, nil
	}
	return compareMap(names, entries(text[at:])), nil
}

// entries returns the names at the beginning of the indented lines of a section.
func entries(section string) []string {
	var found []string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "\t\t") {
			continue
		}
		for _, field := range strings.Fields(line) {
			name := strings.TrimSuffix(field, ",")
			if !strings.HasSuffix(name, ".go") {
				break
			}
			found = append(found, name)
		}
	}
	return found
}

func compareMap(names, entries []string) []string {
	var problems []string
	named := make(map[string]bool)
	for _, entry := range entries {
		any := entry == "doc.go"
		for _, name := range names {
			if ok, err := path.Match(entry, name); err == nil && ok {
				named[name], any = true, true
			}
		}
		if !any {
			problems = append(problems, fmt.Sprintf("the map names %s, which is not there", entry))
		}
	}
	for _, name := range names {
		if !named[name] {
			problems = append(problems, fmt.Sprintf("the map does not name %s", name))
		}
	}
	slices.Sort(problems)
	return problems
}

// productionFiles returns the names of the Go files of a folder that are no tests.
func productionFiles(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range found {
		if name := filepath.Base(file); !strings.HasSuffix(name, "_test.go") {
			names = append(names, name)
		}
	}
	return names, nil
}
