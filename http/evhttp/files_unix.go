//go:build unix

package evhttp

import (
	"errors"
	"syscall"
)

// nonblock keeps the loop from waiting at a named pipe that takes the place of a
// file.
const nonblock = syscall.O_NONBLOCK

// isShortage reports whether there are no descriptors left.
func isShortage(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
