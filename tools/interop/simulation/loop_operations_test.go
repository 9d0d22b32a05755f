package simulation_test

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// mostActivations is how many events callbacks activate between two waits: with more,
// some are left for the next iteration.
const mostActivations = 20

// operate does up to count things at random.
func (p *loopProgram) operate(count int) {
	for range p.rand.IntN(count + 1) {
		if p.budget == 0 || p.finishing {
			return
		}
		p.budget--
		operations := []func(){
			p.addTimer, p.addTimer, p.addTimer, p.addCommon, p.addCommon, p.deleteEvent, p.removeTimer,
			p.activate, p.activate, p.activateOther, p.renew, p.setPriority, p.lookAtEvent,
			p.postHere, p.postElsewhere, p.schedule, p.cancel, p.runOnce, p.askEnd, p.burst, p.burst,
			p.endLoop, p.endOther, p.continueLoop, p.addVirtual, p.changeWatchers, p.changeWatchers, p.finalize,
			p.writePipe, p.writePipe, p.watchPipe, p.renewPipe, p.updateTime,
			p.visit, p.move, p.takeTime, p.takeTime, p.panics, p.compareCounts, p.operateSignal, p.operateSignal, p.activateFD,
		}
		i := p.rand.IntN(len(operations))
		for range len(operations) {
			if p.habits&(1<<i) != 0 {
				break
			}
			i = p.rand.IntN(len(operations))
		}
		operations[i]()
	}
}

func (p *loopProgram) anyEvent() *loopEvent { return p.events[p.rand.IntN(len(p.events))] }

// duration is how long a timer takes.
func (p *loopProgram) duration() time.Duration {
	switch p.rand.IntN(6) {
	case 0:
		return time.Duration(p.rand.IntN(2) - 1)
	case 1:
		return time.Duration(1+p.rand.IntN(5)) * time.Second
	case 2:
		return time.Duration(1+p.rand.IntN(50)) * 10 * time.Millisecond // the same as others
	}
	return time.Duration(p.rand.Int64N(int64(time.Second)))
}

// newEvent makes a timer, which also serves as an event of the user's.
func (p *loopProgram) newEvent() {
	e := &loopEvent{program: p, persist: p.rand.IntN(2) == 0}
	p.make(e)
	p.events = append(p.events, e)
}

func (p *loopProgram) make(e *loopEvent) {
	ev, err := p.base.NewEvent(-1, e.conditions(), e.fired)
	if err != nil {
		p.errorf("new event: %v", err)
	}
	e.ev = ev
	p.madeWithin(e)
}

// conditions draws what an event without a descriptor waits for besides its timeout:
// what never happens.
func (e *loopEvent) conditions() event.What {
	what := []event.What{0, 0, event.Timeout, event.Read, event.Write, event.Read | event.Write}[e.program.rand.IntN(6)]
	if e.persist {
		what |= event.Persist
	}
	return what
}

// madeWithin notes that an event belongs to the base.
func (p *loopProgram) madeWithin(e *loopEvent) {
	if e.priority = p.base.Priorities() / 2; e.ev.Priority() != e.priority {
		p.errorf("an event has the priority %d, %d is the middle", e.ev.Priority(), e.priority)
	}
}

// startTimer adds an event with a timeout.
func (p *loopProgram) startTimer(e *loopEvent, d time.Duration) {
	if e.wanted != 0 { // whether the activation has arrived decides what remains of it
		return
	}
	if e.persist && d > 0 { // it does not come so often that the world takes long
		d = max(d, 40*time.Millisecond)
	}
	if err := e.ev.AddTimeout(d); err != nil {
		p.errorf("add: %v", err)
		return
	}
	e.timed(d, nil)
}

// timed notes that a timeout has begun.
func (e *loopEvent) timed(d time.Duration, queue *event.CommonTimeout) {
	e.due, e.armed, e.queue = false, true, queue
	e.deadline = e.program.base.Elapsed() + max(d, 0)
	if e.persist {
		e.interval = d
	}
	e.watching = e.pipe != nil
}

func (p *loopProgram) addTimer() { p.startTimer(p.anyEvent(), p.duration()) }

func (p *loopProgram) addCommon() {
	e, ct := p.anyEvent(), p.commons[p.rand.IntN(len(p.commons))]
	if e.wanted != 0 {
		return
	}
	if err := e.ev.AddCommon(ct); err != nil {
		p.errorf("add with a common timeout: %v", err)
		return
	}
	e.timed(ct.Duration(), ct)
}

func (p *loopProgram) deleteEvent() { p.del(p.anyEvent()) }

