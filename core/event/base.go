package event

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/poller"
)

// MaxPriorities bounds the number of priorities of a base: it must be less
// (EVENT_MAX_PRIORITIES).
const MaxPriorities = 256

// A Base holds events and runs their callbacks from a loop (struct
// event_base).
//
// A base belongs to the goroutine that runs its loop; before and after that,
// to the one that uses it. From any goroutine, at any time, one may call Post, Call,
// LoopExit, LoopBreak and, on an assigned event, Activate. Everything else is
// for any goroutine only if the base has a lock: if the package pthreads, or
// other hooks of evthread, were installed before it was made, and its
// configuration lacks NoLock.
type Base struct {
	poller   poller.Poller
	method   poller.Method
	features Feature
	config   Config

	// guard is of everything below but inbox.
	guard     evthread.Guard
	ownThread bool           // the loop holds on to its thread
	owner     atomic.Uintptr // the goroutine of the loop
	done      evthread.Cond  // signalled when current has returned, if waiters
	waiters   int

	clock   clock
	io      ioMap
	signals *signalSet // nil until the first signal event
	timers  timerHeap
	common  []*CommonTimeout

	active     []taskQueue // by priority
	later      taskQueue   // active in the next iteration
	enders     enders      // called at the end of this iteration
	runningPri int         // the priority being run, or -1
	inPass     int         // how many tasks this pass has activated
	current    *task       // the task whose callback runs
	callsLeft  uint16      // how often a signal event's callback is still to be called
	posts      postQueue   // taken from the inbox, not run yet

	ready      []poller.Event // the buffer of the last wait
	found      int            // how many events it had
	prepare    watchers
	check      watchers
	counts     [3]counter  // by Count
	stats      *stats      // nil unless enabled
	running    atomic.Bool // Loop or Free is in progress
	usable     bool        // from NewBase to Free
	freeing    bool        // in Free; finalizers may run
	continuing bool
	waitUntil  int64 // when the wait under way ends by itself, or -1
	yielded    int64 // when the loop last let other goroutines run
	sysmonAt   int64 // when it last woke the scheduler's monitor

	exiting  atomic.Bool // the loop ends after this iteration
	breaking atomic.Bool // the loop ends after this callback

	inbox inbox

	// Data is for the user: what belongs to the loop, for the callbacks that run
	// on it to find. It belongs to the goroutine that the base belongs to.
	Data any
}

// NewBase makes a base with the default configuration: the best method of the
// platform that the environment does not disable (event_base_new).
func NewBase() (*Base, error) { return NewBaseWithConfig(nil) }

// NewBaseWithConfig makes a base. The error is ErrNoMethod, wrapped, if no
// method meets the configuration. cfg is not kept; nil is the default
// (event_base_new_with_config).
func NewBaseWithConfig(cfg *Config) (*Base, error) {
	b := &Base{runningPri: -1}
	if cfg != nil {
		b.config = *cfg
	}
	b.config.applyEnv()
	debugTooLate.Store(true)
	if err := b.initLock(); err != nil {
		return nil, opError("new base", err)
	}
	b.clock.init(&b.config)
	b.active = make([]taskQueue, 1)
	if err := b.openMethod(); err != nil {
		b.freeLock()
		return nil, opError("new base", err)
	}
	b.usable = true
	b.inbox.setOpen(true)
	showMethod(b)
	return b, nil
}

// openMethod opens the first method that the configuration allows and that
// works.
func (b *Base) openMethod() error {
	var failed error
	for _, m := range poller.Methods() {
		if !b.config.allows(m) {
			continue
		}
		p, err := m.Open(b.config.options(b.ownThread))
		if err != nil {
			evlog.Logf(evlog.Debug, "method %s: %v", m.Name, err)
			failed = err
			continue
		}
		b.method, b.poller, b.features = m, p, Feature(m.Features)
		b.resetStats(false)
		return nil
	}
	if failed != nil {
		return fmt.Errorf("%w: %w", ErrNoMethod, failed)
	}
	return ErrNoMethod
}

// Free ends the base. Events that are pending become idle and cannot be used
// again except by assigning them to another base; finalizers that are due run.
// Descriptors are the user's to close. What other goroutines post from now on is
// refused; what was posted before and has not run is dropped, and the log says
// how much that was, see [Base.DrainPosts]. The loop must not be running: a Free
// in a callback is refused with a message to the log, or in debug mode to the
// fatal callback (event_base_free).
func (b *Base) Free() { b.free(true) }

// FreeNoFinalize is Free without running the finalizers that are due
// (event_base_free_nofinalize).
func (b *Base) FreeNoFinalize() { b.free(false) }

