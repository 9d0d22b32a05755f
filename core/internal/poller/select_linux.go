package poller

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// selectWait blocks the thread until something is ready or timeout, unless
// negative, has passed.
func selectWait(s *fdSets, timeout time.Duration) (int, error) {
	if timeout < 0 {
		return unix.Pselect(s.nfds, &s.read[0], &s.write[0], nil, nil, nil)
	}
	ts := timespec(timeout)
	return unix.Pselect(s.nfds, &s.read[0], &s.write[0], nil, &ts, nil)
}
