package architecture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Tracked returns the files of the repository at root, by their paths from there.
func Tracked(root string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), nil
}

var marker = regexp.MustCompile(`(?m)^(<{7}|>{7}|\|{7})( |$)`)

// CheckMarkers returns the files among names that a merge has left unfinished.
func CheckMarkers(root string, names []string) ([]string, error) {
	var problems []string
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			return nil, err
		}
		if at := marker.FindIndex(text); at != nil {
			problems = append(problems, fmt.Sprintf("%s:%d: holds a conflict marker", name, 1+bytes.Count(text[:at[0]], []byte("\n"))))
		}
	}
	return problems, nil
}

// named is a path in a page: in quotes for code, with a folder.
var named = regexp.MustCompile("`([a-z.][a-zA-Z0-9_.*-]*(?:/[a-zA-Z0-9_.*-]+)+/?)`")

// CheckPage returns the files and folders that a page names and that are not there.
// What it names may be a pattern. Import paths, which begin with no folder of the
// repository, are not looked up.
func CheckPage(root, page string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, match := range named.FindAllStringSubmatch(string(text), -1) {
		folder, _, _ := strings.Cut(match[1], "/")
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
			continue
		}
		found, err := filepath.Glob(filepath.Join(root, match[1]))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			problems = append(problems, fmt.Sprintf("%s names %s, which is not there", page, match[1]))
		}
	}
	return problems, nil
}
