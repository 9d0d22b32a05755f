package bufferevent_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestDescriptorsThroughFilters(t *testing.T) {
	base := newBase(t)
	under, _ := newSocket(t, base, 0)
	top := stack(t, under, 1, 0)
	fd := under.FD()
	want(t, "descriptor", top.FD(), fd)
	ok(t, top.SetFD(-1))
	want(t, "descriptor", under.FD(), -1)
	want(t, "name", top.String(), "filter")
	ok(t, top.SetFD(fd))
	want(t, "descriptor", under.FD(), fd)
	pair, _ := halves(t, base, 0)
	wantError(t, "over a pair", newFilter(t, pair, nil, nil, 0).SetFD(fd), errors.ErrUnsupported)
}

func TestANewDescriptorBelowBeginsAnew(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	f := newFilter(t, under, blocks, tail, 0)
	var d diary
	d.keep(f)
	ok(t, f.Enable(event.Read))
	write(t, f, "text")
	ok(t, f.CloseWrite())
	peer.expectEnd(base, "text.")
	peer.shutdown()
	d.await(t, base, "reading|EOF")

	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	ok(t, evutil.SetNonblock(pair[0]))
	ok(t, evutil.SetNonblock(pair[1]))
	other := newPeer(t, pair[1])
	ok(t, evutil.CloseSocket(f.FD()))
	ok(t, f.SetFD(pair[0]))
	want(t, "error", f.Err(), nil)
	want(t, "enabled below", under.Enabled(), both)
	write(t, f, "again")
	other.expect(base, "again")
	other.send("0123456789")
	evtest.Await(t, base, "input", func() bool { return f.Input().Len() == 10 })
	ok(t, f.CloseWrite())
	other.expectEnd(base, ".")
}

func TestConnectThroughFilters(t *testing.T) {
	base := newBase(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	under := overFD(t, base, -1, 0)
	top := stack(t, under, 1, 0)
	var d diary
	d.keep(top)
	ok(t, top.Connect(l.Addr().(*net.TCPAddr).AddrPort()))
	wantError(t, "again", top.Connect(netip.MustParseAddrPort("127.0.0.1:1")), bufferevent.ErrConnecting)
	write(t, top, "hello")
	d.await(t, base, "connected")
	c, err := l.Accept()
	ok(t, err)
	defer c.Close()
	settle(t, base)
	p := make([]byte, 5)
	_, err = io.ReadFull(c, p)
	ok(t, err)
	want(t, "what has come", string(p), "hello")
}

func TestEventsPassThroughFilters(t *testing.T) {
	for _, what := range []bufferevent.Events{
		bufferevent.EventConnected,
		bufferevent.EventTimeout | bufferevent.EventReading,
		bufferevent.EventTimeout | bufferevent.EventWriting,
		bufferevent.EventError | bufferevent.EventReading,
		bufferevent.EventError | bufferevent.EventWriting,
		bufferevent.EventEOF | bufferevent.EventWriting,
		bufferevent.EventEOF | bufferevent.EventReading,
	} {
		base := newBase(t)
		under, _ := newSocket(t, base, 0)
		top := stack(t, under, 1, 0)
		ok(t, top.Enable(event.Read))
		var d diary
		d.keep(top)
		under.TriggerEvent(what, nil, 0)
		d.want(t, what.String())
	}
}

func TestErrorsPassThroughFilters(t *testing.T) {
	base := newBase(t)
	under, _ := newSocket(t, base, 0)
	top := stack(t, under, 1, 0)
	var d diary
	d.keep(top)
	defer sysio.SetHook(refuse(sysio.OpSend, under.FD(), 1, errReset))()
	write(t, top, "to nobody")
	d.await(t, base, "writing|error")
	if top.Err() == nil || top.Err() != under.Err() {
		t.Errorf("error %v, and %v below", top.Err(), under.Err())
	}
}

func TestTheTimeoutsOfAFilter(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	check := func(when string, read, write int) {
		t.Helper()
		r, w := bufferevent.TimersRunning(f)
		want(t, "timers "+when, [2]int{r, w}, [2]int{read, write})
	}
	ok(t, f.SetTimeouts(time.Hour, time.Hour))
	check("at first", 0, 0)
	ok(t, f.Enable(event.Read))
	check("while it reads", 1, 0)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 0, 3))
	write(t, f, "01234")
	check("while there is no room", 1, 1)
	ok(t, f.Disable(event.Write))
	check("while writing is disabled", 1, 0)
	ok(t, f.Enable(event.Write))
	check("while it is enabled again", 1, 1)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	check("when all is written", 1, 0)
	ok(t, f.SetWatermark(event.Read, 0, 4))
	write(t, far, "0123")
	settle(t, base)
	check("while the input is full", 0, 0)

	var d diary
	d.keep(f)
	ok(t, f.Input().Drain(4))
	ok(t, f.SetTimeouts(time.Millisecond, 0))
	d.await(t, base, "reading|timeout")
	want(t, "enabled", f.Enabled(), event.Write)
}

// What is written to a filter while a failure below waits to be told is not encoded: the
// one event that comes has the reason of the failure.
func TestAFailureBelowIsToldOnceWithItsReason(t *testing.T) {
	base := newBase(t)
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	under, err := bufferevent.NewSocket(base, fds[0], bufferevent.CloseOnFree|bufferevent.DeferCallbacks)
	ok(t, err)
	f := newFilter(t, under, nil, nil, bufferevent.CloseOnFree)
	ok(t, evutil.CloseSocket(fds[1]))
	var told []error
	f.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what.Outcome() != bufferevent.InputEnded {
			told = append(told, b.Err())
		}
	})
	for under.WriteErr() == nil && len(told) == 0 {
		write(t, f, "text")
		evtest.Turn(t, base)
	}
	if len(told) > 0 {
		t.Fatalf("told at once: %v", told)
	}
	reason := under.WriteErr()
	write(t, f, "more")
	ok(t, f.CloseWrite())
	evtest.Turn(t, base)
	evtest.Turn(t, base)
	if len(told) != 1 || !errors.Is(told[0], reason) {
		t.Errorf("told %v, the reason is %v", told, reason)
	}
}