func (p *loopProgram) del(e *loopEvent) {
	var err error
	switch p.rand.IntN(3) {
	case 0:
		err = e.ev.Del()
	case 1:
		err = e.ev.DelBlock()
	case 2:
		err = e.ev.DelNoBlock()
	}
	if err != nil {
		p.errorf("del: %v", err)
	}
	e.deleted()
}

func (e *loopEvent) deleted() {
	e.armed, e.watching, e.ready, e.due, e.wanted, e.interval = false, false, false, false, 0, 0
}

func (p *loopProgram) removeTimer() {
	e := p.anyEvent()
	if e.active() {
		return
	}
	if err := e.ev.RemoveTimer(); err != nil {
		p.errorf("remove timer: %v", err)
	}
	if e.armed {
		e.armed, e.interval = false, 0
	}
}

// activateEvent activates an event by hand.
func (p *loopProgram) activateEvent(e *loopEvent) {
	if e.program.drained || e.program.finishing || e.program.activations == mostActivations {
		return
	}
	what := []event.What{event.Read, event.Write, event.Timeout, event.Read | event.Write}[p.rand.IntN(4)]
	e.program.activations++
	e.program.order++
	e.activated()
	e.posted = e.program.posting
	e.wanted |= what
	e.ev.Activate(what)
}

func (p *loopProgram) activate() { p.activateEvent(p.anyEvent()) }

// burst has much come at once: events of several priorities, and the end of the iteration.
func (p *loopProgram) burst() {
	for range 2 + p.rand.IntN(4) {
		p.activate()
	}
	p.schedule()
	p.askEnd()
}

func (p *loopProgram) activateOther() {
	p.activateEvent(p.other().anyEvent())
}

// other returns any of the loops.
func (p *loopProgram) other() *loopProgram {
	return p.scenario.programs[p.rand.IntN(len(p.scenario.programs))]
}

// renew frees an event and makes it anew.
func (p *loopProgram) renew() {
	e := p.anyEvent()
	e.ev.Free()
	if e.ev.Initialized() {
		p.errorf("an event is assigned after Free")
	}
	e.deleted()
	p.make(e)
}

func (p *loopProgram) setPriority() {
	e, priority := p.anyEvent(), p.rand.IntN(p.priorities)
	known := e.wanted == 0 // what was activated just now may or may not have arrived
	if err := e.ev.SetPriority(priority); err == nil && known && e.due || err != nil && known && !e.due {
		p.errorf("set the priority of an event, which is due: %v: %v", e.due, err)
	} else if err == nil {
		e.priority = priority
	}
}

// lookAtEvent compares what an event says of itself.
func (p *loopProgram) lookAtEvent() {
	e := p.anyEvent()
	d, ok := e.ev.Remaining()
	switch {
	case e.due:
		if e.ev.Pending(event.Timeout) == 0 {
			p.errorf("an event with a timeout that has passed is not pending")
		}
	case ok != e.armed:
		p.errorf("an event has a timeout: %v, expected: %v", ok, e.armed)
	case ok && d != max(e.deadline-p.base.Elapsed(), 0):
		p.errorf("%v remain of a timeout, %v are expected", d, e.deadline-p.base.Elapsed())
	}
}

// What functions that are posted activate may be left for the next loop.
func (p *loopProgram) postHere()      { p.post(func() { p.operate(1) }) }
func (p *loopProgram) postElsewhere() { q := p.other(); q.post(func() { q.operate(2) }) }

func (p *loopProgram) newDeferred() {
	d := &loopDeferred{program: p}
	d.deferred.Init(p.base, p.rand.IntN(p.priorities), d.fired)
	p.deferreds = append(p.deferreds, d)
}

func (p *loopProgram) schedule() {
	d := p.deferreds[p.rand.IntN(len(p.deferreds))]
	if p.activations == mostActivations {
		return
	}
	p.activations++
	if d.deferred.Schedule() == d.scheduled {
		p.errorf("a deferred function that was scheduled: %v, can be scheduled", d.scheduled)
	}
	d.scheduled = true
}

func (p *loopProgram) cancel() {
	d := p.deferreds[p.rand.IntN(len(p.deferreds))]
	if d.deferred.Cancel() != d.scheduled {
		p.errorf("a deferred function that was scheduled: %v, cannot be cancelled", d.scheduled)
	}
	d.scheduled = false
}

