package simulation_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// A loopProgram is a base with the model of what has to happen on it.
type loopProgram struct {
	scenario *loopScenario
	world    *evtest.World
	name     string
	rand     *rand.Rand
	base     *event.Base
	budget   int    // operations that are left
	habits   uint64 // a bit for each operation that it does often

	config     event.Config
	uncached   bool // the clock does not stand still
	slow       bool // callbacks take time
	priorities int
	stats      bool
	flags      event.LoopFlag // of the present loop

	events    []*loopEvent
	commons   []*event.CommonTimeout
	pipes     []*loopPipe
	deferreds []*loopDeferred
	enders    []*loopEnder
	watchers  []*loopWatcher
	signals   []*loopSignal
	finals    int // finalizers that are due
	once      int // events of Once that have not come
	onces     []time.Duration
	virtual   int
	posted    []uint64 // functions that were posted and have not run
	posts     uint64   // all that were posted
	exits     []time.Duration

	running, finishing bool
	empty, ended       bool
	abrupt             bool // the last loop was broken, and nothing follows
	draining, drained  bool
	broken, continued  bool // LoopBreak, LoopContinue were called
	panicked           bool // a callback has, in this loop
	expiring           bool // a wait has ended, and the timeouts are yet to pass
	exitNow, exitDue   bool // LoopExit was called, its time has come
	exitMaybe          bool // it may be that of a loop that was broken
	uncounted          bool // functions of Call that have given up may be called to no effect, or a callback has panicked
	depth              int  // of callbacks
	posting            bool // a posted function runs, or the end of an iteration
	ending             bool // the latter
	order              uint64
	activations        int // since the loop has waited
	iterations, calls  uint64
	checked            uint64 // iterations that have come to the check watchers
	spins              int    // waits of no time without a reason

	made      time.Time     // when the time of the base was zero
	waited    time.Duration // when the last wait ended, or the clock was read
	slept     time.Duration // callbacks have, in all
	busyUntil time.Duration // when the last of them did
	pass      loopPass      // over the events that are active
	postPass  loopPass      // over what was posted
}

func (p *loopProgram) errorf(format string, args ...any) {
	p.scenario.errorf(p.name+": "+format, args...)
}

// onPrepare is called before each wait: with nothing to do, the loop waits for the
// earliest deadline, neither shorter nor longer.
func (p *loopProgram) onPrepare(_ *event.Watcher, info event.PrepareInfo) {
	p.iterations++
	p.continued, p.activations = false, 0
	p.expire()
	for _, w := range p.watchers {
		w.compare(p.iterations - 1)
	}
	for _, e := range p.allEvents() {
		e.noteReady()
	}
	timeout, bounded := info.Timeout()
	next, waits := p.nextDeadline()
	now := p.real()
	switch {
	case bounded && timeout == 0:
		p.lookForReason(next, waits, now)
	case !bounded && waits:
		p.errorf("loop waits for ever, a timeout passes at %v", next)
	case bounded && !waits:
		p.errorf("loop waits for %v without a timeout", timeout)
	case bounded && timeout != next-now:
		p.errorf("loop waits for %v, the next timeout passes in %v", timeout, next-now)
	}
	if !bounded || timeout > 0 {
		p.spins = 0
		p.compareIdle()
	}
}

// lookForReason counts waits of no time for which there is no reason.
func (p *loopProgram) lookForReason(next time.Duration, waits bool, now time.Duration) {
	switch {
	case p.flags&event.LoopNonblock != 0, p.due() != "", p.exitMaybe, waits && next <= now:
		p.spins = 0
	default:
		if p.spins++; p.spins > 3 {
			p.errorf("loop has not waited %d times, with nothing to do", p.spins)
		}
	}
}

// due says what the loop has to do, if there is anything.
func (p *loopProgram) due() string {
	switch {
	case len(p.posted) > 0:
		return "posted functions"
	case p.exitNow || p.exitDue:
		return "an exit"
	case p.broken:
		return "a break"
	case p.finals > 0:
		return "finalizers"
	case p.once > len(p.onces):
		return "functions of Once"
	case slices.ContainsFunc(p.allEvents(), func(e *loopEvent) bool { return e.active() }):
		return "events"
	case slices.ContainsFunc(p.signals, func(s *loopSignal) bool { return s.due > 0 }):
		return "signals"
	case slices.ContainsFunc(p.deferreds, func(d *loopDeferred) bool { return d.scheduled }):
		return "deferred functions"
	case slices.ContainsFunc(p.enders, func(e *loopEnder) bool { return e.asked }):
		return "the end of the iteration"
	}
	return ""
}

