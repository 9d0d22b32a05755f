package evtls_test

import (
	"bytes"
	"crypto/tls"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// enableLocks installs an implementation of locks for the time of the test.
func enableLocks(t *testing.T) {
	t.Helper()
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return new(recursiveLock), nil },
	}))
	evthread.SetIDCallback(goroutine)
	t.Cleanup(func() {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // it is worth a warning
		defer event.SetLogCallback(nil)
		evthread.SetLockCallbacks(nil)
		evthread.SetIDCallback(nil)
	})
}

// A recursiveLock belongs to a goroutine.
type recursiveLock struct {
	mu    sync.Mutex
	owner atomic.Uint64
	depth int
}

func (l *recursiveLock) Lock(evthread.Mode) error {
	me := goroutine()
	if l.owner.Load() != me {
		l.mu.Lock()
		l.owner.Store(me)
	}
	l.depth++
	return nil
}

func (l *recursiveLock) Unlock(evthread.Mode) error {
	if l.owner.Load() != goroutine() {
		return evthread.ErrNotHeld
	}
	l.depth--
	if l.depth == 0 {
		l.owner.Store(0)
		l.mu.Unlock()
	}
	return nil
}

// goroutine returns the number that stack traces give the caller's goroutine.
func goroutine() uint64 {
	var buf [32]byte
	line := buf[:runtime.Stack(buf[:], false)]
	n, _ := strconv.ParseUint(string(bytes.Fields(line)[1]), 10, 64)
	return n
}

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
			checkLeaks(t)
			enableLocks(t)
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
			turn(t, base)
			base.Free()
		})
	}
}

// A loop that has a thread to itself, and one whose user has tied it to one in
// the middle, make handshakes like others.
func TestLoopsOnThreads(t *testing.T) {
	checkLeaks(t)
	for _, flags := range []event.Flag{0, event.LockThread} {
		base, err := event.NewBaseWithConfig(&event.Config{Flags: flags})
		ok(t, err)
		client, server := plain(tls.VersionTLS13)
		c, s := newEnds(t, base, client, server, 0)
		turn(t, base)
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
