//go:build unix && !linux

package poller

import (
	"time"

	"golang.org/x/sys/unix"
)

// pollNow asks what is ready now.
func pollNow(fds []unix.PollFd) (int, error) { return unix.Poll(fds, 0) }

// pollWait blocks the thread until something is ready or timeout, unless
// negative, has passed. Milliseconds are as precise as poll(2) gets.
func pollWait(fds []unix.PollFd, timeout time.Duration, _ bool) (int, error) {
	return unix.Poll(fds, clampMillis(timeout))
}
