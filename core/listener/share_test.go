package listener_test

import (
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// The share of accepting grows with the rest of a loop's work and not beyond
// it, so that neither new connections nor those that there are have to wait for
// long, whatever there are more of.
func TestListenerSharesABusyLoop(t *testing.T) {
	for _, c := range []struct{ busy, limit, least, most int }{
		{busy: 0, least: listener.DefaultAcceptLimit, most: listener.DefaultAcceptLimit},
		{busy: 10, least: listener.DefaultAcceptLimit, most: listener.DefaultAcceptLimit},
		{busy: 100, least: 100, most: 102},
		{busy: 100, limit: 7, least: 7, most: 7},
	} {
		t.Run(fmt.Sprintf("%d busy limit %d", c.busy, c.limit), func(t *testing.T) {
			b := evtest.Base(t)
			served, accepted, mostAccepted, iterations := 0, 0, 0, 0
			b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { iterations, accepted = iterations+1, 0 })
			left := 3 * c.most
			l := bind(t, b, 0, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
				evutil.CloseSocket(fd)
				accepted++
				mostAccepted = max(mostAccepted, accepted)
				if left--; left == 0 {
					b.LoopExit(0)
				}
			})
			if c.limit > 0 {
				ok(t, l.SetAcceptLimit(c.limit))
			}
			for range c.busy {
				pair, err := evutil.LoopbackPair()
				ok(t, err)
				ev, err := b.NewEvent(pair[0], event.Write|event.Persist, func(*event.Event, event.What) { served++ })
				ok(t, err)
				ok(t, ev.Add())
				t.Cleanup(func() {
					ev.Free()
					evutil.CloseSocket(pair[0])
					evutil.CloseSocket(pair[1])
				})
			}
			for range 20 { // for the method to find them all at once
				_, err := b.Loop(event.LoopNonblock | event.LoopOnce)
				ok(t, err)
			}
			for range left {
				dial(t, l.Addr())
			}
			served, iterations = 0, 0
			run(t, b)
			if mostAccepted < c.least || mostAccepted > c.most {
				t.Errorf("%d connections in one iteration, want from %d to %d", mostAccepted, c.least, c.most)
			}
			if served < c.busy*(iterations-1) {
				t.Errorf("%d others were served %d times in %d iterations", c.busy, served, iterations)
			}
		})
	}
}

// A listener that does not know its address is none.
func TestListenerWithoutAnAddressIsRefused(t *testing.T) {
	b := evtest.Base(t)
	listening := bind(t, b, listener.Disabled, nil)
	for name, open := range map[string]func() (*listener.Listener, error){
		"NewBind":  func() (*listener.Listener, error) { return listener.NewBind(b, loopback, 0, -1, nil) },
		"New":      func() (*listener.Listener, error) { return listener.New(b, listening.FD(), 0, 0, nil) },
		"Disabled": func() (*listener.Listener, error) { return listener.NewBind(b, loopback, listener.Disabled, -1, nil) },
	} {
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == sysio.OpSockname {
				return 0, syscall.ENOBUFS
			}
			return c.Len, nil
		})
		l, err := open()
		restore()
		wantError(t, name, err, syscall.ENOBUFS)
		if l != nil || err == nil || !strings.Contains(err.Error(), "listen") {
			t.Errorf("%s: got %v, %v", name, l, err)
		}
	}
	works(t, listening)
}

// The address does not depend on what the system says later.
func TestAddressIsKnownFromTheStart(t *testing.T) {
	l := bind(t, evtest.Base(t), 0, nil)
	want(t, "closed", l.Addr() == nil, false)
	defer sysio.SetHook(func(sysio.Call) (int, error) { return 0, syscall.ENOBUFS })()
	if l.Addr() == nil || !l.AddrPort().IsValid() {
		t.Errorf("the address is %v", l.Addr())
	}
}
