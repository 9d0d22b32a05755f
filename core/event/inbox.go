package event

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// inbox takes what other goroutines have for the loop, and wakes it.
type inbox struct {
	// pending says that there is something to drain.
	pending atomic.Bool
	// waiting says that the loop is in a wait that may take time, or about to
	// enter it. The loop sets it before it looks at pending, and others set
	// pending before they look at waiting, so that one sees the other.
	waiting atomic.Bool

	mu      sync.Mutex
	posts   []func()
	events  []*Event
	exit    bool
	signals bool
	closed  bool
}

// postedMark in Event.posted says that the event is in an inbox.
const postedMark = 1 << 31

// Post runs fn on the base's loop: in its next iteration, before the callbacks
// of active events. Functions run in the order in which they were posted. From
// any goroutine; it is how others hand work to the loop. The error is
// ErrFreed, wrapped, after Free, and then fn never runs.
func (b *Base) Post(fn func()) error {
	return b.post("post", fn)
}

func (b *Base) post(op string, fn func()) error {
	return b.inbox.poke(b, op, func() { b.inbox.posts = append(b.inbox.posts, fn) })
}

// Activate makes the event active with what, whether it is pending or not and
// whether what it waits for holds or not. Activations of an event that is
// active already add up to one. From any goroutine, if the event is assigned
// and not freed meanwhile (event_active).
func (ev *Event) Activate(what What) {
	b := ev.base
	if b == nil {
		misuse("activate", ErrNotAssigned)
		return
	}
	if ev.posted.Or(uint32(what)|postedMark) == 0 {
		b.inbox.push(b, ev)
	}
}

func (in *inbox) push(b *Base, ev *Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		ev.posted.Store(0)
		return
	}
	in.events = append(in.events, ev)
	in.wake(b)
}

// poke changes the inbox and makes the loop look at it.
func (in *inbox) poke(b *Base, op string, change func()) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return fmt.Errorf("%s: %w", op, ErrFreed)
	}
	change()
	in.wake(b)
	return nil
}

// interrupt makes the loop's wait end.
func (in *inbox) interrupt(b *Base) {
	in.mu.Lock()
	if !in.closed {
		in.wake(b)
	}
	in.mu.Unlock()
}

// wake is called with mu held, which keeps the poller from being closed. If
// something is pending already, the loop knows.
func (in *inbox) wake(b *Base) {
	if in.pending.Load() {
		return
	}
	in.pending.Swap(true) // a full barrier, like that of beginWait
	if in.waiting.CompareAndSwap(true, false) {
		b.poller.Wake()
	}
}

// beginWait announces a wait that may take time, and reports whether it may
// begin.
func (in *inbox) beginWait() bool {
	in.waiting.Swap(true) // a swap, because emulators are lax about the order of a store and a load
	if in.pending.Load() {
		in.waiting.Store(false)
		return false
	}
	return true
}

func (in *inbox) endWait() { in.waiting.Store(false) }

// close refuses everything from now on.
func (in *inbox) close() {
	in.mu.Lock()
	in.closed = true
	for _, ev := range in.events {
		ev.posted.Store(0)
	}
	in.posts, in.events = nil, nil
	in.pending.Store(false)
	in.mu.Unlock()
}

// drainInbox takes over what the inbox has.
func (b *Base) drainInbox() {
	in := &b.inbox
	if !in.pending.Load() {
		return
	}
	in.mu.Lock()
	// An exit that nobody is there for waits for the next loop.
	exit := in.exit && b.running
	in.exit = in.exit && !exit
	in.pending.Store(in.exit)
	events := in.events
	in.events = b.spare[:0]
	b.posts.push(in.posts)
	clear(in.posts)
	in.posts = in.posts[:0]
	signals := in.signals
	in.signals = false
	in.mu.Unlock()

	if exit {
		b.exiting.Store(true)
	}
	if signals {
		b.activateSignals()
	}
	for _, ev := range events {
		b.activatePosted(ev)
	}
	clear(events)
	b.spare = events[:0]
}

// postQueue holds the posted functions that the loop has taken over, in order.
type postQueue struct {
	list []func()
	next int // how many of list have been popped
}

func (q *postQueue) len() int { return len(q.list) - q.next }

func (q *postQueue) push(fns []func()) {
	n := copy(q.list, q.list[q.next:])
	clear(q.list[n:])
	q.list, q.next = append(q.list[:n], fns...), 0
}

func (q *postQueue) pop() func() {
	fn := q.list[q.next]
	q.list[q.next] = nil
	q.next++
	return fn
}

// activatePosted does what Activate asked for, unless Del came after it.
func (b *Base) activatePosted(ev *Event) {
	what := ev.posted.Swap(0)
	if what == 0 || ev.base != b || ev.flags&flagAssigned == 0 {
		return
	}
	b.activate(&ev.task, What(what&^postedMark))
}

// notify ends the loop's wait after another thread changed the base. Without a
// lock there is no other thread.
func (b *Base) notify() {
	if b.mu != nil && b.inbox.waiting.Load() {
		b.inbox.interrupt(b)
	}
}

// notifyDeadline is notify for a timeout that starts.
func (b *Base) notifyDeadline(t int64) {
	if b.mu != nil {
		b.notifyBefore(t)
	}
}

// notifyBefore ends a wait that would not end by itself before t.
func (b *Base) notifyBefore(t int64) {
	if b.waitUntil < 0 || t < b.waitUntil {
		b.notify()
	}
}
