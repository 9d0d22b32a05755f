//go:build !linux

package loop

import "fmt"

// Wait is measured on Linux only, where there is a choice.
func Wait([]string, int, bool) ([]Figure, error) {
	return nil, fmt.Errorf("%w: waiting is measured on Linux", ErrUnable)
}

// WaitServer is the server of Wait.
func WaitServer(bool) error {
	return fmt.Errorf("%w: waiting is measured on Linux", ErrUnable)
}
