//go:build !linux

package pin

import (
	"errors"
	"fmt"
	"runtime"
)

// CPUs returns no processors: a process cannot be confined here. The error
// wraps ErrTooFew if there are fewer than n.
func CPUs(n int) ([]int, error) {
	if runtime.NumCPU() < n {
		return nil, fmt.Errorf("%w: %d of %d", ErrTooFew, runtime.NumCPU(), n)
	}
	return nil, nil
}

// Exec fails with errors.ErrUnsupported.
func Exec([]int, string, ...string) error {
	return errors.ErrUnsupported
}

// Self fails with errors.ErrUnsupported.
func Self([]int) error {
	return errors.ErrUnsupported
}
