package kqueue_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/kqueue"
	"github.com/go-libevent/libevent/core/internal/leak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { os.Exit(leak.Run(m)) }

// A rule is a sentence of the manuals, and what shows that the emulation keeps it.
type rule struct {
	sentence string
	only     func(*kqueue.System) bool // nil for all systems
	shown    func(q *tester)
}

// A tester is a queue with what a test needs.
type tester struct {
	*testing.T
	*kqueue.System
	fd int
}

func TestRules(t *testing.T) {
	for _, s := range kqueue.Systems {
		for _, r := range slices.Concat(changes, reports, descriptors, sockets, pipesAndFiles, noDescriptors) {
			if r.only != nil && !r.only(s) {
				continue
			}
			t.Run(s.Name+"/"+r.sentence, func(t *testing.T) {
				fd, err := kqueue.Open(s)
				if err != nil {
					t.Fatal(err)
				}
				defer kqueue.Close(fd)
				r.shown(&tester{T: t, System: s, fd: fd})
			})
		}
	}
}

func hasReceipt(s *kqueue.System) bool { return s.HasReceipt }
func hasUser(s *kqueue.System) bool    { return s.HasUser }
func hasNoUser(s *kqueue.System) bool  { return !s.HasUser }

var changes = []rule{
	{"an event that is not registered can be neither deleted nor enabled", nil, func(q *tester) {
		r, _ := q.pipe()
		q.refused(unix.ENOENT, kqueue.Event{Ident: id(r), Filter: kqueue.Read, Flags: kqueue.Delete})
		q.refused(unix.ENOENT, kqueue.Event{Ident: id(r), Filter: kqueue.Read, Flags: kqueue.Enable})
	}},
	{"an unknown filter is refused", nil, func(q *tester) {
		q.refused(unix.EINVAL, kqueue.Event{Filter: -99, Flags: kqueue.Add})
	}},
	{"a closed descriptor is refused, also in a list of changes", nil, func(q *tester) {
		r, w := q.pipe()
		unix.Close(w)
		for _, flags := range []uint16{kqueue.Add, kqueue.Delete} {
			q.refused(unix.EBADF, kqueue.Event{Ident: id(w), Filter: kqueue.Read, Flags: flags})
		}
		q.refused(unix.EBADF, kqueue.Event{Ident: 1 << 40, Filter: kqueue.Read, Flags: kqueue.Add})
		list := []kqueue.Event{add(w, kqueue.Read, 0), add(r, kqueue.Read, 0)}
		if n, err := kqueue.Kevent(q.fd, list, nil, 0); n != -1 || err != unix.EBADF {
			q.Errorf("%d, %v", n, err)
		}
	}},
	{"an error is an event if there is room, and the other changes are applied", nil, func(q *tester) {
		r, _ := q.pipe()
		bad := kqueue.Event{Ident: id(r), Filter: kqueue.Write, Flags: kqueue.Delete, Udata: 7}
		got := q.call(0, bad, add(r, kqueue.Read, 0))
		bad.Flags, bad.Data = bad.Flags|kqueue.Error, int64(unix.ENOENT)
		q.same(got, bad)
		q.change(kqueue.Event{Ident: id(r), Filter: kqueue.Read, Flags: kqueue.Delete})
	}},
	{"EV_RECEIPT answers each change, and takes no event out", hasReceipt, func(q *tester) {
		r, w := q.pipe()
		q.write(w, "x")
		q.change(add(r, kqueue.Read, 0))
		c := add(w, kqueue.Write, kqueue.Receipt)
		got := q.call(0, c)
		c.Flags |= kqueue.Error
		q.same(got, c)
	}},
	{"changes come before events, in one call", nil, func(q *tester) {
		r, w := q.pipe()
		q.write(w, "x")
		if got := q.call(0, add(r, kqueue.Read, 0)); len(got) != 1 || got[0].Ident != id(r) {
			q.Errorf("got %+v", got)
		}
	}},
	{"no room for events means no wait", nil, func(q *tester) {
		if n, err := kqueue.Kevent(q.fd, nil, nil, -1); n != 0 || err != nil {
			q.Errorf("%d, %v", n, err)
		}
	}},
	{"adding an event again changes it, and makes no second one", nil, func(q *tester) {
		_, w := q.pipe()
		q.change(add(w, kqueue.Write, 0))
		again := add(w, kqueue.Write, 0)
		again.Udata = 9
		q.change(again)
		if got := q.call(0); len(got) != 1 || got[0].Udata != 9 {
			q.Errorf("got %+v", got)
		}
	}},
	{"EV_DISABLE keeps an event back until EV_ENABLE", nil, func(q *tester) {
		_, w := q.pipe()
		q.change(add(w, kqueue.Write, kqueue.Disable))
		q.silent()
		q.change(kqueue.Event{Ident: id(w), Filter: kqueue.Write, Flags: kqueue.Enable})
		q.reports(w, kqueue.Write)
		q.change(kqueue.Event{Ident: id(w), Filter: kqueue.Write, Flags: kqueue.Disable})
		q.silent()
		q.change(add(w, kqueue.Write, 0)) // which enables
		q.reports(w, kqueue.Write)
	}},
	{"an interrupted call has applied its changes", nil, func(q *tester) {
		r, w := q.pipe()
		kqueue.Interrupt(1)
		_, err := kqueue.Kevent(q.fd, []kqueue.Event{add(r, kqueue.Read, 0)}, make([]kqueue.Event, 1), -1)
		kqueue.Interrupt(0)
		if err != unix.EINTR {
			q.Errorf("%v, want %v", err, unix.EINTR)
		}
		q.write(w, "x")
		q.reports(r, kqueue.Read)
	}},
}