// compareIdle compares the base, which has nothing to do, with the model.
func (p *loopProgram) compareIdle() {
	if due := p.due(); due != "" {
		p.errorf("loop waits with something to do: %s", due)
	}
	if n := p.numActive(); n != 0 {
		p.errorf("%d events are active, none is expected", n)
	}
	p.compareKept()
	if p.rand.IntN(8) != 0 {
		return
	}
	n := 0
	for range p.base.Events() {
		n++
	}
	if n != p.pending() {
		p.errorf("Events visits %d, %d are expected", n, p.pending())
	}
}

func (p *loopProgram) numActive() int { return p.base.NumEvents(event.CountActive) }

// compareKept compares the numbers of what keeps the loop going.
func (p *loopProgram) compareKept() {
	if n := p.base.NumEvents(event.CountAdded); n != p.pending() {
		p.errorf("%d events are pending, %d are expected", n, p.pending())
	}
	if n := p.base.NumEvents(event.CountVirtual); n != p.virtual {
		p.errorf("there are %d virtual events, %d are expected", n, p.virtual)
	}
}

// pending returns how many events wait for something.
func (p *loopProgram) pending() int {
	n := len(p.exits) + len(p.onces)
	for _, e := range p.events {
		if e.armed || e.watching {
			n++
		}
	}
	for _, l := range p.pipes {
		for _, e := range l.events() {
			if e.armed || e.watching {
				n++
			}
		}
	}
	for _, s := range p.signals {
		if s.added {
			n++
		}
	}
	return n
}

