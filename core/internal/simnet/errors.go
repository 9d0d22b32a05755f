package simnet

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// errNoHost is what calls fail with that open something while no host runs.
	errNoHost = errors.New("no host of the simulated network runs here")
	// errOtherHost is what calls fail with on a descriptor of another host.
	errOtherHost = errors.New("the descriptor is that of another host")
	// ErrDown is what the loops of a host that was stopped end with.
	ErrDown = errors.New("the host was stopped")
	// errNoFiles is what calls on files fail with, which a network does not have.
	errNoFiles = errors.New("a simulated network has no files")
)

// errForeign is what calls fail with on a descriptor of the kernel.
func errForeign(fd int) error {
	return fmt.Errorf("descriptor %d is one of the kernel, not of the simulated network", fd)
}

// errNoEntry is that of a path at which there is nothing.
var errNoEntry error = syscall.ENOENT
