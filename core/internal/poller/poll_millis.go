//go:build unix && !linux

package poller

import "golang.org/x/sys/unix"

// pollNow asks what is ready now.
func pollNow(fds []unix.PollFd) (int, error) { return unix.Poll(fds, 0) }

// block blocks the thread until something that is asked for is ready or the
// deadline has passed. Milliseconds are as precise as poll(2) gets.
func (p *poll) block(deadline Deadline) (int, error) {
	return unix.Poll(p.asked, clampMillis(deadline.left()))
}