// nextDeadline returns when the next timeout passes.
func (p *loopProgram) nextDeadline() (next time.Duration, ok bool) {
	all := append(slices.Clone(p.exits), p.onces...)
	for _, e := range p.allEvents() {
		if e.armed {
			all = append(all, e.deadline)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	return slices.Min(all), true
}

// allEvents returns the events and those of pipes.
func (p *loopProgram) allEvents() []*loopEvent {
	all := slices.Clone(p.events)
	for _, l := range p.pipes {
		all = append(all, l.events()...)
	}
	return all
}

// onCheck is called after each wait: what has passed by now is due, once all the watchers
// have been called.
func (p *loopProgram) onCheck(*event.Watcher, event.CheckInfo) {
	p.checked++
	p.expiring = true
	now := p.base.Elapsed()
	p.waited, p.pass, p.postPass = p.real(), loopPass{}, loopPass{}
	if now != p.waited {
		p.errorf("the time is %v at the end of a wait, at %v", now, p.waited)
	}
	if next, ok := p.nextDeadline(); ok && p.overdue(now, next) > p.scenario.lateness() {
		p.errorf("a timeout is %v late", p.overdue(now, next))
	}
	for _, e := range p.allEvents() {
		if e.ready && p.overdue(now, e.readyAt) > p.scenario.lateness() {
			p.errorf("a descriptor has been ready for %v, and its event is not active (%v, peeks %v, writes %v)", now-e.readyAt, e.ev, e.peeks, e.writes)
		}
	}
}

// expire has the timeouts pass that a wait has ended for.
func (p *loopProgram) expire() {
	if !p.expiring {
		return
	}
	p.expiring = false
	p.order++
	passed := func(deadline time.Duration) bool { return deadline <= p.waited }
	for _, e := range p.allEvents() {
		if e.armed && passed(e.deadline) {
			e.armed = false
			e.activated()
			e.due = true
		}
	}
	exits := len(p.exits)
	p.exits = slices.DeleteFunc(p.exits, passed)
	if n := exits - len(p.exits); n > 0 {
		p.exitDue = true
		p.calls += uint64(n) // of the timers that end the loop
	}
	p.onces = slices.DeleteFunc(p.onces, passed)
}

// A loopEvent is an event with what is known of it.
type loopEvent struct {
	program  *loopProgram
	ev       *event.Event
	persist  bool
	pipe     *loopPipe // what it waits for besides, or nil
	priority int

	watching bool // the pipe
	writes   bool // it waits until the other end is writable
	peeks    bool // does not read, but looks whether there is something
	ready    bool // the loop has something to report
	readyAt  time.Duration
	armed    bool // with a timeout
	deadline time.Duration
	interval time.Duration
	queue    *event.CommonTimeout // where the timeout waits, or nil

	due    bool       // the timeout has passed
	wanted event.What // what it was activated with by hand
	order  uint64     // in which it became active
	posted bool       // it was activated by a posted function
}

func (e *loopEvent) active() bool { return e.due || e.wanted != 0 }

// noteReady notes, before a wait, whether that has to report the event at once.
func (e *loopEvent) noteReady() {
	// A pipe with nothing in it has room for more.
	ready := e.pipe != nil && e.watching && !e.pipe.edge && e.pipe.ready() != e.writes
	if ready && !e.ready {
		e.readyAt = e.program.base.Elapsed()
	}
	e.ready = ready
}

// activated notes that e becomes active, unless it is.
func (e *loopEvent) activated() {
	if !e.active() {
		e.order = e.program.order
	}
}

// enter is the beginning of each callback.
func (p *loopProgram) enter() {
	p.calls++
	switch {
	case p.depth > 0:
		p.errorf("a callback is called within another")
	case !p.running && !p.empty && !p.draining:
		p.errorf("a callback is called without a loop")
	case p.broken && !p.draining:
		p.errorf("a callback is called after LoopBreak")
	}
	p.compareClock()
	p.expire()
	p.depth++
}

// enterEvent is enter for the callbacks of events, of which those that are more urgent
// come first, and of the same priority those that have become active first.
func (p *loopProgram) enterEvent(e *loopEvent, priority int) {
	p.enter()
	p.pass.next(p, priority)
	if p.continued && !p.exitNow && !p.exitDue && !p.exitMaybe {
		p.errorf("a callback is called after LoopContinue")
	}
	for _, other := range p.allEvents() {
		if other == e || !other.active() {
			continue
		}
		if other.priority < priority {
			p.errorf("a callback of priority %d is called, one of priority %d is due", priority, other.priority)
		}
		if e != nil && e.active() && other.priority == priority && other.before(e) {
			p.errorf("a callback is called before one that was due earlier")
		}
	}
}

// before reports whether e has to come before another event of the same priority.
func (e *loopEvent) before(other *loopEvent) bool {
	switch {
	case e.pipe != nil || other.pipe != nil:
		return false // they may be active for another reason
	case e.order != other.order:
		return e.order < other.order
	case !e.due || !other.due || e.queue != other.queue:
		return false
	}
	return e.deadline < other.deadline
}

func (p *loopProgram) leave() { p.depth-- }

// fired is the callback.
func (e *loopEvent) fired(ev *event.Event, what event.What) {
	p := e.program
	p.enterEvent(e, e.priority)
	defer p.leave()
	if ev != e.ev || p.base.RunningEvent() != ev {
		p.errorf("the callback of another event is called")
	}
	e.compare(what)
	e.ready = false
	expired := e.due || what&event.Timeout != 0
	e.due, e.wanted = false, 0
	e.restart(expired)
	if e.pipe != nil && what&event.Read != 0 && !e.peeks {
		e.pipe.readable()
	}
	p.operate(2)
}

// compare compares what the callback is told with what has happened.
func (e *loopEvent) compare(what event.What) {
	p := e.program
	expected := e.wanted
	if e.due {
		expected |= event.Timeout
	}
	if e.pipe != nil {
		// Who peeks may get its turn later than who reads.
		if what&event.Read != 0 && expected&event.Read == 0 && !e.pipe.ready() && !e.peeks && e.pipe.emptied != p.iterations {
			p.errorf("a pipe is readable with nothing in it")
		}
		if e.writes {
			expected |= what & event.Write
		} else {
			expected |= what & event.Read
		}
		if e.pipe.edge && what&(event.Read|event.Write) != 0 {
			expected |= event.ET
			if e.wanted != 0 { // what activates it by hand does not say ET
				what |= event.ET
			}
		}
	}
	if what != expected || what == 0 {
		p.errorf("an event is told %v, %v is expected (due %v, persistent %v)", what, expected, e.due, e.persist)
	}
}

// restart does for the model what the loop has done: a persistent event with a timeout
// waits for it again, counted from the last one if that has passed.
func (e *loopEvent) restart(expired bool) {
	if !e.persist {
		e.armed, e.watching = false, false
		return
	}
	if e.interval <= 0 {
		return
	}
	now := e.program.base.Elapsed()
	last := e.deadline
	e.armed, e.deadline = true, now+e.interval
	if expired {
		if next := last + e.interval; next >= now {
			e.deadline = next
		}
	}
	if d, ok := e.ev.Remaining(); !ok || d != e.deadline-now {
		e.program.errorf("%v remain of a timeout, %v are expected", d, e.deadline-now)
	}
}

// post posts a function, which has to be called in its turn.
func (p *loopProgram) post(fn func()) {
	id := p.posts
	p.posts++
	err := p.base.Post(func() {
		p.postCalled(id)
		p.posting = true
		defer func() {
			p.posting = false
			p.leave()
		}()
		fn()
	})
	if err == nil {
		p.posted = append(p.posted, id)
	}
	if (err != nil) != p.draining {
		p.errorf("post: %v", err)
	}
}

func (p *loopProgram) postCalled(id uint64) {
	if p.drained {
		p.errorf("a function is called after DrainPosts")
	}
	p.enter()
	if len(p.posted) == 0 || p.posted[0] != id {
		p.errorf("posted function %d is called, %v wait", id, p.posted)
		return
	}
	p.posted = p.posted[1:]
	p.postPass.next(p, 0)
}

// call waits in another goroutine for a function on the loop.
func (s *loopScenario) call(p *loopProgram, limit time.Duration) {
	defer s.world.Lines() // as in sleep
	defer func() { s.calling-- }()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	called, returned := false, false
	began := time.Now()
	err := p.base.Call(ctx, func() {
		called = true
		p.enter()
		if returned {
			p.errorf("a function is called after Call has returned")
		}
		p.leave()
	})
	s.world.Lines()
	returned = true
	p.uncounted = p.uncounted || !called
	switch {
	case (err == nil) != called:
		p.errorf("Call returns %v, the function was called: %v", err, called)
	case err == nil, errors.Is(err, event.ErrLoopEnded), errors.Is(err, event.ErrFreed):
	case !errors.Is(err, context.DeadlineExceeded):
		p.errorf("Call: %v", err)
	case time.Since(began) < limit:
		p.errorf("Call has given up after %v, not after %v", time.Since(began), limit)
	}
}

// A loopWatcher is called once in each iteration.
type loopWatcher struct {
	program *loopProgram
	watcher *event.Watcher
	check   bool
	since   uint64 // iterations there had been when it was made
	called  uint64
	freed   bool
}

func (w *loopWatcher) fired() {
	p := w.program
	if w.freed {
		p.errorf("a watcher is called after Free")
	}
	// One that another watcher has made may come in this iteration or in the next.
	if w.called == 0 && w.since == w.count() {
		w.since--
	}
	if w.called++; w.called+w.since != w.count() {
		p.errorf("a watcher (check: %v) was called %d times in %d iterations", w.check, w.called, w.count()-w.since)
	}
	if !w.check || !p.uncached { // with a clock that runs, timeouts pass meanwhile
		p.operate(1)
	}
}

// count returns how often watchers of the kind were to be called.
func (w *loopWatcher) count() uint64 {
	if w.check {
		return w.program.checked
	}
	return w.program.iterations
}

// compare checks a watcher before an iteration.
func (w *loopWatcher) compare(iterations uint64) {
	if !w.freed && w.called != iterations-w.since {
		w.program.errorf("a watcher was called %d times in %d iterations", w.called, iterations-w.since)
	}
}

// A loopDeferred is a Deferred with what is known of it.
type loopDeferred struct {
	program   *loopProgram
	deferred  event.Deferred
	scheduled bool
}

func (d *loopDeferred) fired(*event.Deferred) {
	p := d.program
	p.enterEvent(nil, cmp.Compare(0, 1)) // no priority is less urgent than its own: that is not compared
	defer p.leave()
	if !d.scheduled || d.deferred.Scheduled() {
		p.errorf("a deferred function is called, which was scheduled: %v", d.scheduled)
	}
	d.scheduled = false
	p.operate(1)
}

// A loopEnder asks for the end of the iteration.
type loopEnder struct {
	program *loopProgram
	asked   bool
	when    uint64 // the iteration in which it has
}

// EndIteration implements event.IterationEnder.
func (e *loopEnder) EndIteration() {
	p := e.program
	p.enter()
	defer p.leave()
	if !e.asked {
		p.errorf("the end of an iteration is told to who has not asked")
	}
	if e.when != p.iterations && e.when != 0 {
		p.errorf("the end of iteration %d is told in iteration %d", e.when, p.iterations)
	}
	e.asked = false
	p.posting, p.ending = true, true
	defer func() { p.posting, p.ending = false, false }()
	p.operate(3)
}
