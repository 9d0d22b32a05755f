package listener_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

func TestCallbackGetsThePeer(t *testing.T) {
	tests := []struct {
		listen string
		dial   string
		flags  listener.Flag
	}{
		{"127.0.0.1:0", "127.0.0.1", 0},
		{"[::1]:0", "::1", 0},
		{"[::]:0", "127.0.0.1", listener.BindIPv4AndIPv6},
		{"[::]:0", "::1", listener.BindIPv6Only},
	}
	for _, tt := range tests {
		t.Run(tt.dial+" to "+tt.listen, func(t *testing.T) {
			b := evtest.Base(t)
			var peers []netip.AddrPort
			l, err := listener.NewBind(b, netip.MustParseAddrPort(tt.listen), tt.flags|listener.CloseOnFree, -1,
				func(l *listener.Listener, fd int, peer netip.AddrPort) {
					evutil.CloseSocket(fd)
					peers = append(peers, peer)
					b.LoopBreak()
				})
			if err != nil {
				t.Skip(err)
			}
			defer l.Free()
			addr := net.TCPAddr{IP: net.ParseIP(tt.dial), Port: int(l.AddrPort().Port())}
			c := dial(t, &addr)
			run(t, b)
			want(t, "connections", len(peers), 1)
			want(t, "peer", peers[0], c.LocalAddr().(*net.TCPAddr).AddrPort())
		})
	}
}

func TestListenersAreIndependent(t *testing.T) {
	b := evtest.Base(t)
	served := map[any]int{}
	cb := func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		served[l.Data]++
		if served["first"] == 2 && served["second"] == 1 {
			l.Base().LoopExit(0)
		}
	}
	first, second := bind(t, b, 0, cb), bind(t, b, 0, cb)
	first.Data, second.Data = "first", "second"
	for _, l := range []*listener.Listener{first, second} {
		want(t, "base", l.Base(), b)
		want(t, "address", l.AddrPort().Addr(), loopback.Addr())
		want(t, "address, for package net", l.Addr().String(), l.AddrPort().String())
		if l.FD() < 0 {
			t.Errorf("descriptor %d", l.FD())
		}
	}
	if first.AddrPort() == second.AddrPort() {
		t.Errorf("both listen at %v", first.Addr())
	}
	dial(t, first.Addr())
	dial(t, second.Addr())
	dial(t, first.Addr())
	run(t, b)
	want(t, "connections of the first", served["first"], 2)
	want(t, "connections of the second", served["second"], 1)
}

// inCallback is what callbacks may do to end accepting, and what undoes it.
var inCallback = []struct {
	name string
	do   func(l *listener.Listener) error
	undo func(l *listener.Listener, cb listener.Callback) error
}{
	{
		"disable",
		(*listener.Listener).Disable,
		func(l *listener.Listener, _ listener.Callback) error { return l.Enable() },
	},
	{
		"take the callback away",
		func(l *listener.Listener) error { return l.SetCallback(nil) },
		(*listener.Listener).SetCallback,
	},
	{
		"break the loop",
		func(l *listener.Listener) error { l.Base().LoopBreak(); return nil },
		func(*listener.Listener, listener.Callback) error { return nil },
	},
}

func TestCallbackMayEndAccepting(t *testing.T) {
	for _, tt := range inCallback {
		t.Run(tt.name, func(t *testing.T) {
			b := evtest.Base(t)
			const connections = 3
			served := 0
			cb := func(l *listener.Listener, fd int, _ netip.AddrPort) {
				evutil.CloseSocket(fd)
				served++
				ok(t, tt.do(l))
				l.Base().LoopExit(0)
			}
			l := bind(t, b, 0, cb)
			for range connections {
				dial(t, l.Addr())
			}
			for n := range connections {
				run(t, b)
				want(t, "connections served", served, n+1)
				ok(t, tt.undo(l, cb))
			}
		})
	}
}

func TestCallbackMayFree(t *testing.T) {
	b := evtest.Base(t)
	served := 0
	l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		served++
		l.Free()
	})
	addr := l.Addr()
	for range 3 {
		dial(t, addr)
	}
	ok(t, b.Dispatch()) // until no events are left
	want(t, "connections served", served, 1)
	refused(t, addr)
}

func TestCallbackMaySetAnother(t *testing.T) {
	b := evtest.Base(t)
	var served []string
	l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		served = append(served, "first")
		ok(t, l.SetCallback(func(l *listener.Listener, fd int, _ netip.AddrPort) {
			evutil.CloseSocket(fd)
			served = append(served, "second")
			b.LoopBreak()
		}))
	})
	dial(t, l.Addr())
	dial(t, l.Addr())
	run(t, b)
	want(t, "callbacks", len(served), 2)
	want(t, "the second", served[1], "second")
}

func TestWithoutACallbackConnectionsWait(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, nil)
	c := dial(t, l.Addr())
	ok(t, l.Enable()) // which it is
	runIdle(t, b)
	ok(t, l.SetCallback(closeAfter(1)))
	run(t, b)
	ends(t, c)
}

