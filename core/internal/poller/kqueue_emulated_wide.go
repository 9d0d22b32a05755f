//go:build linux && kqueue_emulation && kqueue_netbsd

package poller

import (
	"sync"
	"time"

	emulation "github.com/go-libevent/libevent/core/internal/kqueue"
)

// The types of NetBSD: filters count from 0 upwards, in 32 bits without a sign.

type kevent struct {
	Ident  uint64
	Filter uint32
	Flags  uint32
	Fflags uint32
	Data   int64
	Udata  int64
}

const (
	onlySystem = "netbsd"

	evfiltRead  = 0
	evfiltWrite = 1
)

func setKevent(e *kevent, fd, filter, flags int) {
	e.Ident, e.Filter, e.Flags = uint64(fd), uint32(filter), uint32(flags)
}

// narrow has memory for the conversion of events.
var narrow = sync.Pool{New: func() any { return new([]emulation.Event) }}

func emulate(kq int, changes, events []kevent, timeout time.Duration) (int, error) {
	in := narrow.Get().(*[]emulation.Event)
	out := narrow.Get().(*[]emulation.Event)
	defer narrow.Put(in)
	defer narrow.Put(out)
	*in = (*in)[:0]
	for _, e := range changes {
		*in = append(*in, emulation.Event{
			Ident: e.Ident, Filter: -1 - int16(e.Filter), Flags: uint16(e.Flags), Fflags: e.Fflags,
			Data: e.Data, Udata: uint64(e.Udata),
		})
	}
	if cap(*out) < len(events) {
		*out = make([]emulation.Event, len(events))
	}
	*out = (*out)[:len(events)]
	n, err := emulation.Kevent(kq, *in, *out, timeout)
	for i := range max(n, 0) {
		e := &(*out)[i]
		events[i] = kevent{
			Ident: e.Ident, Filter: uint32(-1 - e.Filter), Flags: uint32(e.Flags), Fflags: e.Fflags,
			Data: e.Data, Udata: int64(e.Udata),
		}
	}
	return n, err
}
