package pthreads_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
)

// patience is how long tests wait for what must happen. Only tests that fail
// wait that long.
const patience = time.Minute

// eachMode runs a test with bases that have no locks, and with locked ones.
func eachMode(t *testing.T, test func(t *testing.T)) {
	t.Run("without locks", func(t *testing.T) {
		forgetHooks(t)
		checkLeaks(t)
		test(t)
	})
	t.Run("with locks", func(t *testing.T) {
		forgetHooks(t)
		ok(t, pthreads.Use())
		checkLeaks(t)
		test(t)
	})
}

// newGroup makes a group that is stopped at the end of the test.
func newGroup(t testing.TB, cfg *pthreads.GroupConfig) *pthreads.Group {
	t.Helper()
	g, err := pthreads.NewGroup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, g) })
	return g
}

// stop stops a group that has no reason not to stop.
func stop(t testing.TB, g *pthreads.Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ok(t, g.Stop(ctx))
}

// listen returns the address of a new listener of the group.
func listen(t testing.TB, g *pthreads.Group, address string, accept pthreads.AcceptFunc) net.Addr {
	t.Helper()
	addr, err := g.Listen(address, accept)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// dial connects for the time of the test.
func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ok(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// echo serves a connection by sending back what comes.
func echo(b *event.Base, fd int, _ netip.AddrPort) {
	ev, err := b.NewEvent(fd, event.Read|event.Persist, onEcho)
	if err == nil {
		err = ev.Add()
	}
	if err != nil {
		evutil.CloseSocket(fd)
	}
}

func onEcho(ev *event.Event, _ event.What) {
	var buf [256]byte
	n, err := readSocket(ev.FD(), buf[:])
	if err == nil && n > 0 {
		_, err = writeSocket(ev.FD(), buf[:n])
	}
	if err == nil && n == 0 || err != nil && !evutil.IsRetriable(err) {
		closeConnection(ev)
	}
}

func closeConnection(ev *event.Event) {
	fd := ev.FD()
	ev.Free()
	evutil.CloseSocket(fd)
}

// closeConnections is the Teardown of groups whose events are connections.
func closeConnections(_ int, b *event.Base) {
	for _, ev := range slices.Collect(b.Events()) {
		closeConnection(ev)
	}
}

// hangUp closes a connection at once.
func hangUp(_ *event.Base, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) }

// wait receives from a channel, or fails the test.
func wait[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("it did not happen")
		panic("unreachable")
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// goroutine returns the number of the calling goroutine.
func goroutine() uint64 {
	var buf [32]byte
	trace := buf[:runtime.Stack(buf[:], false)]
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(trace, []byte("goroutine ")), []byte(" "))
	id, _ := strconv.ParseUint(string(digits), 10, 64)
	return id
}

// checkLeaks makes the test fail if it ends with more goroutines or, where the
// system can tell, descriptors than it has now. Clean-ups that come later run
// before the check.
func checkLeaks(t testing.TB) {
	t.Helper()
	startPermanent()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	t.Cleanup(func() {
		if n := settled(runtime.NumGoroutine, goroutines); n > goroutines {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines at the end, %d at the start:\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
		if n := settled(openDescriptors, descriptors); n != descriptors {
			t.Errorf("%d descriptors at the end, %d at the start", n, descriptors)
		}
	})
}

// startPermanent starts what the runtime keeps for good once it is used.
var startPermanent = sync.OnceFunc(func() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	signal.Stop(ch)
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
	}
})

// settled returns what count does, once that is down to limit or does not seem
// to get there: a goroutine that was told to end may need a moment for it.
func settled(count func() int, limit int) int {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		if n := count(); n <= limit {
			return n
		}
	}
	return count()
}

// openDescriptors returns the number of open descriptors of the process, or 0
// if the system does not tell. Under Wine it would tell those of Wine. It does
// not count what comes and goes by itself: the folder as it was read, and the
// file from which glibc learns the number of processors when it starts a thread.
func openDescriptors() (n int) {
	const folder = "/proc/self/fd/"
	fds, err := os.ReadDir(folder)
	if err != nil || runtime.GOOS == "windows" {
		return 0
	}
	for _, fd := range fds {
		to, err := os.Readlink(folder + fd.Name())
		if !errors.Is(err, os.ErrNotExist) && to != "/sys/devices/system/cpu/online" {
			n++
		}
	}
	return n
}
