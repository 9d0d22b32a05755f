package event

import "time"

// maxInPass bounds how many tasks the callbacks of one pass over the active
// queue can make active in the same pass. What comes after waits for the next
// iteration, so that callbacks that activate each other, or themselves, can
// never keep the loop from looking at descriptors, timers and signals.
const maxInPass = 32

// activate queues t to be run, or, if it is queued already, adds to what its
// callback will be told.
func (b *Base) activate(t *task, what What) {
	if t.flags&flagFinalizing != 0 {
		return
	}
	if t.flags&flagQueued != 0 {
		t.result |= what
		return
	}
	t.result, t.calls = what, 1
	b.queue(t)
}

func (b *Base) queue(t *task) {
	b.counts[CountActive].add(1)
	if int(t.priority) < b.runningPri {
		b.continuing = true // something more urgent than what is running
	}
	if b.runningPri >= 0 {
		b.inPass++
		if b.inPass > maxInPass {
			t.flags |= flagLater
			b.later.push(t)
			return
		}
	}
	b.pushActive(t)
}

func (b *Base) pushActive(t *task) {
	t.flags |= flagActive
	pri := min(int(t.priority), len(b.active)-1)
	t.priority = uint8(pri)
	b.active[pri].push(t)
}

// activateLater moves what was put off to the active queues.
func (b *Base) activateLater() {
	for t := b.later.head; t != nil; t = b.later.head {
		b.later.remove(t)
		t.flags &^= flagLater
		b.pushActive(t)
	}
}

func (b *Base) removeActive(t *task) {
	b.active[t.priority].remove(t)
	t.flags &^= flagActive
	b.counts[CountActive].add(-1)
}

// removeQueued takes t off the queue that it is in, if any.
func (b *Base) removeQueued(t *task) {
	switch {
	case t.flags&flagActive != 0:
		b.removeActive(t)
	case t.flags&flagLater != 0:
		b.later.remove(t)
		t.flags &^= flagLater
		b.counts[CountActive].add(-1)
	}
}

// runActive runs what was posted and then the active tasks of the most urgent
// priority that has any. If the loop is to exit there is no next iteration, so
// it runs those of the others too, and what was posted meanwhile. It returns how
// many that were.
func (b *Base) runActive() int {
	if b.breaking.Load() {
		return 0 // a watcher or another goroutine has had enough
	}
	n := b.runPosts(b.limit(0))
	b.drainInbox()
	for pri := b.mostUrgent(); pri >= 0 && !b.interrupted(); pri = b.mostUrgent() {
		b.runningPri = pri
		n += b.runQueue(&b.active[pri], b.limit(pri))
		b.runningPri = -1
		if !b.exiting.Load() {
			break
		}
	}
	b.inPass = 0
	if b.exiting.Load() && !b.breaking.Load() {
		n += b.runPosts(limit{})
	}
	return n
}

// mostUrgent returns the most urgent priority with active tasks, or -1.
func (b *Base) mostUrgent() int {
	for pri := range b.active {
		if b.active[pri].head != nil {
			return pri
		}
	}
	return -1
}

// interrupted reports whether what is active must wait, for another loop or for
// the next iteration, of which there is none if the loop is to exit.
func (b *Base) interrupted() bool {
	return b.breaking.Load() || b.continuing && !b.exiting.Load()
}

func (b *Base) runQueue(q *taskQueue, lim limit) int {
	n := 0
	for t := q.head; t != nil; t = q.head {
		b.runTask(t)
		n++
		b.drainInbox()
		if b.breaking.Load() || b.continuing || lim.bounded && lim.reached(b, n) {
			break
		}
	}
	return n
}

// runPosts runs the functions that are there at its start.
func (b *Base) runPosts(lim limit) int {
	n := 0
	for todo := b.posts.len(); n < todo; {
		b.runPost(b.posts.pop())
		n++
		if b.interrupted() || lim.bounded && !b.exiting.Load() && lim.reached(b, n) {
			break
		}
	}
	return n
}

func (b *Base) runPost(fn func()) {
	if b.stats != nil {
		b.stats.beforeCallback(nil)
	}
	b.leave()
	fn()
	b.enter()
	if b.stats != nil {
		b.stats.afterCallback()
	}
}

// limit bounds a pass, against priority inversion.
type limit struct {
	bounded   bool
	callbacks int   // 0: none
	until     int64 // 0: none
}

func (b *Base) limit(pri int) limit {
	c := &b.config
	if pri < c.LimitCallbacksAfterPriority || c.MaxDispatchCallbacks <= 0 && c.MaxDispatchInterval <= 0 {
		return limit{}
	}
	lim := limit{bounded: true, callbacks: c.MaxDispatchCallbacks}
	if c.MaxDispatchInterval > 0 {
		lim.until = deadlineAfter(b.clock.read(), c.MaxDispatchInterval)
	}
	return lim
}

func (lim limit) reached(b *Base, n int) bool {
	if lim.callbacks > 0 && n >= lim.callbacks {
		return true
	}
	if lim.until == 0 {
		return false
	}
	b.clock.update()
	return b.clock.now() >= lim.until
}

// runTask runs one task. Callbacks run without the lock, and nothing of the
// task is touched after its callback, which may have freed it.
func (b *Base) runTask(t *task) {
	if t.flags&flagActive != 0 {
		b.removeActive(t)
	}
	b.current = t
	if b.stats != nil {
		b.stats.beforeCallback(t)
	}
	switch t.kind {
	case kindEvent:
		ev := t.event()
		what := t.result
		_ = b.unlink(ev) // as with Event.Del
		b.call(ev.callback, ev, what)
	case kindPersist:
		ev := t.event()
		b.restartTimeout(ev)
		b.call(ev.callback, ev, t.result)
	case kindSignal:
		b.callSignal(t.event())
	case kindFinalize:
		ev := t.event()
		b.current = nil
		t.flags = 0
		b.call(ev.callback, ev, Finalize)
	case kindDeferred:
		d := t.deferred()
		b.leave()
		d.fn(d)
		b.enter()
	}
	if b.stats != nil {
		b.stats.afterCallback()
	}
	b.callbackDone()
}

func (b *Base) call(cb Callback, ev *Event, what What) {
	if cb == nil {
		return
	}
	b.leave()
	cb(ev, what)
	b.enter()
}

// callSignal calls a signal event's callback as often as the signal came. Del
// and LoopBreak end that early.
func (b *Base) callSignal(ev *Event) {
	cb, what := ev.callback, ev.result
	if ev.what&Persist != 0 {
		b.restartTimeout(ev)
	} else {
		_ = b.unlink(ev) // as with Event.Del
	}
	b.callsLeft = ev.calls
	for b.callsLeft > 0 && !b.breaking.Load() {
		b.callsLeft--
		b.call(cb, ev, what)
	}
	b.callsLeft = 0
}

// endCalls ends the repeated calls of a signal event that are under way.
func (b *Base) endCalls(ev *Event) {
	if b.current == &ev.task {
		b.callsLeft = 0
	}
}

// restartTimeout starts the timeout of a persistent event anew: counted from
// when it passed, if it did, so that delays do not add up, or else from now.
func (b *Base) restartTimeout(ev *Event) {
	if ev.interval <= 0 {
		return
	}
	now := b.clock.now()
	next := deadlineAfter(now, time.Duration(ev.interval))
	if ev.result&Timeout != 0 {
		// After a long delay the expiries that were missed are skipped.
		if t := deadlineAfter(ev.deadline, time.Duration(ev.interval)); t >= now {
			next = t
		}
	}
	b.setDeadline(ev, next)
}
