package poller

import (
	"math"
	"unsafe"

	"golang.org/x/sys/unix"
)

// selectLimit is the number of descriptors that select can watch. The kernel takes
// bitmaps of any length; FD_SETSIZE only concerns C programs.
const selectLimit = math.MaxInt32

// maxRawSelect is the number of descriptors up to which selectNow is so short
// that the scheduler need not know of it.
const maxRawSelect = 1024

// selectNow asks what is ready now.
func selectNow(s *fdSets) (int, error) {
	var now unix.Timespec
	if s.nfds > maxRawSelect {
		return unix.Pselect(s.nfds, &s.read[0], &s.write[0], nil, &now, nil)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_PSELECT6, uintptr(s.nfds),
		uintptr(unsafe.Pointer(&s.read[0])), uintptr(unsafe.Pointer(&s.write[0])), 0,
		uintptr(unsafe.Pointer(&now)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// block blocks the thread until something in answer, which has what is asked
// for, is ready or the deadline has passed.
func (s *selector) block(deadline Deadline) (int, error) {
	if deadline == Never {
		return s.answer.wait()
	}
	if err := s.alarm.set(deadline); err != nil {
		return 0, err
	}
	s.answer.put(s.alarm.fd, Read)
	n, err := s.answer.wait()
	if err == nil && s.answer.has(s.alarm.fd) {
		s.answer.put(s.alarm.fd, 0)
		n--
	}
	return n, err
}

func (s *fdSets) wait() (int, error) {
	return unix.Pselect(s.nfds, &s.read[0], &s.write[0], nil, nil, nil)
}

// has reports whether fd is in the set of those to read from.
func (s *fdSets) has(fd int) bool { return s.read[fd/unix.FD_SETSIZE].IsSet(fd % unix.FD_SETSIZE) }
