package pthreads

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A loop is one loop of a group: a base, the goroutine that runs it, and what
// ends with it.
type loop struct {
	group *Group
	index int
	base  *event.Base

	thread  uint64        // the goroutine's, which it is locked to
	isSetUp bool          // the goroutine's own
	ready   chan struct{} // closed when it is set up, or never will be
	isReady func()        // closes ready, once
	ended   bool          // guarded by group.mu

	mu        sync.Mutex
	closed    bool // takes no more listeners and connections
	acceptors []*acceptor
	arrivals  []arrival // handed to this loop and not welcomed yet
}

// An arrival is a connection on its way to the program.
type arrival struct {
	accept AcceptFunc
	fd     int
	peer   netip.AddrPort
}

func newLoop(g *Group, index int, base *event.Base) *loop {
	ready := make(chan struct{})
	return &loop{
		group: g, index: index, base: base,
		ready: ready, isReady: sync.OnceFunc(func() { close(ready) }),
	}
}

// run is the loop's goroutine. The goroutine stays locked to its thread, so
// that the runtime ends the thread with it: other goroutines must not inherit
// the thread's affinity, or what else Setup and callbacks did to it.
func (l *loop) run() {
	runtime.LockOSThread()
	l.thread = threadID()
	err := errExited
	defer func() {
		if p := recover(); p != nil {
			panic(p) // now, or the program could take this for an orderly end and exit
		}
		l.end(err)
	}()
	err = l.main()
}

func (l *loop) main() error {
	if err := l.setUp(); err != nil {
		return err
	}
	l.isSetUp = true
	l.isReady()
	<-l.group.start
	if l.group.aborted {
		return nil
	}
	// Where Stop has come first, the loop still runs once, for what was posted.
	_, err := l.base.Loop(event.LoopNoExitOnEmpty)
	if l.base.GotBreak() {
		return err
	}
	return errors.Join(err, l.base.DrainPosts())
}

func (l *loop) setUp() error {
	if cpus := l.group.config.CPUs; len(cpus) > 0 {
		cpu := cpus[l.index%len(cpus)]
		if err := setAffinity(cpu); err != nil {
			return fmt.Errorf("confine thread to CPU %d: %w", cpu, err)
		}
	}
	if setup := l.group.config.Setup; setup != nil {
		return setup(l.index, l.base)
	}
	return nil
}

// end takes the other loops along and frees what this one has. err is why the
// loop ended.
func (l *loop) end(err error) {
	if err != nil {
		err = fmt.Errorf("loop %d: %w", l.index, err)
	}
	l.group.exit(err)
	l.isReady()
	l.close()
	if teardown := l.group.config.Teardown; teardown != nil && l.isSetUp {
		teardown(l.index, l.base)
	}
	l.base.Free()
	l.group.loopEnded(l)
}

// listen gives the loop an acceptor. It returns false if it is too late.
func (l *loop) listen(a *acceptor) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.base.Post(a.watch) != nil {
		return false
	}
	l.acceptors = append(l.acceptors, a)
	return true
}

// drop ends an acceptor that listen took.
func (l *loop) drop(a *acceptor) {
	// If the loop runs nothing any more, close ends the acceptor.
	_ = l.base.Post(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if i := slices.Index(l.acceptors, a); i >= 0 {
			l.acceptors = slices.Delete(l.acceptors, i, i+1)
			a.ln.Free()
		}
	})
}

// give hands a connection to the loop. It returns false if it is too late.
func (l *loop) give(a arrival) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.base.Post(l.welcome) != nil {
		return false
	}
	l.arrivals = append(l.arrivals, a)
	return true
}

// welcome is posted for each connection that was handed to the loop.
func (l *loop) welcome() {
	if a, found := l.nextArrival(); found {
		a.accept(l.base, a.fd, a.peer)
	}
}

// nextArrival finds none once the loop is closed.
func (l *loop) nextArrival() (a arrival, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.arrivals) == 0 {
		return arrival{}, false
	}
	a, l.arrivals = l.arrivals[0], l.arrivals[1:]
	return a, true
}

// closeListeners is for any goroutine, once the loop was told to end.
func (l *loop) closeListeners() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.acceptors {
		_ = a.ln.CloseNow() // fails if the loop has not begun; it ends soon then
	}
}

// close ends the listeners and the connections that were not handed to a callback. It is
// called by the loop's goroutine when the loop has ended.
func (l *loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, a := range l.acceptors {
		a.tell(ErrStopped)
	}
	freeAll(l.acceptors)
	for _, a := range l.arrivals {
		evutil.CloseSocket(a.fd)
	}
	l.acceptors, l.arrivals = nil, nil
}
