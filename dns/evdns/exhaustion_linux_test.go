package evdns_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/dns/evdns"
)

// withoutDescriptors runs fn while the process can open none.
func withoutDescriptors(t *testing.T, fn func()) {
	t.Helper()
	var old syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	defer func() { ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)) }()
	// The lowest descriptor that is not open is not that which open would return: a
	// goroutine that is about to wait in accept may have one reserved, and give it back.
	lowest := 0
	for syscall.Fstat(lowest, new(syscall.Stat_t)) == nil {
		lowest++
	}
	// Not 0, as poll takes no more descriptors than there may be.
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(lowest), Max: old.Max}))
	fn()
}

// Lookups that find no descriptors fail at once, and say why; those after them
// know nothing of it.
func TestNoDescriptors(t *testing.T) {
	for _, flags := range []evdns.QueryFlags{0, evdns.UseVC} {
		t.Run(fmt.Sprintf("flags %#x", flags), func(t *testing.T) {
			loop, u := newLoop(t), newUpstream(t)
			b := newResolver(t, loop, u)
			log := watch(t)
			set(t, b, "timeout", "1000")
			a := new(answer)
			resolve := func() {
				_, err := b.ResolveIPv4("www.example.com", flags, a.callback)
				ok(t, err)
				dispatch(t, loop)
			}
			withoutDescriptors(t, resolve)
			a.fails(t, evdns.ErrUnreachable)
			a.fails(t, syscall.EMFILE)
			if log.count("nameserver has failed") != 0 { // for it has not
				t.Errorf("log: %q", log.lines(""))
			}
			a = new(answer)
			resolve()
			a.want(t, "192.0.2.1")
		})
	}
}

// One socket serves all lookups if there are no descriptors for others.
func TestNoDescriptorsForMoreSockets(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	b := newResolver(t, loop, u)
	set(t, b, "timeout", "20", "ports-per-nameserver", "100")
	lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
	withoutDescriptors(t, func() {
		for range 50 {
			lookup(t, loop, b, "www.example.com").want(t, "192.0.2.1")
		}
	})
}