var reports = []rule{
	{"an event is reported for as long as its condition holds", nil, func(q *tester) {
		r, w := q.pipe()
		q.change(add(r, kqueue.Read, 0))
		q.silent()
		q.write(w, "ab")
		q.reports(r, kqueue.Read)
		q.reports(r, kqueue.Read)
		q.read(r, 2)
		q.silent()
	}},
	{"with EV_CLEAR it is reported again when more has come", nil, func(q *tester) {
		r, w := q.pipe()
		q.change(add(r, kqueue.Read, kqueue.Clear))
		for range 2 {
			q.write(w, "a")
			q.reports(r, kqueue.Read)
			q.silent()
		}
	}},
	{"with EV_CLEAR what is there when it is added is reported", nil, func(q *tester) {
		r, w := q.pipe()
		q.write(w, "a")
		q.change(add(r, kqueue.Read, kqueue.Clear))
		q.reports(r, kqueue.Read)
		q.silent()
	}},
	{"what can be read makes no event for writing with EV_CLEAR", nil, func(q *tester) {
		a, b := q.pair(unix.AF_UNIX)
		q.change(add(a, kqueue.Write, kqueue.Clear))
		q.reports(a, kqueue.Write)
		q.write(b, "x")
		q.silent()
	}},
	{"with EV_ONESHOT it is reported once and deleted", nil, func(q *tester) {
		_, w := q.pipe()
		q.change(add(w, kqueue.Write, kqueue.OneShot))
		q.reports(w, kqueue.Write)
		q.silent()
		q.refused(unix.ENOENT, kqueue.Event{Ident: id(w), Filter: kqueue.Write, Flags: kqueue.Delete})
	}},
	{"with EV_DISPATCH it is reported once and disabled", func(s *kqueue.System) bool { return s.HasDispatch }, func(q *tester) {
		_, w := q.pipe()
		q.change(add(w, kqueue.Write, kqueue.Dispatch))
		q.reports(w, kqueue.Write)
		q.silent()
		q.change(kqueue.Event{Ident: id(w), Filter: kqueue.Write, Flags: kqueue.Enable})
		q.reports(w, kqueue.Write)
	}},
	{"the two filters of a descriptor make two events", nil, func(q *tester) {
		a, b := q.pair(unix.AF_UNIX)
		q.write(b, "x")
		q.change(add(a, kqueue.Read, 0), add(a, kqueue.Write, 0))
		if got := q.call(0); len(got) != 2 || got[0].Filter == got[1].Filter {
			q.Errorf("got %+v", got)
		}
	}},
	{"events that there is no room for come with the next call", nil, func(q *tester) {
		seen := make(map[uint64]bool)
		for range 3 {
			_, w := q.pipe()
			q.change(add(w, kqueue.Write, 0))
		}
		for range 3 {
			room := make([]kqueue.Event, 1)
			if n, err := kqueue.Kevent(q.fd, nil, room, 0); n != 1 || err != nil {
				q.Fatalf("%d, %v", n, err)
			}
			seen[room[0].Ident] = true
		}
		if len(seen) != 3 {
			q.Errorf("seen %v", seen)
		}
	}},
	{"udata comes back", nil, func(q *tester) {
		_, w := q.pipe()
		c := add(w, kqueue.Write, 0)
		c.Udata = 42
		if got := q.call(0, c); len(got) != 1 || got[0].Udata != 42 {
			q.Errorf("got %+v", got)
		}
	}},
	{"a wait ends when something is added that is ready", nil, func(q *tester) {
		_, w := q.pipe()
		q.during(func() { q.change(add(w, kqueue.Write, 0)) }, w, kqueue.Write)
	}},
	{"a wait ends when something comes", nil, func(q *tester) {
		r, w := q.pipe()
		q.change(add(r, kqueue.Read, 0))
		q.during(func() { q.write(w, "x") }, r, kqueue.Read)
	}},
	{"a wait whose time has passed has no events", nil, func(q *tester) {
		n, err := kqueue.Kevent(q.fd, nil, make([]kqueue.Event, 1), time.Millisecond)
		if q.EndsWith != 0 {
			if err != q.EndsWith {
				q.Errorf("%v, want %v", err, q.EndsWith)
			}
			return
		}
		if n != 0 || err != nil {
			q.Errorf("%d, %v", n, err)
		}
	}},
}

