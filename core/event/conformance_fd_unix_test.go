//go:build unix

package event_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceDescriptors(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"a pipe is readable when its writers have gone", testPipeWriterGone},
		{"a pipe is writable when its readers have gone", testPipeReaderGone},
		{"a full pipe is writable after somebody read", testPipeFull},
		{"a FIFO is read from one writer after the other", testFIFO},
		{"a listening socket is readable when a connection comes", testListener},
		{"a datagram socket is readable when a datagram comes", testDatagram},
		{"a regular file is always ready, or refused", testRegularFile},
		{"a copy of a descriptor is watched on its own", testDup},
		{"a copy that was deleted and closed is not heard of again", testDupClosed},
		{"a copy that was closed and then deleted is replaced by another", testDupReplaced},
		{"a descriptor above a thousand is watched", testHighDescriptor},
	})
}

// pipe returns the ends of a pipe. They do not block.
func pipe(t testing.TB) (r, w int) {
	t.Helper()
	needsKernel(t, "pipes")
	var p [2]int
	ok(t, unix.Pipe(p[:]))
	for _, fd := range p {
		owned(t, fd)
		ok(t, private(fd))
	}
	return p[0], p[1]
}

func testPipeWriterGone(t *testing.T, on backend) {
	b := on.base(t)
	r, w := pipe(t)
	_, err := unix.Write(w, []byte("last words"))
	ok(t, err)
	closeFD(t, w)
	var c calls
	addEvent(t, b, r, event.Read|event.Persist, c.note)
	runOnce(t, b)
	data, eof := readAll(t, r)
	same(t, "read", data, "last words")
	same(t, "end of file", eof, true)
	runOnce(t, b)
	c.want(t, event.Read, event.Read)
}

func testPipeReaderGone(t *testing.T, on backend) {
	b := on.base(t)
	r, w := pipe(t)
	fill(t, w)
	var c calls
	addEvent(t, b, w, event.Write, c.note)
	runReady(t, b)
	c.want(t)
	closeFD(t, r)
	runOnce(t, b)
	c.want(t, event.Write)
	if _, err := unix.Write(w, []byte("x")); err != unix.EPIPE {
		t.Errorf("write to a pipe without readers: %v", err)
	}
}

func testPipeFull(t *testing.T, on backend) {
	b := on.base(t)
	r, w := pipe(t)
	var c calls
	addEvent(t, b, w, event.Write, c.note)
	size := fill(t, w)
	runReady(t, b)
	c.want(t)
	buf := make([]byte, 1<<16)
	for left := size; left > 0; {
		n, err := unix.Read(r, buf)
		ok(t, err)
		left -= n
	}
	dispatch(t, b)
	c.want(t, event.Write)
}

func testFIFO(t *testing.T, on backend) {
	needsKernel(t, "FIFOs")
	b := on.base(t)
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no FIFOs here: %v", err)
	}
	open := func(mode int) int {
		t.Helper()
		fd, err := unix.Open(path, mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		ok(t, err)
		return owned(t, fd)
	}
	r := open(unix.O_RDONLY)
	for _, words := range []string{"first", "second"} {
		w := open(unix.O_WRONLY)
		_, err := unix.Write(w, []byte(words))
		ok(t, err)
		var data string
		var eof bool
		ev := addEvent(t, b, r, event.Read|event.Persist, func(*event.Event, event.What) { data, eof = readAll(t, r) })
		runOnce(t, b)
		same(t, "read", data, words)
		same(t, "end of file", eof, false)
		closeFD(t, w)
		runOnce(t, b)
		same(t, "read", data, "")
		same(t, "end of file", eof, true)
		ok(t, ev.Del())
	}
}

func testListener(t *testing.T, on backend) {
	b := on.base(t)
	l, addr := boundSocket(t)
	ok(t, sysio.Listen(l, 10))
	var incoming, connected calls
	addEvent(t, b, l, event.Read, incoming.note)
	runReady(t, b)
	incoming.want(t)
	c, _ := boundSocket(t)
	if err := sysio.Connect(c, addr); err != nil && err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	addEvent(t, b, c, event.Write, connected.note)
	dispatch(t, b)
	incoming.want(t, event.Read)
	connected.want(t, event.Write)
}

func testDatagram(t *testing.T, on backend) {
	b := on.base(t)
	p, err := sysio.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	ok(t, err)
	for _, fd := range p {
		owned(t, fd)
	}
	var c calls
	addEvent(t, b, p[0], event.Read, c.note)
	runReady(t, b)
	c.want(t)
	_, err = sysio.Send(p[1], [][]byte{[]byte("datagram")})
	ok(t, err)
	dispatch(t, b)
	c.want(t, event.Read)
}

