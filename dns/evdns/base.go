package evdns

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
)

// BaseFlags select how a base is made.
type BaseFlags uint8

const (
	// InitializeNameservers reads the nameservers, search domains and options
	// of the system, as ParseResolvConf does
	// (EVDNS_BASE_INITIALIZE_NAMESERVERS).
	InitializeNameservers BaseFlags = 1 << iota
	// DisableWhenInactive lets the loop end while no lookup is under way.
	// Without it, a base that has nameservers keeps the loop running
	// (EVDNS_BASE_DISABLE_WHEN_INACTIVE).
	DisableWhenInactive
	// NameserversNoDefault modifies InitializeNameservers: if the system has no
	// nameservers, 127.0.0.1 is not added
	// (EVDNS_BASE_NAMESERVERS_NO_DEFAULT).
	NameserversNoDefault
	// NoCache caches nothing: each lookup sends a query, unless an equal query is
	// in flight (EVDNS_BASE_NO_CACHE).
	NoCache

	allBaseFlags = InitializeNameservers | DisableWhenInactive | NameserversNoDefault | NoCache
)

// A Base is a resolver: it has nameservers, options, search domains, hosts and a
// cache, and the requests that are under way.
//
// It belongs to the goroutine that runs the loop of its event base. If hooks of
// evthread were installed before it was made, any goroutine may call its methods;
// the loop calls the callbacks in either case (struct evdns_base).
//
// It consists of parts, each a type with a file of its own. A part accesses its own
// fields only; the methods of Base connect the parts.
type Base struct {
	event *event.Base
	guard evthread.Guard // of everything below
	flags BaseFlags
	epoch time.Time // the zero of all times
	freed bool

	config  settings
	search  search
	hosts   hosts
	order   sorter
	skipped ConfigStats // of configuration files

	cache    cache
	failures failures

	servers  nameservers
	requests requests
	lookups  lookups // calls of GetAddrInfo under way

	schedule  schedule
	callbacks callbacks
	keepalive keepalive

	random  *rand.ChaCha8 // for ids, ports and the case of letters
	buffers buffers
}

// NewBase makes a resolver on the loop of base, with the default Config. Unless flags
// have InitializeNameservers it has no nameservers yet, and requests fail as long as
// there is none (evdns_base_new).
func NewBase(base *event.Base, flags BaseFlags) (*Base, error) {
	return NewBaseWithConfig(base, flags, Config{})
}

// NewBaseWithConfig is NewBase with settings that hold from the start, for the
// configuration that InitializeNameservers reads as well. The error wraps ErrValue if
// a field of cfg is out of its range, and the error of Config.Random, if any.
func NewBaseWithConfig(base *event.Base, flags BaseFlags, cfg Config) (*Base, error) {
	b, err := newBase(base, flags, cfg)
	if err != nil {
		return nil, fmt.Errorf("evdns: new resolver: %w", err)
	}
	return b, nil
}

func newBase(base *event.Base, flags BaseFlags, cfg Config) (*Base, error) {
	if base == nil {
		return nil, fmt.Errorf("event base: %w", event.ErrNil)
	}
	if flags&^allBaseFlags != 0 {
		return nil, fmt.Errorf("%#x: %w", uint8(flags&^allBaseFlags), ErrFlags)
	}
	b := &Base{event: base, flags: flags, epoch: base.Now()}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	b.config.Config = cfg
	b.cache.setLimit(max(cfg.CacheSize, 0))
	var err error
	if b.random, err = newRandom(cfg.Random); err != nil {
		return nil, err
	}
	b.requests.init(b.random)
	if b.guard, err = newGuard(base); err != nil {
		return nil, err
	}
	b.keepalive.onlyActive = flags&DisableWhenInactive != 0
	b.callbacks.init(base, b.runCallbacks)
	if err := b.schedule.init(base, b.onTimer); err != nil {
		return nil, err
	}
	if flags&InitializeNameservers != 0 {
		if err := b.initializeNameservers(); err != nil {
			b.Free(false)
			return nil, err
		}
	}
	return b, nil
}

// newGuard returns a lock, if hooks of evthread are installed, or else the check of
// the base for the goroutine.
func newGuard(base *event.Base) (evthread.Guard, error) {
	if evthread.Enabled() {
		return evthread.NewLockGuard("evdns")
	}
	return base.Guard("evdns"), nil
}

// newRandom returns a generator whose seed is read from src, or from the system's
// secure source if that is nil.
func newRandom(src io.Reader) (*rand.ChaCha8, error) {
	var seed [32]byte
	if src == nil {
		evutil.SecureRandomBytes(seed[:])
	} else if _, err := io.ReadFull(src, seed[:]); err != nil {
		return nil, fmt.Errorf("random seed: %w", err)
	}
	return rand.NewChaCha8(seed), nil
}

// Free frees the resolver. With failRequests, the loop calls the callbacks of all
// requests with ErrShutdown, later; otherwise they are not called. Requests that have
// ended before get their callbacks in either case. From then on every method returns
// an error, or does nothing (evdns_base_free).
func (b *Base) Free(failRequests bool) {
	b.lock()
	defer b.unlock()
	if b.freed {
		return
	}
	b.freed = true
	if !failRequests {
		b.endLookups()
	}
	b.endRequests(failRequests)
	b.clearServers()
	b.schedule.stop()
	b.buffers = buffers{}
	b.hosts, b.cache, b.search = hosts{}, cache{}, search{}
	b.failures.clear()
}

// now returns the time at which this round of callbacks began.
func (b *Base) now() time.Duration { return b.event.Now().Sub(b.epoch) }

// lock takes the lock, if there is one. It is recursive, and never held while the
// user's callbacks run.
func (b *Base) lock() { b.guard.Lock() }

func (b *Base) unlock() { b.guard.Unlock() }