var descriptors = []rule{
	{"closing a descriptor removes its events", nil, func(q *tester) {
		r, w := q.pipe()
		q.write(w, "x")
		q.change(add(r, kqueue.Read, 0))
		unix.Close(r)
		q.silent()
	}},
	{"that removes the events of a descriptor with a duplicate too", nil, func(q *tester) {
		r, w := q.pipe()
		q.change(add(r, kqueue.Read, 0))
		twin := q.dup(r)
		unix.Close(r)
		q.write(w, "x")
		q.silent()
		q.change(add(twin, kqueue.Read, 0))
		q.reports(twin, kqueue.Read)
	}},
	{"a number that is used again has no events", nil, func(q *tester) {
		r, w := q.pipe()
		q.change(add(r, kqueue.Read, 0))
		q.dup(r) // which keeps the pipe whole
		other, writer := q.pipe()
		if err := unix.Dup3(other, r, 0); err != nil {
			q.Fatal(err)
		}
		q.write(writer, "x")
		q.write(w, "x")
		q.silent()
		q.refused(unix.ENOENT, kqueue.Event{Ident: id(r), Filter: kqueue.Read, Flags: kqueue.Delete})
	}},
	{"duplicates have events of their own", nil, func(q *tester) {
		r, w := q.pipe()
		twin := q.dup(r)
		q.change(add(r, kqueue.Read, 0), add(twin, kqueue.Read, 0))
		q.write(w, "x")
		if got := q.call(0); len(got) != 2 {
			q.Errorf("got %+v", got)
		}
	}},
	{"a queue that was closed is none", nil, func(q *tester) {
		fd, err := kqueue.Open(q.System)
		if err != nil {
			q.Fatal(err)
		}
		kqueue.Close(fd)
		if _, err := kqueue.Kevent(fd, nil, nil, 0); err != unix.EBADF {
			q.Errorf("%v, want %v", err, unix.EBADF)
		}
	}},
}

