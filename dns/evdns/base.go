package evdns

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// BaseFlags say how a base is made.
type BaseFlags uint8

const (
	// InitializeNameservers reads the nameservers, search domains and options
	// of the system, as ParseResolvConf does
	// (EVDNS_BASE_INITIALIZE_NAMESERVERS).
	InitializeNameservers BaseFlags = 1 << iota
	// DisableWhenInactive lets the loop end while no lookup is under way.
	// Without it, a base that has nameservers keeps the loop going
	// (EVDNS_BASE_DISABLE_WHEN_INACTIVE).
	DisableWhenInactive
	// NameserversNoDefault is for InitializeNameservers: if the system names
	// none, 127.0.0.1 does not take their place
	// (EVDNS_BASE_NAMESERVERS_NO_DEFAULT).
	NameserversNoDefault
	// NoCache remembers nothing, so that each lookup asks nameservers, unless
	// the same is being asked at that time (EVDNS_BASE_NO_CACHE).
	NoCache

	allBaseFlags = InitializeNameservers | DisableWhenInactive | NameserversNoDefault | NoCache
)

// A Base looks names up: it has nameservers, options, search domains, hosts
// and a cache, and the requests that are under way.
//
// It belongs to the goroutine that runs the loop of its event base, like that.
// If hooks of evthread were installed before it was made, its methods are for
// any goroutine; callbacks come from the loop in any case (struct evdns_base).
type Base struct {
	event *event.Base
	guard evthread.Guard // of everything below
	flags BaseFlags
	epoch time.Time // what times are counted from
	freed bool

	config   Config // complete
	search   search
	hosts    hosts
	cache    cache
	sortlist sortlist
	lookups  lookups     // calls of GetAddrInfo that wait
	skipped  ConfigStats // of configuration files
	sources  sources

	servers   []*nameserver
	adHoc     []*nameserver
	next      int // the server whose turn it is
	good      int // how many servers are up
	suspended bool

	waiting   queue     // requests without a server, the first limit first: first come, first served
	inflight  queue     // requests that were sent, by deadline
	joined    int       // how many wait for the answer to another one
	questions questions // of those in waiting and inflight
	failures  failures
	users     int           // how many of all are not the resolver's own
	timer     event.Event   // for the first deadline
	timerAt   time.Duration // when it is due, or 0

	done      []outcome      // callbacks to be made
	deferral  event.Deferred // makes them
	ending    bool           // finish will be called
	unsettled []*channel     // to be settled then
	holding   bool           // the loop is kept from ending
	active    bool           // there were requests when that was last looked at
	random    *rand.ChaCha8
	udp       udpBuffers
	stream    []byte // a message from a stream
	reader    dnswire.Reader
	opt       []byte // the OPT record of queries, for a size of optSize
	optSize   int
}

// NewBase makes a resolver whose work is done by the loop of base. Unless flags
// have InitializeNameservers it has no nameservers yet, and requests that the loop
// finds without one fail (evdns_base_new).
func NewBase(base *event.Base, flags BaseFlags) (*Base, error) {
	const op = "evdns: new resolver"
	if base == nil {
		return nil, fmt.Errorf("%s: event base: %w", op, event.ErrNil)
	}
	if flags&^allBaseFlags != 0 {
		return nil, fmt.Errorf("%s: %#x: %w", op, uint8(flags&^allBaseFlags), ErrFlags)
	}
	b := &Base{event: base, flags: flags, epoch: base.Now()}
	if err := b.config.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	b.cache.setLimit(b.config.CacheSize)
	if evthread.Enabled() {
		var err error
		if b.guard, err = evthread.NewLockGuard("evdns"); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	} else {
		b.guard = base.Guard("evdns")
	}
	var seed [32]byte
	evutil.SecureRandomBytes(seed[:])
	b.random = rand.NewChaCha8(seed)
	b.questions.keys = [2]uint64{b.random.Uint64(), b.random.Uint64() | 1}
	b.deferral.Init(base, base.Priorities()/2, b.runDone)
	if err := b.timer.AssignTimer(base, b.onTimer); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if flags&InitializeNameservers != 0 {
		if err := b.initializeNameservers(); err != nil {
			b.Free(false)
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	return b, nil
}

// Free ends the resolver. With failRequests, the callbacks of all requests are
// called with ErrShutdown, by the loop, later; otherwise requests end without a
// word. Requests that have ended before get their callbacks in any case. From
// then on every method is an error, or does nothing (evdns_base_free).
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
	b.timer.DelNoBlock()
	b.udp, b.stream = udpBuffers{}, nil
	b.hosts, b.cache, b.search = hosts{}, cache{}, search{}
	b.failures.clear()
}

// now returns the time, as of the start of this round of callbacks.
func (b *Base) now() time.Duration { return b.event.Now().Sub(b.epoch) }

// lock takes the lock, if there is one. It is recursive, and never held while
// callbacks of the user's run.
func (b *Base) lock() { b.guard.Lock() }

func (b *Base) unlock() { b.guard.Unlock() }
