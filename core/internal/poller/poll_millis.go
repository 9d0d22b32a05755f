//go:build unix && !linux

package poller

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// FreeBSD has POLLRDHUP since version 14. Without it, a peer's shutdown cannot be
// told from data to read.
var pollRDHUP, pollEarlyClose = func() (int16, Feature) {
	if runtime.GOOS == "freebsd" {
		return 0x4000, FeatureEarlyClose
	}
	return 0, 0
}()

// pollNow asks what is ready now.
func pollNow(fds []unix.PollFd) (int, error) { return unix.Poll(fds, 0) }

// block blocks the thread until something that is asked for is ready or the
// deadline has passed. Milliseconds are as precise as poll(2) gets.
func (p *poll) block(deadline Deadline) (int, error) {
	return unix.Poll(p.asked, clampMillis(deadline.left()))
}
