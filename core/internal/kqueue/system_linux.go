package kqueue

import (
	"time"

	"golang.org/x/sys/unix"
)

// A System says in what the kqueue of a system differs from those of others.
type System struct {
	Name string

	// BrokenPipe is the error of watching a pipe without a reader for writing.
	BrokenPipe unix.Errno

	// FileNote is the note with which a regular file is readable at its end too, or
	// zero. ReportsEnd says that the event then has the note if it is there.
	FileNote   uint32
	ReportsEnd bool

	// RefusesFiles says that regular files cannot be watched for writing, which no
	// manual promises.
	RefusesFiles bool

	// HasUser, HasReceipt and HasDispatch say that there are user events, EV_RECEIPT
	// and EV_DISPATCH. Flags that a system does not know have no effect.
	HasUser, HasReceipt, HasDispatch bool

	// Units are those of timers, by their notes.
	Units map[uint32]time.Duration

	// EndsWith is the error of a wait whose time has passed, in place of none: macOS
	// has been seen to return ETIMEDOUT now and then.
	EndsWith unix.Errno
}

// The systems by their manuals. RefusesFiles is what all of these say; that kernels are
// more generous is known of some.
var (
	Darwin = System{
		Name: "darwin", BrokenPipe: unix.EPIPE, RefusesFiles: true,
		HasUser: true, HasReceipt: true, HasDispatch: true,
		Units:    map[uint32]time.Duration{0: time.Millisecond, 1: time.Second, 2: time.Microsecond, 4: time.Nanosecond},
		EndsWith: unix.ETIMEDOUT,
	}
	DragonFly = System{
		Name: "dragonfly", BrokenPipe: unix.EPIPE, RefusesFiles: true,
		HasUser: true, HasReceipt: true, HasDispatch: true,
		Units: map[uint32]time.Duration{0: time.Millisecond},
	}
	FreeBSD = System{
		Name: "freebsd", BrokenPipe: unix.EPIPE, FileNote: 0x2, RefusesFiles: true,
		HasUser: true, HasReceipt: true, HasDispatch: true,
		Units: map[uint32]time.Duration{0: time.Millisecond, 1: time.Second, 2: time.Millisecond, 4: time.Microsecond, 8: time.Nanosecond},
	}
	// NetBSD is that of before version 10, which brought user events, EV_RECEIPT,
	// EV_DISPATCH and units of timers.
	NetBSD = System{
		Name: "netbsd", BrokenPipe: unix.EBADF, RefusesFiles: true,
		Units: map[uint32]time.Duration{0: time.Millisecond},
	}
	OpenBSD = System{
		Name: "openbsd", BrokenPipe: unix.EPIPE, FileNote: 0x2, ReportsEnd: true, RefusesFiles: true,
		HasReceipt: true, HasDispatch: true,
		Units: map[uint32]time.Duration{0: time.Millisecond},
	}
)

// Systems has all of them.
var Systems = []*System{&Darwin, &DragonFly, &FreeBSD, &NetBSD, &OpenBSD}
