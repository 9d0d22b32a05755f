package evdns_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// With locks, any goroutine may use the resolver, while the loop runs.
func TestManyGoroutines(t *testing.T) {
	const workers, rounds = 4, 60
	evtest.Leaks(t)
	evtest.Locks(t)
	loop, err := event.NewBase()
	ok(t, err)
	defer loop.Free()
	u := newUpstream(t)
	u.does(func(q *question) {
		if strings.HasPrefix(q.name(), "tc") {
			truncates(q)
		} else if !strings.HasPrefix(q.name(), "silent") {
			q.good()
		}
	})
	b := newResolverWith(t, loop, 0, u)
	set(t, b, "timeout", "20", "max-inflight", "20", "cache-size", "50")
	loop.AddVirtual()
	ended := make(chan error, 1)
	go func() { ended <- loop.Dispatch() }()

	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range rounds {
				names := []string{
					fmt.Sprintf("w%dn%d.example", w, i), "same.example",
					fmt.Sprintf("tc%dn%d.example", w, i), fmt.Sprintf("silent%dn%d.example", w, i),
				}
				told := make(chan error, len(names))
				for _, name := range names {
					r, err := b.ResolveIPv4(name, 0, func(_ evdns.Answer, err error) { told <- err })
					if err != nil {
						t.Error(err)
						return
					}
					if strings.HasPrefix(name, "silent") {
						r.Cancel()
					}
				}
				for range names {
					if err := <-told; err != nil && !errors.Is(err, evdns.ErrCancel) {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Go(func() {
		for range rounds {
			b.ClearNameserversAndSuspend()
			if err := b.AddNameserver(u.addr); err != nil {
				t.Error(err)
			}
			b.Resume()
			b.CountNameservers()
			b.NameserverFD(0)
			runtime.Gosched()
		}
	})
	group.Wait()

	told := make(chan error, 10)
	for i := range cap(told) {
		_, err := b.ResolveIPv4(fmt.Sprintf("silent%d.example", i), 0, func(_ evdns.Answer, err error) { told <- err })
		ok(t, err)
	}
	b.Free(true)
	for range cap(told) {
		if err := <-told; !errors.Is(err, evdns.ErrShutdown) {
			t.Errorf("error %v", err)
		}
	}
	loop.DelVirtual()
	ok(t, <-ended)
}

// Errors of locks go to the fatal callback.
func TestBrokenLocksAreFatal(t *testing.T) {
	loop := newLoop(t)
	dnstest.CheckBrokenLocks(t, func() (func(), error) {
		b, err := evdns.NewBase(loop, evdns.DisableWhenInactive)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { b.Free(false) })
		return func() { b.CountNameservers() }, nil
	})
}