var sockets = []rule{
	{"data is the number of bytes to read", nil, func(q *tester) {
		a, b := q.pair(unix.AF_UNIX)
		q.write(b, "12345")
		q.change(add(a, kqueue.Read, 0))
		if e := q.reports(a, kqueue.Read); e.Data != 5 || e.Flags&kqueue.EOF != 0 {
			q.Errorf("got %+v", e)
		}
	}},
	{"EV_EOF comes with what is still to be read", nil, func(q *tester) {
		a, b := q.tcp()
		q.change(add(a, kqueue.Read, 0))
		q.write(b, "last")
		q.await(a, kqueue.Read)
		unix.Shutdown(b, unix.SHUT_WR)
		e := q.awaitFlag(a, kqueue.Read, kqueue.EOF)
		if e.Data != 4 || e.Fflags != 0 {
			q.Errorf("got %+v", e)
		}
		q.read(a, 4)
		if e = q.reports(a, kqueue.Read); e.Data != 0 || e.Flags&kqueue.EOF == 0 {
			q.Errorf("got %+v", e)
		}
	}},
	{"the error of a socket is in fflags", nil, func(q *tester) {
		a, b := q.tcp()
		q.change(add(a, kqueue.Read, 0), add(a, kqueue.Write, 0))
		unix.SetsockoptLinger(b, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		unix.Close(b)
		for _, filter := range []int16{kqueue.Read, kqueue.Write} {
			if e := q.awaitFlag(a, filter, kqueue.EOF); unix.Errno(e.Fflags) != unix.ECONNRESET {
				q.Errorf("got %+v", e)
			}
		}
	}},
	{"a listener has the number of connections that wait", nil, func(q *tester) {
		l, at := q.listen()
		q.change(add(l, kqueue.Read, 0), add(l, kqueue.Write, 0))
		q.silent()
		for want := range int64(2) {
			q.connect(at)
			if info, err := unix.GetsockoptTCPInfo(l, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || info.Unacked == 0 {
				q.Skip("the kernel does not tell: ", err)
			}
			if e := q.await(l, kqueue.Read); e.Data != want+1 {
				q.Errorf("got %+v, want data %d", e, want+1)
			}
		}
	}},
	{"a stream that is not connected is not ready", nil, func(q *tester) {
		fd := q.socket(unix.AF_INET, unix.SOCK_STREAM)
		q.change(add(fd, kqueue.Read, 0), add(fd, kqueue.Write, 0))
		q.silent()
	}},
	{"NOTE_LOWAT waits for as many bytes", nil, func(q *tester) {
		a, b := q.pair(unix.AF_UNIX)
		c := add(a, kqueue.Read, 0)
		c.Fflags, c.Data = kqueue.LowWater, 3
		q.change(c)
		q.write(b, "12")
		q.silent()
		q.write(b, "3")
		q.reports(a, kqueue.Read)
		q.read(a, 3)
		q.silent()
		unix.Shutdown(b, unix.SHUT_WR)
		q.reports(a, kqueue.Read)
	}},
	{"of a datagram socket data is the first message", nil, func(q *tester) {
		a, b := q.pairOf(unix.AF_UNIX, unix.SOCK_DGRAM)
		q.change(add(a, kqueue.Read, 0))
		q.write(b, "123")
		q.write(b, "4")
		if e := q.reports(a, kqueue.Read); e.Data != 3 {
			q.Errorf("got %+v", e)
		}
	}},
	{"writing is reported again when there is room", nil, func(q *tester) {
		a, b := q.pair(unix.AF_UNIX)
		q.change(add(a, kqueue.Write, 0))
		filled := q.fill(a)
		q.silent()
		q.read(b, filled)
		if e := q.reports(a, kqueue.Write); e.Data <= 0 {
			q.Errorf("got %+v", e)
		}
	}},
}

var pipesAndFiles = []rule{
	{"EV_EOF says that no writer is left, with what is still to be read", nil, func(q *tester) {
		r, w := q.pipe()
		q.write(w, "abc")
		unix.Close(w)
		q.change(add(r, kqueue.Read, 0))
		if e := q.reports(r, kqueue.Read); e.Data != 3 || e.Flags&kqueue.EOF == 0 {
			q.Errorf("got %+v", e)
		}
	}},
	{"EV_EOF says that no reader is left", nil, func(q *tester) {
		r, w := q.pipe()
		q.fill(w)
		q.change(add(w, kqueue.Write, 0))
		q.silent()
		unix.Close(r)
		if e := q.reports(w, kqueue.Write); e.Flags&kqueue.EOF == 0 {
			q.Errorf("got %+v", e)
		}
	}},
	{"a pipe without a reader is refused", nil, func(q *tester) {
		r, w := q.pipe()
		unix.Close(r)
		q.refused(q.BrokenPipe, add(w, kqueue.Write, 0))
	}},
	{"data is the way to the end of a file", nil, func(q *tester) {
		f := q.file("12345")
		q.change(add(f, kqueue.Read, 0))
		if e := q.reports(f, kqueue.Read); e.Data != 5 {
			q.Errorf("got %+v", e)
		}
		unix.Seek(f, 7, 0)
		if e := q.reports(f, kqueue.Read); e.Data != -2 {
			q.Errorf("got %+v", e)
		}
		unix.Seek(f, 5, 0)
		q.silent()
	}},
	{"a note reports a file at its end", func(s *kqueue.System) bool { return s.FileNote != 0 }, func(q *tester) {
		f := q.file("")
		c := add(f, kqueue.Read, 0)
		c.Fflags = q.FileNote
		q.change(c)
		if e := q.reports(f, kqueue.Read); q.ReportsEnd != (e.Fflags == q.FileNote) {
			q.Errorf("got %+v", e)
		}
	}},
	{"a file is not watched for writing", nil, func(q *tester) {
		q.refused(unix.EINVAL, add(q.file(""), kqueue.Write, 0))
	}},
}

var noDescriptors = []rule{
	{"there are no user events", hasNoUser, func(q *tester) {
		q.refused(unix.EINVAL, kqueue.Event{Filter: kqueue.User, Flags: kqueue.Add})
	}},
	{"a user event waits for its trigger, and with EV_CLEAR for the next one", hasUser, func(q *tester) {
		q.change(kqueue.Event{Ident: 3, Filter: kqueue.User, Flags: kqueue.Add | kqueue.Clear})
		q.silent()
		for range 2 {
			q.change(kqueue.Event{Ident: 3, Filter: kqueue.User, Fflags: kqueue.Trigger})
			q.reports(3, kqueue.User)
			q.silent()
		}
	}},
	{"without EV_CLEAR a user event stays triggered", hasUser, func(q *tester) {
		q.change(kqueue.Event{Ident: 3, Filter: kqueue.User, Flags: kqueue.Add, Fflags: kqueue.Trigger})
		q.reports(3, kqueue.User)
		q.reports(3, kqueue.User)
	}},
	{"the flags of a user event are the user's", hasUser, func(q *tester) {
		e := kqueue.Event{Filter: kqueue.User, Flags: kqueue.Add}
		for _, step := range []struct{ notes, want uint32 }{
			{kqueue.FFCopy | 0x0f, 0x0f}, {kqueue.FFOr | 0xf0, 0xff}, {kqueue.FFAnd | 0x3c, 0x3c}, {kqueue.FFNop | 0xff, 0x3c},
		} {
			e.Fflags = step.notes | kqueue.Trigger
			q.change(e)
			if got := q.reports(0, kqueue.User); got.Fflags != step.want {
				q.Errorf("notes %x: got %x, want %x", step.notes, got.Fflags, step.want)
			}
		}
	}},
	{"a trigger ends a wait", hasUser, func(q *tester) {
		q.change(kqueue.Event{Filter: kqueue.User, Flags: kqueue.Add | kqueue.Clear})
		q.during(func() { q.change(kqueue.Event{Filter: kqueue.User, Fflags: kqueue.Trigger}) }, 0, kqueue.User)
	}},
	{"a timer counts how often it has expired", nil, func(q *tester) {
		q.change(kqueue.Event{Ident: 1, Filter: kqueue.Timer, Flags: kqueue.Add, Data: 1})
		time.Sleep(5 * time.Millisecond)
		if e := q.await(1, kqueue.Timer); e.Data < 4 {
			q.Errorf("got %+v", e)
		}
		q.await(1, kqueue.Timer)
	}},
	{"a timer with EV_ONESHOT expires once", nil, func(q *tester) {
		q.change(kqueue.Event{Ident: 1, Filter: kqueue.Timer, Flags: kqueue.Add | kqueue.OneShot, Data: 1})
		if e := q.await(1, kqueue.Timer); e.Data != 1 {
			q.Errorf("got %+v", e)
		}
		q.refused(unix.ENOENT, kqueue.Event{Ident: 1, Filter: kqueue.Timer, Flags: kqueue.Delete})
	}},
	{"timers have the units of the system", nil, func(q *tester) {
		for note := range uint32(16) {
			c := kqueue.Event{Ident: 1, Filter: kqueue.Timer, Flags: kqueue.Add | kqueue.OneShot, Fflags: note, Data: 1}
			if unit, ok := q.Units[note]; !ok {
				q.refused(unix.EINVAL, c)
			} else if unit < time.Second {
				start := time.Now()
				q.change(c)
				q.await(1, kqueue.Timer)
				if passed := time.Since(start); passed < unit {
					q.Errorf("note %d: expired after %v, want %v", note, passed, unit)
				}
			}
		}
	}},
}
