package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// cName is a public name of libevent and the header that declares it.
type cName struct {
	header string
	name   string
	more   bool // beside the public names: a structure, or a name for compatibility
}

// row is a line of the map. An empty goName cannot occur: names without a
// counterpart have "-".
type row struct {
	place  string // file:line, for messages
	cName  string
	goName string
	note   string
}

// none stands in a row for a name that has no counterpart in Go.
const none = "-"

// readNames reads the list of libevent's public names.
func readNames(tree fs.FS, path string) ([]cName, error) {
	var names []cName
	err := readTable(tree, path, 3, func(_ string, columns []string) {
		names = append(names, cName{header: columns[0], name: columns[2]})
	})
	return names, err
}

// readMore reads the list of other names, which need not be there.
func readMore(tree fs.FS, path string) ([]cName, error) {
	names, err := readNames(tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for i := range names {
		names[i].more = true
	}
	return names, err
}

// readRows reads the map from C names to Go identifiers.
func readRows(tree fs.FS, path string) ([]row, error) {
	var rows []row
	err := readTable(tree, path, 3, func(place string, columns []string) {
		rows = append(rows, row{place: place, cName: columns[0], goName: columns[1], note: columns[2]})
	})
	return rows, err
}

// readTable calls line for each line of a table, with its place and its
// columns, trimmed. Trailing columns that are missing are empty; the others
// must not be.
func readTable(tree fs.FS, path string, width int, line func(place string, columns []string)) error {
	file, err := tree.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for number := 1; scanner.Scan(); number++ {
		text := scanner.Text()
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		place := fmt.Sprintf("%s:%d", path, number)
		columns, err := splitColumns(text, width)
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		line(place, columns)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// splitColumns splits a line into width columns, of which the last may be
// missing or empty.
func splitColumns(text string, width int) ([]string, error) {
	columns := strings.Split(text, "\t")
	if len(columns) < width-1 || len(columns) > width {
		return nil, fmt.Errorf("%d columns, want %d separated by tabs", len(columns), width)
	}
	for len(columns) < width {
		columns = append(columns, "")
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
		if columns[i] == "" && i < width-1 {
			return nil, fmt.Errorf("column %d is empty", i+1)
		}
	}
	return columns, nil
}