// runOnce has a function called once.
func (p *loopProgram) runOnce() {
	if p.activations == mostActivations {
		return
	}
	p.activations++
	d := max(p.duration(), 0)
	now := p.base.Elapsed()
	called := false
	err := p.base.Once(-1, event.Timeout, d, func(*event.Event, event.What) {
		p.enter()
		defer p.leave()
		if called || p.base.Elapsed() < now+d {
			p.errorf("a function of Once is called again (%v) or early", called)
		}
		called = true
		p.once--
		p.operate(1)
	})
	if err != nil {
		p.errorf("once: %v", err)
		return
	}
	p.once++
	if d > 0 {
		p.onces = append(p.onces, now+d)
	}
}

func (p *loopProgram) askEnd() {
	e := p.enders[p.rand.IntN(len(p.enders))]
	if e.asked {
		return
	}
	e.asked, e.when = true, p.iterations
	if !p.running || p.depth == 0 || p.broken || p.ending {
		e.when = 0
	}
	p.base.AtIterationEnd(e)
}

// endLoop has the loop end, now or later.
func (p *loopProgram) endLoop() {
	switch p.rand.IntN(4) {
	case 0:
		p.base.LoopBreak()
		if p.running {
			p.broken = true
			p.forgetEnds()
		}
	case 1:
		p.exit(p, 0)
	default:
		p.exit(p, p.duration())
	}
}

// forgetEnds notes that what is left of an iteration is for another one.
func (p *loopProgram) forgetEnds() {
	p.forgetCalls()
	for _, e := range p.enders {
		e.when = 0
	}
}

func (p *loopProgram) exit(q *loopProgram, d time.Duration) {
	if q.drained || q.finishing {
		return
	}
	if err := q.base.LoopExit(d); err != nil {
		p.errorf("exit: %v", err)
	}
	if d <= 0 {
		q.exitNow = true
		return
	}
	// The time counts from now, whatever the clock of the base says.
	q.exits = append(q.exits, q.real()+d)
}

func (p *loopProgram) endOther() {
	q := p.other()
	switch {
	case q == p || q.drained || q.finishing || !q.running:
	case p.rand.IntN(2) == 0:
		q.base.LoopBreak()
		q.broken = true
		q.forgetEnds()
	default:
		p.exit(q, 0)
	}
}

func (p *loopProgram) continueLoop() {
	if p.running && p.depth > 0 {
		p.base.LoopContinue()
		p.continued = true
	}
}

func (p *loopProgram) addVirtual() {
	if p.virtual > 0 {
		p.virtual--
		p.base.DelVirtual()
		return
	}
	p.virtual++
	p.base.AddVirtual()
	p.post(func() { // so that the loop does not wait for it alone
		if p.virtual > 0 && p.pending() == 0 {
			p.virtual--
			p.base.DelVirtual()
		}
	})
}

// changeWatchers adds or frees a watcher.
func (p *loopProgram) changeWatchers() {
	if n := len(p.watchers); n > 3 || n > 0 && p.rand.IntN(2) == 0 {
		i := p.rand.IntN(n)
		w := p.watchers[i]
		w.watcher.Free()
		w.freed = true
		p.watchers = append(p.watchers[:i:i], p.watchers[i+1:]...) // the rest may be being walked
		return
	}
	w := &loopWatcher{program: p, check: p.rand.IntN(2) == 0}
	if w.check {
		w.since = p.checked
		w.watcher = p.base.NewCheck(func(*event.Watcher, event.CheckInfo) { w.fired() })
	} else {
		w.since = p.iterations
		w.watcher = p.base.NewPrepare(func(*event.Watcher, event.PrepareInfo) { w.fired() })
	}
	p.watchers = append(p.watchers, w)
}

// finalize ends an event with a finalizer, and makes it anew.
func (p *loopProgram) finalize() {
	if p.activations == mostActivations {
		return
	}
	p.activations++
	e := p.anyEvent()
	called := false
	ending := e.ev
	p.finals++
	err := ending.Finalize(func(ev *event.Event) {
		p.enter()
		defer p.leave()
		if called || ev != ending {
			p.errorf("a finalizer is called again (%v), or for another event", called)
		}
		called = true
		p.finals--
	})
	if err != nil {
		p.errorf("finalize: %v", err)
	}
	if err := ending.AddTimeout(time.Second); err == nil {
		p.errorf("an event with a finalizer can be added")
	}
	e.deleted()
	p.make(e)
}

func (p *loopProgram) updateTime() {
	before := p.base.Elapsed()
	if err := p.base.UpdateCacheTime(); err != nil {
		p.errorf("update cached time: %v", err)
	}
	if p.base.Elapsed() < before {
		p.errorf("time runs backwards")
	}
	if p.running {
		p.waited = p.real()
	}
}
