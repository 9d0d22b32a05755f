package pthreads

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/event"
)

// GroupConfig says how to make a group. The zero value is the default.
type GroupConfig struct {
	// Loops is the number of loops; zero is runtime.GOMAXPROCS.
	Loops int

	// Config is the configuration of every base. event.LockThread is added to
	// its flags.
	Config event.Config

	// CPUs confines the thread of loop i to the processor with the number
	// CPUs[i%len(CPUs)], as the system counts them. Processes that callbacks
	// start inherit that. None is no confinement. Linux and Windows (its first
	// 64 processors) can do it; elsewhere NewGroup fails with an error that
	// wraps errors.ErrUnsupported.
	CPUs []int

	// HandOff has one loop accept all connections of a listener and hand them
	// to all loops in turn, even if the system could spread them by itself.
	// The loops then get equal shares, where the system's spread is random.
	HandOff bool

	// Setup, if not nil, runs for each loop before any of them starts, on the
	// goroutine and the thread of loop i: for one loop after the other, from the
	// first to the last, so that what it appends to needs no lock. NewGroup
	// returns after the last. If Setup returns an error, NewGroup fails, and
	// Setup does not run for the loops after that. The place for what belongs to
	// the loop is b.Data, where callbacks find it again.
	Setup func(i int, b *event.Base) error

	// Teardown, if not nil, runs for each loop whose Setup succeeded, on its
	// goroutine, after the loop has ended and before its base is freed. It is
	// the place to close connections. Before, the functions run that Post has
	// accepted, and Post refuses more; only if LoopBreak ended the loop they are
	// dropped, and the log says how many.
	Teardown func(i int, b *event.Base)
}

// A Group is a number of loops, each with a base and a goroutine that is tied
// to a thread of its own, and with listeners whose connections are spread over
// them. The loops run until the group is stopped, also while they have no
// events.
//
// The group ends as a whole: when one loop ends, because its method failed or
// because a callback called LoopExit or LoopBreak on its base, the others are
// told to do the same. A panic in a callback ends the program, as anywhere.
//
// The methods may be called from any goroutine. A zero Group has no loops and is
// stopped.
type Group struct {
	config GroupConfig
	loops  []*loop
	turn   atomic.Uint32 // of nextLoop

	start   chan struct{} // closed when all loops are set up
	aborted bool          // one could not be; set before start is closed
	ended   chan struct{} // closed when all loops have ended

	mu       sync.Mutex
	stopping bool
	running  int   // loops that have not ended
	cause    error // why the group stops, unless it was asked to
}

// NewGroup makes the bases of a group, runs Setup for each, and starts the
// loops. A nil cfg is the default. If it fails, nothing is left behind.
func NewGroup(cfg *GroupConfig) (*Group, error) {
	g := &Group{start: make(chan struct{}), ended: make(chan struct{})}
	if cfg != nil {
		g.config = *cfg
	}
	if err := g.makeLoops(); err != nil {
		return nil, opError("new group", err)
	}
	g.running = len(g.loops)
	err := g.setUp()
	g.aborted = err != nil
	close(g.start)
	if err != nil {
		<-g.ended
		return nil, opError("new group", err)
	}
	return g, nil
}

func (g *Group) makeLoops() error {
	n := g.config.Loops
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if n < 0 {
		return fmt.Errorf("%d loops", n)
	}
	g.config.Config.Flags |= event.LockThread
	for i := range n {
		base, err := event.NewBaseWithConfig(&g.config.Config)
		if err != nil {
			for _, l := range g.loops {
				l.base.Free()
			}
			return fmt.Errorf("loop %d: %w", i, err)
		}
		g.loops = append(g.loops, newLoop(g, i, base))
	}
	return nil
}

// setUp starts the goroutines of the loops, each when the one before has been set
// up. Those that come after one that fails are not started.
func (g *Group) setUp() error {
	for i, l := range g.loops {
		go l.run()
		<-l.ready
		if err := g.failure(); err != nil {
			for _, unused := range g.loops[i+1:] {
				unused.base.Free()
				g.loopEnded(unused)
			}
			return err
		}
	}
	return nil
}

// Len returns the number of loops.
func (g *Group) Len() int { return len(g.loops) }

// Base returns the base of loop i, which is from 0 to Len()-1. Use its Post to
// have something run there. The group frees it.
func (g *Group) Base(i int) *event.Base { return g.loops[i].base }

// Next returns the base whose turn it is: each call another one, in a circle.
// Connections that are handed off take turns in the same circle. It is nil if the
// group has no loops.
func (g *Group) Next() *event.Base {
	if len(g.loops) == 0 {
		return nil
	}
	return g.nextLoop().base
}

func (g *Group) nextLoop() *loop {
	turn := g.turn.Add(1) - 1
	return g.loops[turn%uint32(len(g.loops))]
}

// Stop ends the loops, each after its current iteration as LoopExit does, closes
// the listeners and frees the bases. When all that is done it returns what Wait
// returns.
//
// If ctx is done first, loops that still run are told to end right after their
// current callback, as LoopBreak does, and their listeners are closed; Stop
// does not wait for them any more, and its error names them and wraps
// context.Cause(ctx). What else a loop owns is freed when its callback has
// returned, whenever that is.
//
// Stop may be called several times. From a callback of the group it would wait
// for itself; use LoopExit there.
func (g *Group) Stop(ctx context.Context) error {
	if len(g.loops) == 0 {
		return nil
	}
	g.exit(nil)
	select {
	case <-g.ended:
		return g.Wait()
	case <-ctx.Done():
	}
	stuck := g.breakLoops()
	if len(stuck) == 0 {
		return g.Wait()
	}
	return fmt.Errorf("pthreads: stop group: loops %v have not ended: %w", stuck, context.Cause(ctx))
}

// Wait waits until all loops have ended and everything that the group had is
// freed. The error is that of the loop that failed, if that is why the group
// stopped.
func (g *Group) Wait() error {
	if len(g.loops) == 0 {
		return nil
	}
	<-g.ended
	if err := g.failure(); err != nil {
		return fmt.Errorf("pthreads: %w", err) // it names the loop
	}
	return nil
}

// exit makes all loops end. The first call counts; its cause becomes the
// group's failure.
func (g *Group) exit(cause error) {
	if !g.beginStop(cause) {
		return
	}
	for _, l := range g.loops {
		_ = l.base.LoopExit(0) // fails if the loop has ended and its base is freed
	}
}

func (g *Group) beginStop(cause error) (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopping {
		return false
	}
	g.stopping, g.cause = true, cause
	return true
}

// breakLoops does what can be done from outside about the loops that have not
// ended, and returns their numbers.
func (g *Group) breakLoops() (stuck []int) {
	for _, l := range g.loops {
		if g.hasEnded(l) {
			continue
		}
		l.base.LoopBreak()
		l.closeListeners()
		stuck = append(stuck, l.index)
	}
	return stuck
}

func (g *Group) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}

func (g *Group) hasEnded(l *loop) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return l.ended
}

func (g *Group) loopEnded(l *loop) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l.ended = true
	g.running--
	if g.running == 0 {
		close(g.ended)
	}
}
