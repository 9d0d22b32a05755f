package architecture

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Words are phrases that comments do without, as regular expressions, each with what
// to write instead. In a comment the subject is the code, so that it says which part
// does what.
type Words map[string]string

// CheckWords returns the comments of Go files that hold one of the phrases. Ends
// of lines make no difference.
func (w Words) CheckWords(root string, names []string) ([]string, error) {
	phrases := make(map[*regexp.Regexp]string)
	for phrase, instead := range w {
		phrases[regexp.MustCompile(`\b(?:`+strings.ReplaceAll(phrase, " ", `\s+`)+`)\b`)] = instead
	}
	var problems []string
	for _, name := range names {
		found, err := checkWords(filepath.Join(root, filepath.FromSlash(name)), name, phrases)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	slices.Sort(problems)
	return problems, nil
}

func checkWords(path, name string, phrases map[*regexp.Regexp]string) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if os.IsNotExist(err) {
		return nil, nil // deleted, and not committed yet
	}
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, group := range file.Comments {
		text := group.Text()
		for phrase, instead := range phrases {
			if found := phrase.FindString(text); found != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: a comment says %q: %s",
					name, files.Position(group.Pos()).Line, found, instead))
			}
		}
	}
	return problems, nil
}
