//go:build unix && !linux

package poller

import (
	"math"
	"runtime"

	"golang.org/x/sys/unix"
)

// selectLimit is the number of descriptors that select can watch. The kernels of
// most BSDs take bitmaps of any length; elsewhere the C library, through which every
// system call goes, refuses more than FD_SETSIZE.
var selectLimit = func() int {
	switch runtime.GOOS {
	case "dragonfly", "freebsd", "netbsd", "openbsd":
		return math.MaxInt32
	}
	return unix.FD_SETSIZE
}()

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
