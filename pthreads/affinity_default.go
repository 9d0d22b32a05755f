//go:build !linux && !windows

package pthreads

import "errors"

// setAffinity fails: macOS and OpenBSD cannot confine a thread to a processor,
// and for the others x/sys does not have the call.
func setAffinity(int) error { return errors.ErrUnsupported }
