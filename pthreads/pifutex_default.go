//go:build !linux

package pthreads

import (
	"errors"

	"github.com/go-libevent/libevent/core/evthread"
)

// inheritingLocks fails: the mutexes of this system that inherit priorities are
// in its C library, where Go cannot reach them without cgo.
func inheritingLocks() (*evthread.LockCallbacks, error) { return nil, errors.ErrUnsupported }