func TestDisabledListenerWaitsForEnable(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, listener.Disabled, nil)
	ok(t, l.SetCallback(closeAfter(1)))
	c := dial(t, l.Addr())
	runIdle(t, b)
	ok(t, l.Enable())
	run(t, b)
	ends(t, c)
	ok(t, l.Disable())
	runIdle(t, b)
}

// A listener that is disabled can be made anywhere, while the loop runs.
func TestDisabledListenerIsMadeInAnotherGoroutine(t *testing.T) {
	b := evtest.Base(t)
	made := make(chan *listener.Listener, 1)
	go func() {
		l, err := listener.NewBind(b, loopback, listener.Disabled|listener.CloseOnFree, -1, closeAfter(1))
		if err == nil {
			err = b.Post(func() { ok(t, l.Enable()) })
		}
		if err != nil {
			t.Error(err)
			b.LoopBreak()
			return
		}
		made <- l
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			b.LoopBreak()
			return
		}
		ends(t, c)
		c.Close()
	}()
	_, err := b.Loop(event.LoopNoExitOnEmpty)
	ok(t, err)
	(<-made).Free()
}

func TestListenerTakesBreaks(t *testing.T) {
	for _, limit := range []int{listener.DefaultAcceptLimit, 1, 5} {
		b := evtest.Base(t)
		inIteration, most, left := 0, 0, 2*limit+1
		b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { inIteration = 0 })
		l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
			evutil.CloseSocket(fd)
			inIteration++
			most = max(most, inIteration)
			if left--; left == 0 {
				b.LoopExit(0)
			}
		})
		if limit != listener.DefaultAcceptLimit {
			ok(t, l.SetAcceptLimit(limit))
		}
		for range left {
			dial(t, l.Addr())
		}
		run(t, b)
		want(t, "connections in one iteration", most, limit)
	}
}

func TestLimitsArePositive(t *testing.T) {
	l := bind(t, evtest.Base(t), listener.Disabled, nil)
	for _, n := range []int{0, -1} {
		wantError(t, "SetAcceptLimit", l.SetAcceptLimit(n), listener.ErrRange)
		wantError(t, "SetPause", l.SetPause(-1), listener.ErrRange)
	}
	works(t, l)
}

// A connection costs one system call.
func TestNothingIsAskedAboutConnections(t *testing.T) {
	const connections = 10
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(connections))
	for range connections {
		dial(t, l.Addr())
	}
	calls := countCalls(t)
	run(t, b)
	want(t, "calls of accept", calls[sysio.OpAccept], connections)
	want(t, "calls of close", calls[sysio.OpClose], connections) // by the callback
	want(t, "kinds of calls", len(calls), 2)
}

func TestFreedListenersAreOfNoUse(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	l.Free()
	l.Free()
	runIdle(t, b)
	wantError(t, "Enable", l.Enable(), listener.ErrFreed)
	wantError(t, "Disable", l.Disable(), listener.ErrFreed)
	wantError(t, "SetCallback", l.SetCallback(nil), listener.ErrFreed)
	l.SetErrorCallback(nil)
	want(t, "address", l.Addr(), nil)
	want(t, "address of TCP", l.AddrPort(), netip.AddrPort{})
	runIdle(t, b)
}

func TestCloseNowIsForLoopsThatEnd(t *testing.T) {
	l := bind(t, evtest.Base(t), 0, nil)
	wantError(t, "CloseNow", l.CloseNow(), listener.ErrLoopGoesOn)
	works(t, l)
}

func TestCloseNowDoesNotWaitForTheLoop(t *testing.T) {
	for name, end := range map[string]struct{ before, inside func(b *event.Base) }{
		"LoopBreak": {func(*event.Base) {}, (*event.Base).LoopBreak},
		"LoopExit":  {func(b *event.Base) { b.LoopExit(0) }, func(*event.Base) {}},
	} {
		t.Run(name, func(t *testing.T) {
			b := evtest.Base(t)
			served, closed := 0, make(chan error, 1)
			l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
				evutil.CloseSocket(fd)
				served++
				end.inside(b)
				go func() { closed <- l.CloseNow() }() // while the callback is stuck
				ok(t, <-closed)
				wantError(t, "Enable", l.Enable(), listener.ErrFreed)
			})
			l.SetErrorCallback(func(_ *listener.Listener, err error) { t.Errorf("reported: %v", err) })
			addr := l.Addr()
			dial(t, addr)
			dial(t, addr)
			ok(t, b.Post(func() { end.before(b) })) // the loop runs this first
			calls := countCalls(t)
			run(t, b)
			want(t, "connections served", served, 1)
			want(t, "calls of accept", calls[sysio.OpAccept], 1)
			refused(t, addr)
			ok(t, l.CloseNow())
			want(t, "address", l.Addr(), nil)
		})
	}
}
