package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Pos is a place in a file. Lines and columns count from 1, columns in bytes.
type Pos struct {
	File         string
	Line, Column int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// An Error is what is wrong at a place.
type Error struct {
	Pos
	Text string
}

func (e *Error) Error() string { return e.Pos.String() + ": " + e.Text }

// Errors are what is wrong with files, in the order of places.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// maxErrors is how many errors are reported.
const maxErrors = 100

// add notes an error, unless there is one at the same place.
func (e *Errors) add(at Pos, format string, args ...any) {
	for _, other := range *e {
		if other.Pos == at {
			return
		}
	}
	if len(*e) < maxErrors {
		*e = append(*e, &Error{at, fmt.Sprintf(format, args...)})
	}
}

// result returns the errors as one, or nil.
func (e Errors) result() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}
