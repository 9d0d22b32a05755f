package evtls_test

import (
	"crypto/tls"
	"runtime"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// With ThreadSafe any goroutine writes, asks and frees, while the loop runs, and
// with workers handshakes go on in others.
func TestThreadSafe(t *testing.T) {
	const both, pieces = bufferevent.ThreadSafe | bufferevent.CloseOnFree, 200
	variants := []struct {
		name    string
		workers *evtls.Workers
		opts    bufferevent.Options
	}{
		{"loop", nil, both},
		{"workers", evtls.NewWorkers(1), both},
		{"unlocked callbacks", nil, both | bufferevent.DeferCallbacks | bufferevent.UnlockCallbacks},
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			evtest.Leaks(t)
			evtest.Locks(t)
			base, err := event.NewBase()
			ok(t, err)
			a, b, err := bufferevent.NewPair(base, bufferevent.ThreadSafe)
			ok(t, err)
			client, server := plain(0)
			client.Workers, server.Workers = v.workers, v.workers
			s, err := evtls.NewFilter(b, evtls.Accepting, server, v.opts)
			ok(t, err)
			c, err := evtls.NewFilter(a, evtls.Connecting, client, v.opts)
			ok(t, err)
			s.SetCallbacks(func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil, nil)
			echoed := make(chan bool, 1)
			c.SetCallbacks(func(b *bufferevent.Bufferevent) {
				if b.Input().Len() == 4*pieces*len("piece") {
					echoed <- true
				}
			}, nil, nil)
			ok(t, c.Enable(event.Read))
			ok(t, s.Enable(event.Read))
			base.AddVirtual()
			loop := make(chan error)
			go func() { loop <- base.Dispatch() }()
			var writers sync.WaitGroup
			for range 4 {
				writers.Go(func() {
					for range pieces {
						c.WriteString("piece")
						evtls.ConnectionState(s)
						evtls.SetFlags(c, evtls.BatchWrite)
						c.NegotiatedProtocol()
					}
				})
			}
			writers.Wait()
			<-echoed
			go c.Free()
			s.Free()
			base.DelVirtual()
			ok(t, <-loop)
			c.Free()
			evtest.Turn(t, base)
			base.Free()
		})
	}
}

// A loop that has a thread to itself, and one whose user has tied it to one in
// the middle, make handshakes like others.
func TestLoopsOnThreads(t *testing.T) {
	evtest.Leaks(t)
	for _, flags := range []event.Flag{0, event.LockThread} {
		base, err := event.NewBaseWithConfig(&event.Config{Flags: flags})
		ok(t, err)
		client, server := plain(tls.VersionTLS13)
		c, s := newEnds(t, base, client, server, 0)
		evtest.Turn(t, base)
		runtime.LockOSThread()
		write(t, c.b, "hello")
		settle(t, base)
		runtime.UnlockOSThread()
		s.wantData(t, "hello")
		c.b.Free()
		s.b.Free()
		base.Free()
	}
}
