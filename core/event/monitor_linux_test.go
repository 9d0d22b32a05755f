package event_test

import (
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// A loop that a descriptor wakes and keeps busy from then on, with the only
// processor, does not keep goroutines from the network. The clock of the system,
// not the runtime's, makes the descriptor ready, long after the scheduler's monitor
// has gone to sleep.
func TestBusyLoopDoesNotStarveTheNetwork(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b := newBase(t, nil)
	clock, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	ok(t, err)
	defer unix.Close(clock)
	near, far := streamPair(t)
	received := make(chan error, 1)
	go func() {
		_, err := far.Read(make([]byte, 1))
		b.LoopExit(0)
		received <- err
	}()
	sent := false
	ev, err := b.NewEvent(clock, event.Read|event.Persist, func(*event.Event, event.What) {
		if !sent {
			sent = true
			sysio.Send(near, [][]byte{{1}})
		}
	})
	ok(t, err)
	ok(t, ev.Add())
	ok(t, unix.TimerfdSettime(clock, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(100e6)}, nil))
	dispatch(t, b)
	ok(t, <-received)
	ok(t, ev.Del())
}

// streamPair returns two connected sockets, one of them the runtime's.
func streamPair(t *testing.T) (near int, far net.Conn) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	ok(t, err)
	t.Cleanup(func() { unix.Close(pair[0]) })
	file := os.NewFile(uintptr(pair[1]), "socket")
	defer file.Close()
	far, err = net.FileConn(file)
	ok(t, err)
	t.Cleanup(func() { far.Close() })
	return pair[0], far
}
