package pthreads_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
	"golang.org/x/sys/unix"
)

func TestAcceptedDescriptorsAreNonblockingAndCloseOnExec(t *testing.T) {
	evtest.Leaks(t)
	g := newGroup(t, &pthreads.GroupConfig{Loops: 1})
	type flags struct{ status, descriptor int }
	got := make(chan flags, 1)
	addr := listen(t, g, "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) {
		var f flags
		f.status, _ = unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		f.descriptor, _ = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		evutil.CloseSocket(fd)
		got <- f
	})
	ends(t, dial(t, addr))
	if f := wait(t, got); f.status&unix.O_NONBLOCK == 0 || f.descriptor&unix.FD_CLOEXEC == 0 {
		t.Errorf("status flags %#x, descriptor flags %#x", f.status, f.descriptor)
	}
}

// A shortage is what happens to a listener whose process has no descriptors
// left: how many it can still open, and how many connections there are.
const (
	descriptorsLeft = 3
	connectionsMade = 2 * descriptorsLeft
)

func TestListenerOutlivesAShortageOfDescriptors(t *testing.T) {
	if isChild() {
		starve(t)
		return
	}
	cmd := child(t)
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	cmd.Stderr = os.Stderr
	ok(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	says := func(want string) string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the child ended when it should say %q: %v", want, lines.Err())
		}
		rest, found := strings.CutPrefix(lines.Text(), want)
		if !found {
			t.Fatalf("the child said %q, want %q", lines.Text(), want)
		}
		return rest
	}
	addr, err := net.ResolveTCPAddr("tcp", says("listening "))
	ok(t, err)
	for range connectionsMade {
		dial(t, addr)
	}
	for range descriptorsLeft {
		says("accepted")
	}
	warning := says("log 2 ")
	if !strings.Contains(warning, addr.String()) || !strings.Contains(warning, unix.EMFILE.Error()) {
		t.Errorf("warning %q", warning)
	}
	var iterations int
	fmt.Sscan(says("iterations "), &iterations)
	if iterations > 10*pausesWatched {
		t.Errorf("%d iterations in the time of %d pauses", iterations, pausesWatched)
	}
	io.WriteString(stdin, "close\n")
	for range connectionsMade - descriptorsLeft {
		says("accepted") // and nothing about the shortage that has gone on
	}
	stdin.Close()
	for lines.Scan() {
		if strings.Contains(lines.Text(), "log ") {
			t.Errorf("the child said %q", lines.Text())
		}
	}
	ok(t, cmd.Wait())
}

// pausesWatched is for how many of its pauses a starving listener is watched.
const pausesWatched = 5

// starve is the child's part.
func starve(t *testing.T) {
	evtest.Descriptors() // opens what the runtime keeps open, now, as there are descriptors
	event.SetLogCallback(func(sev event.LogSeverity, msg string) { fmt.Println("log", sev, msg) })
	var open []int
	var starved *event.Event
	var before uint64
	g := newGroup(t, &pthreads.GroupConfig{
		Loops: 1,
		Setup: func(_ int, b *event.Base) error {
			b.EnableStats(true)
			starved = b.NewTimer(func(*event.Event, event.What) {
				fmt.Println("iterations", b.Stats().Iterations-before)
			})
			return nil
		},
	})
	addr := listen(t, g, "127.0.0.1:0", func(b *event.Base, fd int, _ netip.AddrPort) {
		open = append(open, fd)
		fmt.Println("accepted")
		if len(open) == descriptorsLeft {
			before = b.Stats().Iterations
			starved.AddTimeout(pausesWatched * pthreads.AcceptPause)
		}
	})
	leaveDescriptors(t, descriptorsLeft)
	fmt.Println("listening", addr)
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		ok(t, g.Base(0).Post(func() {
			for _, fd := range open {
				evutil.CloseSocket(fd)
			}
			open = nil
		}))
	}
}

// leaveDescriptors has the process open all descriptors that it may, but n.
func leaveDescriptors(t *testing.T, n int) {
	t.Helper()
	limit := unix.Rlimit{Cur: 200, Max: 200}
	ok(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	var filling []int
	for {
		fd, err := unix.Dup(0)
		if errors.Is(err, unix.EMFILE) {
			break
		}
		ok(t, err)
		filling = append(filling, fd)
	}
	for _, fd := range filling[len(filling)-n:] {
		ok(t, unix.Close(fd))
	}
}
