// Package measure holds what all workloads have in common: the form of their
// results.
package measure

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Figure is one measured value, in the unit of its workload.
type Figure struct {
	Name  string
	Value float64
}

// ErrUnable says that a workload cannot be run on this machine.
var ErrUnable = errors.New("cannot be measured on this machine")

// Print writes figures as a child process does, one a line: name, tab, value.
func Print(w io.Writer, figures []Figure) error {
	for _, f := range figures {
		if _, err := fmt.Fprintf(w, "%s\t%.5f\n", f.Name, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// Parse reads the figures of a child process.
func Parse(r io.Reader) ([]Figure, error) {
	var figures []Figure
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), "\t")
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("figure %q: %w", lines.Text(), err)
		}
		figures = append(figures, Figure{Name: name, Value: value})
	}
	return figures, lines.Err()
}
