package evdns_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// A chance is a source of random numbers for the test and its nameservers.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

// misbehaves is a script that does anything at all.
func (c *chance) misbehaves(loop *event.Base, b *evdns.Base) func(*question) {
	dead := expires(loop, b)
	return func(q *question) {
		switch c.n(12) {
		case 0:
			dead(q)
		case 1:
			complains(dns.RcodeServerFailure)(q)
		case 2:
			complains(dns.RcodeRefused)(q)
		case 3:
			complains(dns.RcodeFormatError)(q)
		case 4:
			complains(dns.RcodeNameError)(q)
		case 5:
			if q.stream == nil {
				truncates(q)
			} else {
				q.stream.Close()
			}
		case 6:
			dead(q)
			q.good() // too late perhaps
		case 7:
			q.send(q.reply(0))
		case 8:
			if q.stream != nil {
				q.stream.Write([]byte{0, 50, 1})
				q.stream.Close()
			} else {
				dead(q)
			}
		default:
			q.good()
		}
	}
}

// Whatever is done to a resolver and its nameservers, each lookup ends, once, and
// nothing is left behind.
func TestRandomLivesOfResolvers(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomLife(t, &chance{r: rand.New(rand.NewPCG(seed, 7))}) })
	}
}

func randomLife(t *testing.T, c *chance) {
	loop := newLoop(t)
	flags := []evdns.BaseFlags{0, evdns.NoCache}[c.n(2)]
	b := newResolverWith(t, loop, flags|evdns.DisableWhenInactive)
	set(t, b, "timeout", "1000", "failure-ttl", "0", "max-inflight", fmt.Sprint(1+c.n(8)), "attempts", fmt.Sprint(1+c.n(4)),
		"max-timeouts", fmt.Sprint(1+c.n(3)))
	ok(t, b.AddSearch("example"))
	var servers []*upstream
	for range 1 + c.n(3) {
		u := newUpstream(t)
		u.does(c.misbehaves(loop, b))
		servers = append(servers, u)
		ok(t, b.AddNameserver(u.addr))
	}
	calls := map[int]int{}
	var cancels []func()
	cancelled := map[int]bool{} // whose callbacks are not called
	begin := func(i int) {
		name := fmt.Sprintf("n%d", c.n(4))
		flags := []evdns.QueryFlags{0, evdns.NoSearch, evdns.UseVC, evdns.IgnoreTC}[c.n(4)]
		var r *evdns.Request
		var err error
		switch c.n(4) {
		case 0:
			r, err = b.ResolveIPv4(name, flags, func(evdns.Answer, error) { calls[i]++ })
		case 1:
			r, err = b.ResolveIPv6(name, flags, func(evdns.Answer, error) { calls[i]++ })
		case 2:
			cfg := evdns.QueryConfig{Flags: flags, DNSSEC: c.n(2) == 0}
			if c.n(3) == 0 {
				cfg.Timeout = time.Duration(1+c.n(10)) * time.Millisecond
			}
			r, err = b.QueryWith(name, dns.TypeA, cfg, func(*dns.Msg, error) { calls[i]++ })
		default:
			cancel := b.GetAddrInfo(name, "80", &stream, func([]evutil.AddrInfo, error) { calls[i]++ })
			cancels = append(cancels, func() {
				cancelled[i] = calls[i] == 0
				cancel()
			})
			return
		}
		ok(t, err)
		cancels = append(cancels, r.Cancel)
	}
	const n = 150
	suspended := false
	for i := range n {
		begin(i)
		if c.n(4) == 0 {
			cancels[c.n(len(cancels))]()
		}
		switch c.n(40) {
		case 0:
			b.ClearNameserversAndSuspend()
			for _, u := range servers {
				ok(t, b.AddNameserver(u.addr))
			}
			suspended = true
		case 1:
			servers[c.n(len(servers))].hangUp()
		case 2:
			b.Expire(servers[c.n(len(servers))].addr)
		}
		if suspended && c.n(4) == 0 {
			b.Resume()
			suspended = false
		}
		if c.n(3) == 0 {
			_, err := loop.Loop(event.LoopNonblock)
			ok(t, err)
		}
	}
	b.Resume()
	run(t, loop, func() bool {
		b.Expire(servers[c.n(len(servers))].addr) // what was lost on a connection that is good
		return b.Leftovers() == ""
	})
	dispatch(t, loop)
	for i := range n {
		if calls[i] != 1 && !(cancelled[i] && calls[i] == 0) {
			t.Errorf("lookup %d: %d calls", i, calls[i])
		}
	}
	if left := b.Leftovers(); left != "" {
		t.Error(left)
	}
}
