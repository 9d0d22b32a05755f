//go:build unix

package poller

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestInterruptedCallsAreRepeated(t *testing.T) {
	for _, want := range []error{nil, unix.EBADF, unix.EAGAIN} {
		calls := 0
		err := retryError(func() error {
			if calls++; calls < 4 {
				return unix.EINTR
			}
			return want
		})
		if err != want || calls != 4 {
			t.Errorf("%v after %d calls, want %v after 4", err, calls, want)
		}
	}
}
