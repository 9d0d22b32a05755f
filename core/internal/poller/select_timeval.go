//go:build unix && !linux

package poller

import (
	"time"

	"golang.org/x/sys/unix"
)

// selectNow asks what is ready now.
func selectNow(s *fdSets) (int, error) {
	var now unix.Timeval
	return unix.Select(s.nfds, &s.read[0], &s.write[0], nil, &now)
}

// selectWait blocks the thread until something is ready or timeout, unless
// negative, has passed.
func selectWait(s *fdSets, timeout time.Duration) (int, error) {
	if timeout < 0 {
		return unix.Select(s.nfds, &s.read[0], &s.write[0], nil, nil)
	}
	tv := unix.NsecToTimeval(int64(min(timeout, longestWait))) // rounds up
	return unix.Select(s.nfds, &s.read[0], &s.write[0], nil, &tv)
}
