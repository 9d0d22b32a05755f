package kqueue_test

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/internal/kqueue"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func id(fd int) uint64 { return uint64(fd) }

func add(fd int, filter int16, flags uint16) kqueue.Event {
	return kqueue.Event{Ident: id(fd), Filter: filter, Flags: flags | kqueue.Add}
}

// change applies changes that must succeed.
func (q *tester) change(changes ...kqueue.Event) {
	q.Helper()
	if n, err := kqueue.Kevent(q.fd, changes, nil, -1); n != 0 || err != nil {
		q.Fatalf("%+v: %d, %v", changes, n, err)
	}
}

// refused applies a change that must fail.
func (q *tester) refused(want unix.Errno, c kqueue.Event) {
	q.Helper()
	if n, err := kqueue.Kevent(q.fd, []kqueue.Event{c}, nil, -1); n != -1 || err != want {
		q.Errorf("%+v: %d, %v, want %v", c, n, err, want)
	}
}

// call applies changes and returns the events that are there, or that come before the
// timeout.
func (q *tester) call(timeout time.Duration, changes ...kqueue.Event) []kqueue.Event {
	q.Helper()
	events := make([]kqueue.Event, 8)
	n, err := kqueue.Kevent(q.fd, changes, events, timeout)
	if err != nil {
		q.Fatal(err)
	}
	return events[:n]
}

func (q *tester) same(got []kqueue.Event, want ...kqueue.Event) {
	q.Helper()
	if !slices.Equal(got, want) {
		q.Errorf("got %+v, want %+v", got, want)
	}
}

func (q *tester) silent() {
	q.Helper()
	if got := q.call(0); len(got) != 0 {
		q.Errorf("got %+v, want nothing", got)
	}
}

// reports wants one event.
func (q *tester) reports(ident int, filter int16) kqueue.Event {
	q.Helper()
	got := q.call(0)
	if len(got) != 1 || got[0].Ident != id(ident) || got[0].Filter != filter {
		q.Fatalf("got %+v, want ident %d, filter %d alone", got, ident, filter)
	}
	return got[0]
}

// await waits for an event, which the network may need a moment for.
func (q *tester) await(ident int, filter int16) kqueue.Event {
	q.Helper()
	return q.awaitFlag(ident, filter, 0)
}

// awaitFlag waits for an event that has a flag.
func (q *tester) awaitFlag(ident int, filter int16, flag uint16) kqueue.Event {
	q.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		for _, e := range q.call(time.Until(end)) {
			if e.Ident == id(ident) && e.Filter == filter && e.Flags&flag == flag {
				return e
			}
		}
	}
	q.Fatalf("waited in vain for ident %d, filter %d, flag %#x", ident, filter, flag)
	return kqueue.Event{}
}

// during waits in another goroutine for an event that do causes.
func (q *tester) during(do func(), ident int, filter int16) {
	q.Helper()
	type result struct {
		n   int
		err error
		e   kqueue.Event
	}
	done := make(chan result)
	go func() {
		events := make([]kqueue.Event, 1)
		n, err := kqueue.Kevent(q.fd, nil, events, patience)
		done <- result{n, err, events[0]}
	}()
	time.Sleep(time.Millisecond) // usually, the other one waits by now
	do()
	if r := <-done; r.n != 1 || r.err != nil || r.e.Ident != id(ident) || r.e.Filter != filter {
		q.Errorf("got %+v, want ident %d, filter %d", r, ident, filter)
	}
}

// closing closes descriptors at the end of the test. It does no harm that the test has
// closed some itself: whatever has their numbers since is the test's too.
func (q *tester) closing(fds ...int) {
	q.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
}

func (q *tester) pipe() (r, w int) {
	q.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		q.Fatal(err)
	}
	q.closing(p[:]...)
	return p[0], p[1]
}

func (q *tester) pair(family int) (a, b int) { return q.pairOf(family, unix.SOCK_STREAM) }

func (q *tester) pairOf(family, kind int) (a, b int) {
	q.Helper()
	p, err := unix.Socketpair(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		q.Fatal(err)
	}
	q.closing(p[:]...)
	return p[0], p[1]
}

func (q *tester) socket(family, kind int) int {
	q.Helper()
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		q.Fatal(err)
	}
	q.closing(fd)
	return fd
}

func (q *tester) listen() (int, unix.Sockaddr) {
	q.Helper()
	fd := q.socket(unix.AF_INET, unix.SOCK_STREAM)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		q.Fatal(err)
	}
	if err := unix.Listen(fd, 8); err != nil {
		q.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		q.Fatal(err)
	}
	return fd, at
}

// connect connects to a listener, and waits until that is done.
func (q *tester) connect(at unix.Sockaddr) int {
	q.Helper()
	fd := q.socket(unix.AF_INET, unix.SOCK_STREAM)
	if err := unix.SetNonblock(fd, false); err != nil {
		q.Fatal(err)
	}
	if err := unix.Connect(fd, at); err != nil {
		q.Fatal(err)
	}
	return fd
}

func (q *tester) tcp() (a, b int) {
	q.Helper()
	l, at := q.listen()
	a = q.connect(at)
	b, _, err := unix.Accept(l)
	if err != nil {
		q.Fatal(err)
	}
	q.closing(b)
	return a, b
}

func (q *tester) dup(fd int) int {
	q.Helper()
	twin, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		q.Fatal(err)
	}
	q.closing(twin)
	return twin
}

func (q *tester) file(content string) int {
	q.Helper()
	name := filepath.Join(q.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		q.Fatal(err)
	}
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		q.Fatal(err)
	}
	q.closing(fd)
	return fd
}

func (q *tester) write(fd int, text string) {
	q.Helper()
	if n, err := unix.Write(fd, []byte(text)); n != len(text) {
		q.Fatalf("write: %d, %v", n, err)
	}
}

func (q *tester) read(fd, n int) {
	q.Helper()
	for n > 0 {
		got, err := unix.Read(fd, make([]byte, n))
		if got <= 0 {
			q.Fatalf("read: %d, %v", got, err)
		}
		n -= got
	}
}

// fill writes until there is no room, and returns how much that was.
func (q *tester) fill(fd int) (total int) {
	for {
		n, err := unix.Write(fd, make([]byte, 4096))
		if err != nil {
			return total
		}
		total += n
	}
}
