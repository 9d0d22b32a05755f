package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The exit statuses of the command.
const (
	exitOK       = 0
	exitProblems = 1
	exitUsage    = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command without its process: it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("apimap", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", "", "root `directory` of the source tree (default: the nearest one upward that holds go.work)")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: apimap [-root directory]") // there is no other output for errors
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		flags.Usage()
		return exitUsage
	}
	if *root == "" {
		found, err := findRoot()
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "apimap:", err) // there is no other output for errors
			return exitUsage
		}
		*root = found
	}
	return report(*root, stdout, stderr)
}

// report checks the tree at root and prints what it found.
func report(root string, stdout, stderr io.Writer) int {
	found, err := checkTree(os.DirFS(root))
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "apimap:", err) // there is no other output for errors
		return exitProblems
	}
	if err := printSummary(stdout, found.headers); err != nil {
		_, _ = fmt.Fprintln(stderr, "apimap:", err) // there is no other output for errors
		return exitProblems
	}
	for _, problem := range found.problems {
		_, _ = fmt.Fprintln(stderr, problem) // there is no other output for errors
	}
	if len(found.problems) > 0 {
		return exitProblems
	}
	return exitOK
}

// checkTree loads the tables and the sources of a tree and compares them.
func checkTree(tree fs.FS) (result, error) {
	names, err := readNames(tree, "docs/libevent-api.tsv")
	if err != nil {
		return result{}, err
	}
	more, err := readMore(tree, "docs/libevent-more.tsv")
	if err != nil {
		return result{}, err
	}
	rows, err := readRows(tree, "docs/api-map.tsv")
	if err != nil {
		return result{}, err
	}
	identifiers, err := readIdentifiers(tree)
	if err != nil {
		return result{}, err
	}
	return check(append(names, more...), rows, identifiers), nil
}

// findRoot returns the nearest directory, from the working directory upward,
// that holds a go.work.
func findRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.work in %s or above it", start)
		}
	}
}
