package loop

import "fmt"

// Pipes is measured on Unix only.
func Pipes(_, _, _ int) ([]Figure, error) {
	return nil, fmt.Errorf("%w: pipes need Unix", ErrUnable)
}