func testRegularFile(t *testing.T, on backend) {
	needsKernel(t, "files")
	b := on.base(t)
	path := filepath.Join(t.TempDir(), "file")
	ok(t, os.WriteFile(path, []byte("contents"), 0o600))
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	ok(t, err)
	owned(t, fd)
	if b.Features()&event.FeatureFDs == 0 {
		err := newEvent(t, b, fd, event.Read, ignore).Add()
		if on.method == "epoll" {
			wantError(t, "add a regular file", err, syscall.EPERM, "epoll_ctl", fmt.Sprintf("fd %d", fd))
		} else if err == nil {
			t.Error("a regular file was added")
		}
		wantUsable(t, b)
		return
	}
	var read, write calls
	addEvent(t, b, fd, event.Read, read.note)
	addEvent(t, b, fd, event.Write, write.note)
	dispatch(t, b)
	read.want(t, event.Read)
	write.want(t, event.Write)
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	copied, err := sysio.Duplicate(fd)
	ok(t, err)
	return owned(t, copied)
}

func testDup(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	d := dup(t, r)
	send(t, w, r, "x")
	var one, two calls
	addEvent(t, b, r, event.Read|event.Persist, one.note)
	ev := addEvent(t, b, d, event.Read|event.Persist, two.note)
	runOnce(t, b)
	one.want(t, event.Read)
	two.want(t, event.Read)

	ok(t, ev.Del())
	runOnce(t, b) // with a changelist, Del is done here
	closeFD(t, d)
	runOnce(t, b)
	one.want(t, event.Read, event.Read, event.Read)
	two.want(t, event.Read)

	again := dup(t, r)
	same(t, "number of the second copy", again, d)
	addEvent(t, b, again, event.Write, two.note)
	runOnce(t, b)
	one.want(t, event.Read, event.Read, event.Read, event.Read)
	two.want(t, event.Read, event.Write)
}

// testDupClosed says that readiness of what the copy shares with the original
// does not keep the loop busy.
func testDupClosed(t *testing.T, on backend) {
	if on.flags&event.EpollUseChangelist != 0 {
		return // it says that it cannot do this
	}
	b := on.base(t)
	r, w := socketPair(t)
	d := dup(t, r)
	ev := addEvent(t, b, d, event.Read|event.Persist, ignore)
	runReady(t, b)
	ok(t, ev.Del())
	closeFD(t, d)
	send(t, w, r, "x")
	b.EnableStats(true)
	addTimer(t, b, 5*time.Millisecond, ignore)
	dispatch(t, b)
	if n := b.Stats().Iterations; n > 50 {
		t.Errorf("the loop went round %d times while nothing was ready", n)
	}
}

// testDupReplaced closes a copy before its event is deleted, which is the wrong
// way round. With epoll the kernel then goes on watching what nobody can name,
// until another copy gets the same number.
func testDupReplaced(t *testing.T, on backend) {
	b := on.base(t)
	r, w := socketPair(t)
	d := dup(t, r)
	send(t, w, r, "x")
	var one, two calls
	addEvent(t, b, r, event.Read|event.Persist, one.note)
	ev := addEvent(t, b, d, event.Read|event.Persist, ignore)
	runOnce(t, b)
	closeFD(t, d)
	ok(t, ev.Del())
	runOnce(t, b)
	again := dup(t, r)
	same(t, "number of the second copy", again, d)
	addEvent(t, b, again, event.Write, two.note)
	runOnce(t, b)
	one.want(t, event.Read, event.Read, event.Read)
	two.want(t, event.Write)
}

func testHighDescriptor(t *testing.T, on backend) {
	needsKernel(t, "numbers to choose from")
	const high = 3000
	needsHighDescriptors(t, on)
	allowDescriptors(t, high)
	b := on.base(t)
	r, w := socketPair(t)
	fd, err := unix.FcntlInt(uintptr(r), unix.F_DUPFD, high)
	ok(t, err)
	unix.CloseOnExec(owned(t, fd))
	var c calls
	ev := newEvent(t, b, fd, event.Read, c.note)
	if err := ev.Add(); on.method == "select" && err != nil {
		wantError(t, "select", err, syscall.EINVAL, "select", "fd")
		wantUsable(t, b)
		return
	} else {
		ok(t, err)
	}
	addEvent(t, b, w, event.Read, ignore) // a low one that comes later
	runReady(t, b)
	c.want(t)
	send(t, w, r, "x")
	runOnce(t, b)
	c.want(t, event.Read)
}
