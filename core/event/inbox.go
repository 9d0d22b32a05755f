package event

import (
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
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
	events  []*Event // each knows its place; nil where Del came after Activate
	exit    bool
	exits   []int64 // when the loop is to exit, by its clock
	signals bool
	open    bool
	hooks   map[*freeHook]struct{} // called after closing
	hooked  uint64                 // the turn of the latest of them
	calls   map[*call]struct{}     // that have not begun
	ended   atomic.Bool            // the loop has; it is not one of single iterations
}

// postedMark in Event.posted says that the event is in an inbox.
const postedMark = 1 << 31

// Post runs fn on the base's loop: in its next iteration, before the callbacks
// of active events. Functions run in the order in which they were posted. From
// any goroutine; it is how others hand work to the loop. A loop that LoopExit
// ends runs what it finds in its last iteration; what comes later is for the next
// loop, or for DrainPosts. The error is ErrFreed, wrapped, after Free or
// DrainPosts, and then fn never runs.
func (b *Base) Post(fn func()) error {
	if b == nil || fn == nil {
		return misuse("post", ErrNil)
	}
	return b.inbox.poke(b, "post", func() { b.inbox.posts = append(b.inbox.posts, fn) })
}

// DrainPosts has Post refuse functions from now on, as after Free, and runs those
// that it has accepted. It is for a program that goes on to free the base and
// what the functions use: every function has run then, or its Post has failed.
// Call it where the loop was run; LoopExit, LoopBreak and Activate have no effect
// any more.
func (b *Base) DrainPosts() error {
	if b == nil {
		return misuse("drain posts", ErrNil)
	}
	b.enter()
	if err := b.occupy(); err != nil {
		b.leave()
		return misuse("drain posts", err)
	}
	defer b.end()
	b.inbox.setOpen(false)
	b.drainInbox()
	for b.posts.len() > 0 { // also after LoopBreak, which no loop has taken note of yet
		b.runPost(b.posts.pop())
	}
	b.runEnders()
	b.leave() // and not if a function panics, which runs without the lock
	return nil
}

// Activate makes the event active with what, whether it is pending or not and
// whether what it waits for holds or not. Activations of an event that is
// active already add up to one. From any goroutine, if the event is assigned
// and not freed meanwhile (event_active).
func (ev *Event) Activate(what What) {
	if ev == nil || ev.base == nil {
		logMisuse("activate", ErrNotAssigned)
		return
	}
	b := ev.base
	if ev.posted.Or(uint32(what)|postedMark) == 0 {
		b.inbox.push(b, ev)
	}
}

func (in *inbox) push(b *Base, ev *Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.open {
		ev.posted.Store(0)
		return
	}
	if ev.place != 0 || ev.posted.Load() == 0 {
		return // Del has come between, and perhaps another Activate
	}
	in.events = append(in.events, ev)
	ev.place = uint32(len(in.events))
	in.wake(b)
}

// retract takes back what Activate has asked for. Nothing of ev stays behind:
// it may belong to another base by the time the loop looks.
func (in *inbox) retract(ev *Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if ev.place != 0 {
		in.events[ev.place-1] = nil
		ev.place = 0
	}
	ev.posted.Store(0)
}

// poke changes the inbox and makes the loop look at it.
func (in *inbox) poke(b *Base, op string, change func()) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.open {
		return opError(op, ErrFreed)
	}
	change()
	in.wake(b)
	return nil
}

// interrupt makes the loop's wait end.
func (in *inbox) interrupt(b *Base) {
	in.mu.Lock()
	if in.open {
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
	if !in.waiting.CompareAndSwap(true, false) {
		return
	}
	if err := b.poller.Wake(); err != nil {
		// The loop looks when its wait ends for another reason. Another
		// goroutine logs, because mu must not be held while it calls the log
		// callback, which may post.
		go evlog.Logf(evlog.Warn, "wake loop: %v", err)
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

func (in *inbox) setOpen(open bool) {
	in.mu.Lock()
	in.open = open
	in.mu.Unlock()
}

// drainInbox takes over what the inbox has. It is called often, and most often
// there is nothing.
func (b *Base) drainInbox() {
	if b.inbox.pending.Load() {
		b.takeInbox()
	}
}

func (b *Base) takeInbox() {
	in := &b.inbox
	in.mu.Lock()
	// An exit that was asked for while no loop runs is kept for the next one.
	exit := in.exit && b.running.Load()
	in.exit = in.exit && !exit
	in.pending.Store(in.exit)
	b.posts.push(in.posts)
	clear(in.posts)
	in.posts = in.posts[:0]
	exits := in.exits
	in.exits = nil
	signals := in.signals
	in.signals = false
	for _, ev := range in.events {
		if ev != nil {
			b.activatePosted(ev)
		}
	}
	clear(in.events)
	in.events = in.events[:0]
	in.mu.Unlock()

	if exit {
		b.exiting.Store(true)
	}
	for _, deadline := range exits {
		b.exitAt(deadline)
	}
	if signals {
		b.activateSignals()
	}
}

// postQueue holds the posted functions that the loop has taken over, in order.
type postQueue struct {
	list []func()
	next int // how many of list have been popped
}

func (q *postQueue) len() int { return len(q.list) - q.next }

// push closes the gap of those that were popped once it is the larger part, so
// that each function is moved a few times at most.
func (q *postQueue) push(fns []func()) {
	if q.next >= q.len() {
		n := copy(q.list, q.list[q.next:])
		clear(q.list[n:])
		q.list, q.next = q.list[:n], 0
	}
	q.list = append(q.list, fns...)
}

func (q *postQueue) pop() func() {
	fn := q.list[q.next]
	q.list[q.next] = nil
	q.next++
	return fn
}

// activatePosted does what Activate asked for. It is called with the inbox's
// lock held.
func (b *Base) activatePosted(ev *Event) {
	ev.place = 0
	b.activate(&ev.task, What(ev.posted.Swap(0)&^postedMark))
}

// notify ends the loop's wait after another thread changed the base. Without a
// guard there is no other thread. (A call of IsZero would be too much for the
// inliner.)
func (b *Base) notify() {
	if b.guard != (evthread.Guard{}) && b.inbox.waiting.Load() {
		b.inbox.interrupt(b)
	}
}

// notifyDeadline is notify for a timeout that starts.
func (b *Base) notifyDeadline(t int64) {
	if b.guard != (evthread.Guard{}) {
		b.notifyBefore(t)
	}
}

// notifyBefore ends a wait that would not end by itself before t.
func (b *Base) notifyBefore(t int64) {
	if b.waitUntil < 0 || t < b.waitUntil {
		b.notify()
	}
}
