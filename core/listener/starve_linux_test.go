package listener_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
	"golang.org/x/sys/unix"
)

// How many connections there are at once, and how many of them the listener's
// process has descriptors for.
const (
	connectionsMade = 100
	descriptorsLeft = 10
)

// All connections are served as descriptors return, and the loop is idle
// meanwhile.
func TestListenerOutlivesAShortageOfDescriptors(t *testing.T) {
	if isChild() {
		starve(t)
		return
	}
	c := startChild(t, nil)
	addr, err := net.ResolveTCPAddr("tcp", c.says(t, "listening"))
	ok(t, err)
	var conns []net.Conn
	for range connectionsMade {
		conns = append(conns, dial(t, addr))
	}
	readByte(t, conns[descriptorsLeft-1]) // all are taken
	const pauses = 4
	first := shortageOf(t, c)
	last := first
	for range pauses {
		last = shortageOf(t, c)
	}
	want(t, "accepted in pauses", last.accepted-first.accepted, 0)
	want(t, "calls of accept for a pause", last.calls-first.calls, pauses)
	if n := last.iterations - first.iterations; n > 2*pauses {
		t.Errorf("%d iterations in the time of %d pauses", n, pauses)
	}
	for i, conn := range conns {
		if i != descriptorsLeft-1 {
			readByte(t, conn)
		}
		ok(t, conn.Close())
	}
	c.end(t)
}

// A shortage is what the child says about one.
type shortage struct{ accepted, calls, iterations int }

func shortageOf(t *testing.T, c *child) (s shortage) {
	t.Helper()
	_, err := fmt.Sscan(c.says(t, "shortage"), &s.accepted, &s.calls, &s.iterations)
	ok(t, err)
	return s
}

// starve is the child's part: a server that sends a byte to each client, and
// closes the connection when the client has.
func starve(t *testing.T) {
	b, err := event.NewBase() // without a check for leaks: the process may end before the last connections
	ok(t, err)
	defer b.Free()
	b.EnableStats(true)
	accepted, calls := 0, countCalls(t)
	l := bind(t, b, 0, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
		accepted++
		_, err := unix.Write(fd, []byte{0})
		ok(t, err)
		hangup, err := b.NewEvent(fd, event.Read, func(*event.Event, event.What) { evutil.CloseSocket(fd) })
		ok(t, err)
		ok(t, hangup.Add())
	})
	ok(t, l.SetPause(20*time.Millisecond))
	l.SetErrorCallback(func(_ *listener.Listener, err error) {
		wantError(t, "report", err, unix.EMFILE)
		fmt.Println("shortage", accepted, calls[sysio.OpAccept], b.Stats().Iterations)
	})
	stop := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stop)
		b.LoopBreak()
	}()
	taken := takeDescriptors(t, descriptorsLeft)
	fmt.Println("listening", l.Addr())
	run(t, b)
	<-stop
	want(t, "accepted", accepted, connectionsMade)
	for _, fd := range taken {
		ok(t, unix.Close(fd))
	}
}

// takeDescriptors has the process open all descriptors that it may, but n.
func takeDescriptors(t *testing.T, n int) []int {
	t.Helper()
	limit := unix.Rlimit{Cur: 200, Max: 200}
	ok(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	var taken []int
	for {
		fd, err := unix.Dup(0)
		if errors.Is(err, unix.EMFILE) {
			break
		}
		ok(t, err)
		taken = append(taken, fd)
	}
	for _, fd := range taken[len(taken)-n:] {
		ok(t, unix.Close(fd))
	}
	return taken[:len(taken)-n]
}
