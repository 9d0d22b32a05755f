package poller

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxRawPoll is the number of descriptors up to which pollNow is so short that
// the scheduler need not know of it.
const maxRawPoll = 256

// pollNow asks what is ready now.
func pollNow(fds []unix.PollFd) (int, error) {
	var now unix.Timespec
	if len(fds) > maxRawPoll {
		return unix.Ppoll(fds, &now, nil)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL,
		uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// pollWait blocks the thread until something is ready or timeout, unless
// negative, has passed.
func pollWait(fds []unix.PollFd, timeout time.Duration, precise bool) (int, error) {
	if timeout < 0 || !precise {
		return unix.Poll(fds, clampMillis(timeout))
	}
	ts := timespec(timeout)
	return unix.Ppoll(fds, &ts, nil)
}
