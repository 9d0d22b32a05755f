package evdns_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// With locks, any goroutine may look up addresses, cancel that and configure the
// resolver, while the loop runs.
func TestManyGoroutinesLookUpAddresses(t *testing.T) {
	const workers, rounds = 4, 60
	evtest.Leaks(t)
	evtest.Locks(t)
	loop, err := event.NewBase()
	ok(t, err)
	defer loop.Free()
	u := newUpstream(t)
	b := newAnswerer(t, loop, 0, u)
	set(t, b, "timeout", "20", "cache-size", "50", "max-inflight", "20")
	loop.AddVirtual()
	ended := make(chan error, 1)
	go func() { ended <- loop.Dispatch() }()

	var group sync.WaitGroup
	var canceled atomic.Int64
	for w := range workers {
		group.Go(func() {
			for i := range rounds {
				told := make(chan error, 1)
				name := fmt.Sprintf("host%d.example", (w+i)%20)
				cancel := b.GetAddrInfo(name, "80", &stream, func(_ []evutil.AddrInfo, err error) { told <- err })
				switch i % 3 {
				case 0:
					cancel()
					canceled.Add(1)
					continue // told or not
				case 1:
					b.CacheWrite(name, nil, 0)
					b.CacheLookup(name, &stream, 80)
					b.ClearHostAddresses()
					b.ClearSearch()
					b.SetOption("ndots", "2")
				}
				if err := <-told; err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	loop.DelVirtual()
	loop.LoopExit(0)
	ok(t, <-ended)
	b.Free(false)
	if canceled.Load() == 0 {
		t.Error("nothing was cancelled")
	}
}
