package simnet

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A Network is the simulated world of one process: hosts, what they have open, what
// is on its way between them, and the order in which it all happens. It may be used
// from any goroutine of the synctest bubble in which it was made.
type Network struct {
	mu     sync.Mutex
	rand   *rand.Rand
	faults Faults
	latest time.Duration // the most that LateTimers ever was

	hosts   []*Host
	addrs   map[netip.Addr]*Host
	current *Host             // whose loop has its turn
	inside  map[uintptr]*Host // by goroutines that are in a call of In
	table   table
	links   map[linkKey]*link

	queue    queue
	runnable []*loopPoller // loops that can go on, by their order

	start    int64 // when the network was made
	schedule schedule
	trace    Trace
	restore  []func()
}

// New makes a network in which everything follows from the seed, and puts it in
// the place of the kernel for the whole process, until Close. It must be called in
// a synctest bubble.
func New(seed uint64) *Network {
	n := &Network{
		rand:   rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)),
		addrs:  make(map[netip.Addr]*Host),
		links:  make(map[linkKey]*link),
		inside: make(map[uintptr]*Host),
	}
	n.trace.init()
	n.restore = []func(){
		poller.NewEpoch(),
		poller.SetMethods([]poller.Method{{
			Name:     "simulated",
			Features: poller.FeatureET | poller.FeatureO1 | poller.FeatureFDs | poller.FeatureEarlyClose,
			Env:      "SIMULATED",
			Open:     n.openPoller,
		}}),
		sysio.SetSystem(system{n}),
	}
	n.start = n.now()
	n.schedule.init()
	go n.run()
	return n
}

// Close gives the kernel its place back. No loop may run any more.
func (n *Network) Close() {
	n.mu.Lock()
	n.schedule.stopped = true
	n.schedule.wake()
	n.mu.Unlock()
	<-n.schedule.ended
	for i := len(n.restore) - 1; i >= 0; i-- {
		n.restore[i]()
	}
}

// Rand is the source of all that is left to chance. It belongs to the loop, or the
// function of a script, that runs.
func (n *Network) Rand() *rand.Rand { return n.rand }

// SetFaults says from now on how often things go wrong.
func (n *Network) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
	n.latest = max(n.latest, f.LateTimers)
}

// now is the network's time, which is that of the bubble and of all bases.
func (n *Network) now() int64 { return poller.Monotonic() }

// after has fire called, with the lock held, when d has passed.
func (n *Network) after(d time.Duration, fire func()) {
	t := newTimer(fire)
	n.plan(&t, n.now()+int64(max(d, 0)))
}

// plan sets a timer. What is earlier than all others ends the scheduler's sleep.
func (n *Network) plan(t *timer, at int64) {
	n.queue.set(t, at)
	if t.index == 0 {
		n.schedule.wake()
	}
}

// At has fn called when d has passed, as a part of a script: no loop runs meanwhile,
// and fn must not wait for one.
func (n *Network) At(d time.Duration, fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.after(d, func() {
		n.mu.Unlock()
		defer n.mu.Lock()
		fn()
	})
}

// chance reports, with the probability p, that something is to happen. It asks for no
// random number when that is certain, so that a fault which is switched off changes
// nothing else.
func (n *Network) chance(p float64) bool {
	return p > 0 && n.rand.Float64() < p
}

// upTo returns a random time of at most d.
func (n *Network) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(n.rand.Int64N(int64(d) + 1))
}
