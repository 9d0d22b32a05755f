package evdns_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// heap returns how much memory is in use.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Requests under way cost some hundred bytes each, and nothing when they have
// ended.
func TestMemoryOfRequests(t *testing.T) {
	const (
		most    = 600 // bytes a request, the name included
		residue = 1 << 20
	)
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("host%d.example.com", i)
	}
	for _, c := range []struct {
		name     string
		inflight string
	}{
		{"waiting", "1"},
		{"under way", "100000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			set(t, b, "max-inflight", c.inflight, "timeout", "1000")
			u.ignores()
			ended := 0
			callback := func(evdns.Answer, error) { ended++ }
			requests := make([]*evdns.Request, n)
			before := heap()
			for i, name := range names {
				r, err := b.ResolveIPv4(name, 0, callback)
				ok(t, err)
				requests[i] = r
			}
			var during int
			ok(t, loop.Post(func() { // the next iteration has not begun before all were sent
				ok(t, loop.Post(func() {
					during = heap()
					for i, r := range requests {
						r.Cancel()
						requests[i] = nil
					}
				}))
			}))
			dispatch(t, loop)
			if ended != n {
				t.Fatalf("%d callbacks", ended)
			}
			each := (during - before) / n
			t.Logf("%d bytes a request", each)
			if each > most {
				t.Errorf("%d bytes a request, want at most %d", each, most)
			}
			u.stop()
			if left := heap() - before; left > residue {
				t.Errorf("%d bytes are left", left)
			}
		})
	}
}

// However many lookups there were, they leave no more behind than the cache may
// hold.
func TestMemoryAfterManyLookups(t *testing.T) {
	const (
		atOnce  = 500
		residue = 1 << 20
	)
	n := 10_000
	if testing.Short() {
		n = 3000
	}
	loop, u := newLoop(t), newUpstream(t)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "max-inflight", "200", "timeout", "20", "cache-size", "1000")
	flags := []evdns.QueryFlags{0, evdns.UseVC}
	many := func() {
		u.forgetQuestions()
		started, failed := 0, 0
		var next func(evdns.Answer, error)
		next = func(_ evdns.Answer, err error) {
			if err != nil {
				failed++
			}
			if started == n {
				return
			}
			started++
			_, err = b.ResolveIPv4(fmt.Sprintf("host%d.example.com", started), flags[started%2], next)
			ok(t, err)
		}
		for range atOnce {
			next(evdns.Answer{}, nil)
		}
		dispatch(t, loop)
		u.forgetQuestions()
		if failed > 0 {
			t.Errorf("%d of %d lookups have failed", failed, n)
		}
	}
	many() // so that everything is there that stays
	before := heap()
	many()
	if grown := heap() - before; grown > residue {
		t.Errorf("memory has grown by %d bytes", grown)
	}
}

func BenchmarkLookup(b *testing.B) {
	loop, u := newLoop(b), newUpstream(b)
	r := newResolver(b, loop, u)
	set(b, r, "max-inflight", "64", "timeout", "20")
	b.ReportAllocs()
	names := make([]string, 64) // for equal questions are asked once
	for i := range names {
		names[i] = fmt.Sprintf("host%02d.example.com", i)
	}
	left := 0
	var next func(evdns.Answer, error)
	begin := func() {
		left--
		if _, err := r.ResolveIPv4(names[left%len(names)], 0, next); err != nil {
			b.Fatal(err)
		}
	}
	next = func(_ evdns.Answer, err error) {
		if err != nil {
			b.Fatal(err)
		}
		if left > 0 {
			begin()
		}
	}
	left = b.N
	for range min(64, b.N) {
		begin()
	}
	dispatch(b, loop)
}
