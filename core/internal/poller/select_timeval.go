//go:build unix && !linux

package poller

import "golang.org/x/sys/unix"

// selectNow asks what is ready now.
func selectNow(s *fdSets) (int, error) {
	var now unix.Timeval
	return unix.Select(s.nfds, &s.read[0], &s.write[0], nil, &now)
}

// block blocks the thread until something in answer, which has what is asked
// for, is ready or the deadline has passed.
func (s *selector) block(deadline Deadline) (int, error) {
	a := &s.answer
	if deadline == Never {
		return unix.Select(a.nfds, &a.read[0], &a.write[0], nil, nil)
	}
	tv := unix.NsecToTimeval(int64(min(deadline.left(), longestWait))) // rounds up
	return unix.Select(a.nfds, &a.read[0], &a.write[0], nil, &tv)
}
