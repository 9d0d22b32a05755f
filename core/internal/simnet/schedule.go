package simnet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
)

// schedule is the state of the goroutine that decides what happens next. It decides
// only when all other goroutines of the bubble wait for something: then a loop has
// its turn until it waits again, and all that it has started has come to rest. So
// loops never run at the same time, whatever goroutines they are on, and code that
// has goroutines of its own needs to know nothing of it.
type schedule struct {
	sleeping bool
	kick     chan struct{} // ends the sleep
	timer    *time.Timer
	stopped  bool
	ended    chan struct{}
	until    *await
	steps    int   // since time went on
	at       int64 // when that was
	failed   error
	inspect  func() error // or nil
}

// maxSteps is how many turns loops get at one moment of time before it is certain
// that they will never wait.
const maxSteps = 1 << 18

func (s *schedule) init() {
	s.kick = make(chan struct{}, 1)
	s.ended = make(chan struct{})
	s.timer = time.NewTimer(time.Hour)
}

// wake ends the sleep of the scheduler, because something has become possible that it
// does not know of.
func (s *schedule) wake() {
	if !s.sleeping {
		return
	}
	s.sleeping = false
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run is the scheduler.
func (n *Network) run() {
	defer close(n.schedule.ended)
	for {
		synctest.Wait()
		if !n.step() {
			return
		}
	}
}

// step does the next thing that happens, or sleeps until there is one. It reports
// false when the network was closed.
func (n *Network) step() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.schedule.stopped {
		n.schedule.timer.Stop()
		return false
	}
	n.look()
	if n.awaited() {
		return true
	}
	now := n.now()
	due := n.due(now)
	switch {
	case due && (len(n.runnable) == 0 || n.rand.IntN(2) == 0):
		for n.due(now) { // what happens at one moment
			t := n.queue.first()
			n.queue.stop(t)
			t.fire()
			if len(n.runnable) > 0 && n.rand.IntN(2) == 0 {
				break
			}
		}
	case len(n.runnable) > 0:
		n.turn(now)
	default:
		n.current = nil
		n.sleep(now)
	}
	return true
}

func (n *Network) due(now int64) bool {
	first := n.queue.first()
	return first != nil && first.at <= now
}

// line puts a loop among those that can go on. They are in an order of their own, and
// not in that in which they have come: goroutines that have just been started come as
// the runtime likes.
func (n *Network) line(p *loopPoller) {
	i, _ := slices.BinarySearchFunc(n.runnable, p, func(a, b *loopPoller) int {
		return cmp.Or(a.host.index-b.host.index, a.number-b.number)
	})
	n.runnable = slices.Insert(n.runnable, i, p)
}

// turn lets one of the loops go on that can, whichever.
func (n *Network) turn(now int64) {
	s := &n.schedule
	if s.at != now {
		s.at, s.steps = now, 0
	}
	if s.steps++; s.steps == maxSteps {
		s.failed = fmt.Errorf("loops have run %d times without time going on; the last one is that of %s", maxSteps, n.runnable[0].host.name)
	}
	i := n.rand.IntN(len(n.runnable))
	p := n.runnable[i]
	n.runnable = slices.Delete(n.runnable, i, i+1)
	if n.chance(n.faults.Hold) {
		p.listed = false
		n.fault(p.host, "no processor for a while")
		p.host.hold(n.upTo(n.faults.HoldTime))
		return
	}
	n.current = p.host
	p.resumed()
}

// sleep lets time go on until the next thing happens.
func (n *Network) sleep(now int64) {
	s := &n.schedule
	d := time.Duration(1 << 62)
	if first := n.queue.first(); first != nil {
		d = time.Duration(first.at - now)
	}
	s.timer.Reset(d)
	s.sleeping = true
	n.mu.Unlock()
	select { // in any order: either ends the sleep
	case <-s.timer.C:
	case <-s.kick:
	}
	n.mu.Lock()
	s.sleeping = false
	select {
	case <-s.kick:
	default:
	}
}

// An await is what the test's goroutine waits for.
type await struct {
	done   func() bool
	limit  timer
	late   bool
	result chan struct{}
}

// Await waits, while loops run and time goes on, until done returns true, and returns
// an error that says who waits for what if that is not so within the limit. done is
// called while nothing else runs.
func (n *Network) Await(limit time.Duration, done func() bool) error {
	late, err := n.await(limit, done)
	if late {
		n.mu.Lock()
		defer n.mu.Unlock()
		return fmt.Errorf("not within %v; %s", limit, n.waiting())
	}
	return err
}

// Pass returns when d has passed, or with an error before.
func (n *Network) Pass(d time.Duration) error {
	_, err := n.await(d, func() bool { return false })
	return err
}

func (n *Network) await(limit time.Duration, done func() bool) (late bool, err error) {
	a := &await{done: done, result: make(chan struct{})}
	a.limit = newTimer(func() { a.late = true })
	n.mu.Lock()
	n.schedule.until = a
	n.plan(&a.limit, n.now()+int64(limit))
	n.schedule.wake()
	n.mu.Unlock()
	<-a.result
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queue.stop(&a.limit)
	if n.schedule.failed != nil {
		return false, n.schedule.failed
	}
	return a.late, nil
}

// Inspect has look called before each step, while nothing else runs. Its error ends
// Await.
func (n *Network) Inspect(look func() error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.schedule.inspect = look
}

// Fail ends Await with an error.
func (n *Network) Fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.schedule.failed = err
	n.schedule.wake()
}

func (n *Network) look() {
	inspect := n.schedule.inspect
	if inspect == nil {
		return
	}
	n.mu.Unlock()
	err := inspect()
	n.mu.Lock()
	if err != nil {
		n.schedule.failed = err
	}
}

// awaited ends Await if it is time for that.
func (n *Network) awaited() bool {
	a := n.schedule.until
	if a == nil {
		return false
	}
	n.mu.Unlock()
	done := a.done()
	n.mu.Lock()
	if !done && !a.late && n.schedule.failed == nil {
		return false
	}
	a.late = a.late && !done
	n.schedule.until, n.current = nil, nil
	close(a.result)
	return true
}

// waiting describes what the loops wait for.
func (n *Network) waiting() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d things are planned", len(n.queue.heap))
	for _, h := range n.hosts {
		for _, p := range h.pollers {
			fmt.Fprintf(&s, "; a loop of %s waits for %s", h.name, p.describe())
		}
	}
	return s.String()
}

// In makes h the host whose calls those of fn are, and what fn calls.
func (h *Host) In(fn func()) {
	n, g := h.network, evthread.Goroutine()
	n.mu.Lock()
	before := n.inside[g]
	n.inside[g] = h
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.inside[g] = before; before == nil {
			delete(n.inside, g)
		}
	}()
	fn()
}

// here returns the host whose program calls: that of In, or else the one whose loop has
// its turn, as goroutines that a loop has started are parts of its program.
func (n *Network) here() *Host {
	if h := n.inside[evthread.Goroutine()]; h != nil {
		return h
	}
	return n.current
}
