package resolver

import (
	"errors"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// lookups are those of a resolver of this library. The end of one begins the next.
type lookups struct {
	base          *event.Base
	resolver      *evdns.Base
	total         int
	started, done int
	err           error // ends them all
}

// newLookups makes a resolver with one nameserver, of which so many queries may be
// under way, and no time limits that matter.
func newLookups(upstream netip.AddrPort, flags evdns.BaseFlags, total, inFlight int) (*lookups, error) {
	base, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	resolver, err := evdns.NewBase(base, flags)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		resolver.AddNameserver(upstream),
		resolver.SetOption("max-inflight", strconv.Itoa(inFlight)),
		resolver.SetOption("timeout", "60"))
	return &lookups{base: base, resolver: resolver, total: total}, err
}

func (l *lookups) startNext() {
	if _, err := l.resolver.ResolveIPv4(name(l.started), evdns.NoSearch, l.onAnswer); err != nil {
		l.fail(err)
	}
	l.started++
}

func (l *lookups) onAnswer(a evdns.Answer, err error) {
	if err := check("a name", a.Addrs, err); err != nil {
		l.fail(err)
		return
	}
	l.done++
	switch {
	case l.started < l.total:
		l.startNext()
	case l.done == l.total:
		l.base.LoopBreak()
	}
}

func (l *lookups) fail(err error) {
	l.err = err
	l.base.LoopBreak()
}

// run runs the loop, until all names are known.
func (l *lookups) run() error { return errors.Join(l.base.Dispatch(), l.err) }

// resolveOurs looks names up with evdns, and remembers what it finds unless flags
// say otherwise.
func resolveOurs(upstream netip.AddrPort, flags evdns.BaseFlags, total, atOnce int) error {
	l, err := newLookups(upstream, flags, total, atOnce)
	if err != nil {
		return err
	}
	for l.started < min(atOnce, total) {
		l.startNext()
	}
	return l.run()
}

// holdPause is how long outstanding lookups are left alone.
const holdPause = 2 * time.Second

// holdOurs has lookups of evdns outstanding.
func holdOurs(upstream netip.AddrPort, total int, look func()) error {
	l, err := newLookups(upstream, 0, total, total)
	if err != nil {
		return err
	}
	if _, err := l.base.Loop(event.LoopNonblock); err != nil {
		return err
	}
	look()
	for range total {
		l.startNext()
	}
	if err := l.base.LoopExit(holdPause); err != nil {
		return err
	}
	if err := l.run(); err != nil {
		return err
	}
	if l.done > 0 {
		return errors.New("a lookup was answered")
	}
	look()
	runtime.KeepAlive(l)
	return nil
}