func (b *Base) free(finalize bool) {
	if b == nil {
		return
	}
	b.enter()
	if err := b.occupy(); err != nil {
		b.leave()
		if err != ErrFreed {
			logMisuse("free base", err)
		}
		return
	}
	defer b.running.Store(false) // also when a finalizer panics
	b.inbox.setOpen(false)
	b.drainInbox()
	if n := b.posts.len(); n > 0 {
		evlog.Logf(evlog.Msg, "free base: %d posted functions have not run", n)
	}
	b.inbox.failCalls(ErrFreed)
	b.usable, b.freeing = false, true
	for b.freeEvents(finalize) {
	}
	b.freeing = false
	b.cancelDeferred()
	b.posts, b.enders = postQueue{}, enders{}
	if err := b.poller.Close(); err != nil {
		evlog.Logf(evlog.Warn, "free base: close %s: %v", b.Method(), err)
	}
	b.leave()
	b.freeLock()
	b.inbox.runFreeHooks()
}

// freeEvents makes all events idle, runs the finalizers that are due, and
// reports whether there was anything to do: finalizers may ask for others.
func (b *Base) freeEvents(finalize bool) bool {
	var due []*Event
	for ev := range b.allEvents() {
		due = append(due, ev)
	}
	for _, ev := range due {
		if ev.flags&flagFinalizing == 0 {
			if err := b.del(ev); err != nil {
				evlog.Logf(evlog.Debug, "free base: %v", err)
			}
			continue
		}
		b.removeQueued(&ev.task)
		if finalize {
			b.runTask(&ev.task)
		}
	}
	return len(due) > 0
}

// Reinit makes the base's kernel objects anew and watches everything that is
// pending with them, as is necessary in a child process that inherited them.
// The loop must not be running. If descriptors were closed under pending
// events, those do not wait for them any more, and the error names them
// (event_reinit).
func (b *Base) Reinit() error {
	if b == nil {
		return misuse("reinit", ErrNil)
	}
	b.enter()
	defer b.leave()
	if err := b.occupy(); err != nil {
		return misuse("reinit", err)
	}
	defer b.running.Store(false)
	// What was closed must be known before new descriptors take its numbers.
	closed := b.dropClosedIO()
	p, err := b.method.Open(b.config.options(b.ownThread))
	if err != nil {
		return opError("reinit", errors.Join(closed, err))
	}
	if err := b.poller.Close(); err != nil {
		evlog.Logf(evlog.Warn, "reinit: close %s: %v", b.Method(), err)
	}
	b.poller = p
	if b.stats != nil {
		b.stats.tracer, _ = p.(poller.Tracer)
	}
	if err := errors.Join(closed, b.reinstateIO()); err != nil {
		return opError("reinit", err)
	}
	return nil
}

// Method returns the name of the method in use, such as "epoll"
// (event_base_get_method).
func (b *Base) Method() string {
	if b.poller == nil {
		return "" // a base that NewBase did not make
	}
	return b.poller.Method().Name
}

// SignalMethod returns the name of the way in which signals arrive, which is
// Go's os/signal on every platform (event_base_get_signal_method).
func (b *Base) SignalMethod() string { return "os/signal" }

// Features returns what the method can do (event_base_get_features).
func (b *Base) Features() Feature { return b.features }

// SetPriorities sets the number of priorities, from 1, the default, to
// MaxPriorities-1. It should be called before there are events; it is an error
// while any are active (event_base_priority_init).
func (b *Base) SetPriorities(n int) error {
	if b == nil {
		return misuse("set priorities", ErrNil)
	}
	b.enter()
	defer b.leave()
	if n < 1 || n >= MaxPriorities {
		return opError(fmt.Sprint("set priorities ", n), ErrBadPriority)
	}
	if b.counts[CountActive].now > 0 {
		return opError("set priorities", ErrPending)
	}
	b.active = make([]taskQueue, n)
	return nil
}

// Priorities returns the number of priorities (event_base_get_npriorities).
func (b *Base) Priorities() int {
	b.enter()
	defer b.leave()
	return len(b.active)
}

// Now returns the time, as of the start of this round of callbacks if called
// from one, and so in no time at all (event_base_gettimeofday_cached).
func (b *Base) Now() time.Time {
	b.enter()
	defer b.leave()
	return b.clock.wall()
}

// Elapsed returns how much time has passed, by the clock that timeouts pass by, since
// some moment before the base was made. While callbacks run it stands as still as Now.
// To set the system's time does not change it, and to ask costs less than Now.
func (b *Base) Elapsed() time.Duration {
	b.enter()
	defer b.leave()
	return time.Duration(b.clock.now())
}

// UpdateCacheTime reads the clock again in the middle of a round of callbacks,
// for those that take long. Outside the loop it has no effect
// (event_base_update_cache_time).
func (b *Base) UpdateCacheTime() error {
	if b == nil {
		return misuse("update cache time", ErrNil)
	}
	b.enter()
	defer b.leave()
	if !b.usable {
		return misuse("update cache time", ErrFreed)
	}
	if b.running.Load() && b.inLoopThread() { // while it waits, the clock runs
		b.clock.update()
	}
	return nil
}

// RunningEvent returns the event whose callback runs, if called from it, or
// nil (event_base_get_running_event).
func (b *Base) RunningEvent() *Event {
	b.enter()
	defer b.leave()
	if b.current == nil || b.current.kind == kindDeferred || !b.inLoopThread() {
		return nil
	}
	return b.current.event()
}
