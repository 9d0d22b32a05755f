package event_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
)

func TestConformanceLinuxDescriptors(t *testing.T) {
	onEveryInterface(t, []behaviour{
		{"a terminal", testTerminal},
		{"an eventfd", testEventFD},
		{"a timerfd", testTimerFD},
		{"an inotify descriptor", testInotify},
		{"a device that cannot be waited for", testNullDevice},
	})
}

// terminal returns the two ends of a pseudo-terminal without echo and line
// editing: what is written to one is read from the other.
func terminal(t testing.TB) (master, slave int) {
	t.Helper()
	const mode = unix.O_RDWR | unix.O_NOCTTY | unix.O_NONBLOCK | unix.O_CLOEXEC
	master, err := unix.Open("/dev/ptmx", mode, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	owned(t, master)
	ok(t, unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	ok(t, err)
	slave, err = unix.Open(fmt.Sprintf("/dev/pts/%d", n), mode, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	owned(t, slave)
	termios, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	ok(t, err)
	termios.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	termios.Oflag &^= unix.OPOST
	ok(t, unix.IoctlSetTermios(slave, unix.TCSETS, termios))
	return master, slave
}

func testTerminal(t *testing.T, on backend) {
	b := on.base(t)
	master, slave := terminal(t)
	got := make(map[int]string)
	for _, fd := range []int{master, slave} {
		addEvent(t, b, fd, event.Read|event.Persist, func(ev *event.Event, _ event.What) {
			data, _ := readAll(t, ev.FD())
			got[ev.FD()] += data
			if got[slave] == "typed" && got[master] == "printed" {
				b.LoopBreak()
			}
		})
	}
	var writes calls
	addEvent(t, b, slave, event.Write, writes.note)
	runOnce(t, b)
	writes.want(t, event.Write)
	for fd, words := range map[int]string{master: "typed", slave: "printed"} {
		_, err := unix.Write(fd, []byte(words))
		ok(t, err)
	}
	dispatch(t, b) // until all was read
}

func TestConformanceTerminalHangup(t *testing.T) {
	onEveryInterface(t, []behaviour{{"the master learns of it", func(t *testing.T, on backend) {
		b := on.base(t)
		master, slave := terminal(t)
		var c calls
		addEvent(t, b, master, event.Read, c.note)
		runReady(t, b)
		c.want(t)
		closeFD(t, slave)
		dispatch(t, b)
		c.want(t, event.Read)
		if _, err := unix.Read(master, make([]byte, 1)); !errors.Is(err, unix.EIO) {
			t.Errorf("read of a terminal that hung up: %v", err)
		}
	}}})
}

func testEventFD(t *testing.T, on backend) {
	b := on.base(t)
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	ok(t, err)
	owned(t, fd)
	var sum uint64
	addEvent(t, b, fd, event.Read|event.Persist, func(*event.Event, event.What) {
		var buf [8]byte
		_, err := unix.Read(fd, buf[:])
		ok(t, err)
		sum += binary.NativeEndian.Uint64(buf[:])
	})
	runReady(t, b)
	same(t, "sum", sum, 0)
	for _, n := range []uint64{3, 4} {
		_, err := unix.Write(fd, binary.NativeEndian.AppendUint64(nil, n))
		ok(t, err)
	}
	runOnce(t, b)
	same(t, "sum", sum, 7)
	runReady(t, b)
	same(t, "sum", sum, 7)
}

func testTimerFD(t *testing.T, on backend) {
	b := on.base(t)
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	ok(t, err)
	owned(t, fd)
	var c calls
	addEvent(t, b, fd, event.Read, c.note)
	runReady(t, b)
	c.want(t)
	ok(t, unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(1e6)}, nil))
	dispatch(t, b)
	c.want(t, event.Read)
}

func testInotify(t *testing.T, on backend) {
	b := on.base(t)
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Skipf("no inotify here: %v", err)
	}
	owned(t, fd)
	dir := t.TempDir()
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
		t.Skipf("no inotify here: %v", err)
	}
	var c calls
	addEvent(t, b, fd, event.Read, c.note)
	runReady(t, b)
	c.want(t)
	ok(t, unix.Mkdir(dir+"/new", 0o700))
	dispatch(t, b)
	c.want(t, event.Read)
}

func testNullDevice(t *testing.T, on backend) {
	b := on.base(t)
	fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	ok(t, err)
	owned(t, fd)
	var c calls
	ev := newEvent(t, b, fd, event.Read|event.Write, c.note)
	if on.method == "epoll" {
		wantError(t, "add /dev/null", ev.Add(), syscall.EPERM, "epoll_ctl", fmt.Sprintf("fd %d", fd))
		wantUsable(t, b)
		return
	}
	ok(t, ev.Add())
	dispatch(t, b)
	c.want(t, event.Read|event.Write)
}
