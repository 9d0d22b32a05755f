//go:build linux && kqueue_emulation && !kqueue_netbsd

package poller

import (
	"time"

	emulation "github.com/go-libevent/libevent/core/internal/kqueue"
)

// The types of all systems but NetBSD: filters count from -1 downwards, in 16 bits.

type kevent = emulation.Event

const (
	evfiltRead  = emulation.Read
	evfiltWrite = emulation.Write
	evfiltUser  = emulation.User
)

func setKevent(e *kevent, fd, filter, flags int) {
	e.Ident, e.Filter, e.Flags = uint64(fd), int16(filter), uint16(flags)
}

func emulate(kq int, changes, events []kevent, timeout time.Duration) (int, error) {
	return emulation.Kevent(kq, changes, events, timeout)
}
