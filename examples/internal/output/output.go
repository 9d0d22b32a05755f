// Package output is standard output for programs whose results go there: it remembers
// the first error, for the exit code.
package output

import (
	"fmt"
	"os"
)

// Stdout is standard output.
var Stdout writer

type writer struct{ err error }

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// Println is fmt.Println to Stdout.
func Println(values ...any) { _, _ = fmt.Fprintln(&Stdout, values...) } // Err has the error

// Printf is fmt.Printf to Stdout.
func Printf(format string, values ...any) { _, _ = fmt.Fprintf(&Stdout, format, values...) } // Err has the error

// Err returns the first error of writing.
func Err() error { return Stdout.err }
