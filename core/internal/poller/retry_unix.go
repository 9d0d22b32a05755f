//go:build unix

package poller

import "golang.org/x/sys/unix"

// What a signal has interrupted is done again. None of these calls waits, so
// that most kernels never say EINTR; but where one does, a wake-up or a change
// must not be lost.

func retryError(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
