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

func retryRead(fd int, p []byte) (n int, err error) {
	for {
		if n, err = unix.Read(fd, p); err != unix.EINTR {
			return n, err
		}
	}
}

func retryWrite(fd int, p []byte) (n int, err error) {
	for {
		if n, err = unix.Write(fd, p); err != unix.EINTR {
			return n, err
		}
	}
}

// sysClose closes a descriptor. That is never repeated: the descriptor is gone
// when a signal interrupts the call, and its number may be in use again.
func sysClose(fd int) error {
	if err := unix.Close(fd); err != unix.EINTR {
		return err
	}
	return nil
}
