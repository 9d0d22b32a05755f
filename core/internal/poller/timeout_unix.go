//go:build unix

package poller

import (
	"time"

	"golang.org/x/sys/unix"
)

// longestWait bounds the timeouts that go to the kernel: some kernels refuse
// years, and the seconds of a 32-bit system end in decades. A wait that ends
// early does no harm.
const longestWait = time.Hour

// timespec converts a timeout that is not negative.
func timespec(d time.Duration) unix.Timespec {
	return unix.NsecToTimespec(int64(min(d, longestWait)))
}
