package pthreads_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/pthreads"
)

// A listener with a lock is enabled, disabled and freed by goroutines while the
// loop accepts. After Free has returned nothing runs.
func TestThreadSafeListener(t *testing.T) {
	forgetHooks(t)
	ok(t, pthreads.Use())
	evtest.Leaks(t)
	base, err := event.NewBase()
	ok(t, err)
	t.Cleanup(base.Free)
	loop := make(chan error)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		loop <- err
	}()
	defer func() {
		ok(t, base.LoopExit(0))
		ok(t, <-loop)
	}()

	var freed atomic.Bool
	cb := func(_ *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		if freed.Load() {
			t.Error("a callback ran after Free")
		}
	}
	const workers, rounds = 4, 200
	for range 5 {
		freed.Store(false)
		l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"),
			listener.ThreadSafe|listener.CloseOnFree, listener.DefaultBacklog, cb)
		ok(t, err)
		addr := l.Addr()
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := range rounds {
					ok(t, l.Disable())
					ok(t, l.SetCallback(cb))
					ok(t, l.Enable())
					if i%20 == 0 {
						dial(t, addr)
					}
				}
			})
		}
		wg.Wait()
		for range workers {
			wg.Go(func() {
				l.Free()
				freed.Store(true)
			})
		}
		wg.Wait()
		refused(t, addr)
	}
}
