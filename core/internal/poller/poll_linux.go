package poller

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// POLLRDHUP tells of a peer's shutdown.
const (
	pollRDHUP      = unix.POLLRDHUP
	pollEarlyClose = FeatureEarlyClose
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

// block blocks the thread until something that is asked for is ready or the
// deadline has passed.
func (p *poll) block(deadline Deadline) (int, error) {
	if deadline == Never {
		return unix.Ppoll(p.asked, nil, nil)
	}
	if err := p.alarm.set(deadline); err != nil {
		return 0, err
	}
	last := len(p.asked)
	p.asked = append(p.asked, unix.PollFd{Fd: int32(p.alarm.fd), Events: unix.POLLIN})
	n, err := unix.Ppoll(p.asked, nil, nil)
	if err == nil && p.asked[last].Revents != 0 {
		n--
	}
	p.asked = p.asked[:last]
	return n, err
}
