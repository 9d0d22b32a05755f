package event

import (
	"cmp"
	"context"
	"runtime"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/poller"
)

// LoopFlag changes how Loop runs.
type LoopFlag uint8

const (
	// LoopOnce waits until events become active, runs their callbacks and
	// returns (EVLOOP_ONCE).
	LoopOnce LoopFlag = 1 << iota
	// LoopNonblock does not wait: it runs what is ready now, if anything, and
	// returns (EVLOOP_NONBLOCK).
	LoopNonblock
	// LoopNoExitOnEmpty keeps the loop going when no events are pending
	// (EVLOOP_NO_EXIT_ON_EMPTY).
	LoopNoExitOnEmpty
)

// Status says why Loop returned without an error.
type Status uint8

const (
	// LoopDone says that the loop was asked to end, by LoopExit, LoopBreak or
	// its flags (0 in C).
	LoopDone Status = iota
	// LoopNoEvents says that no events were pending or active (1 in C).
	LoopNoEvents
)

// Dispatch runs the loop until no events are pending or active, or until
// LoopExit or LoopBreak. The calling goroutine owns the base meanwhile. An
// error means that the method failed, or that the loop was running already
// (event_base_dispatch).
func (b *Base) Dispatch() error {
	_, err := b.Loop(0)
	return err
}

// Loop is Dispatch with flags (event_base_loop).
func (b *Base) Loop(flags LoopFlag) (Status, error) {
	if err := b.begin(); err != nil {
		return LoopDone, err
	}
	defer b.endLoop(flags)
	return b.loop(flags)
}

// Run runs the loop, even while it has no events, until ctx is done, LoopExit
// or LoopBreak. If ctx ended it, the error is context.Cause(ctx).
func (b *Base) Run(ctx context.Context) (err error) {
	if err := b.begin(); err != nil {
		return err
	}
	defer b.endLoop(LoopNoExitOnEmpty)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		b.LoopBreak()
		close(interrupted)
	})
	defer func() { // also when a callback panics
		if !stop() {
			<-interrupted // so that it cannot end a later loop
			err = cmp.Or(err, context.Cause(ctx))
		}
	}()
	_, err = b.loop(LoopNoExitOnEmpty)
	return err
}

// begin makes the calling goroutine the loop.
func (b *Base) begin() error {
	if b == nil {
		return misuse("loop", ErrNil)
	}
	b.enter()
	defer b.leave()
	if err := b.occupy(); err != nil {
		return misuse("loop", err)
	}
	if b.ownThread {
		runtime.LockOSThread()
	}
	b.clock.clear()
	b.exiting.Store(false)
	b.breaking.Store(false)
	b.inbox.beginCalls()
	return nil
}

// occupy makes the caller the base's owner, unless another goroutine, or the
// caller itself, is it already.
func (b *Base) occupy() error {
	if !b.usable {
		return ErrFreed
	}
	if !b.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	b.owner.Store(evthread.Goroutine())
	return nil
}

// endLoop undoes begin, also when a callback panics.
func (b *Base) endLoop(flags LoopFlag) {
	b.end()
	if flags&(LoopOnce|LoopNonblock) == 0 {
		b.inbox.endCalls()
	}
	if b.ownThread {
		runtime.UnlockOSThread()
	}
}

// end undoes occupy after callbacks, one of which may have panicked.
func (b *Base) end() {
	b.enter()
	b.drainInbox() // an exit that was asked for until now is not for the next loop
	b.clock.clear()
	b.callbackDone()
	b.runningPri, b.inPass, b.callsLeft = -1, 0, 0
	b.enders.current = nil
	b.running.Store(false)
	b.leave()
}

// loop runs iterations: wait for events, make those active whose condition
// holds, and run the callbacks of the most urgent priority that has any.
func (b *Base) loop(flags LoopFlag) (Status, error) {
	b.enter()
	status, err := b.iterate(flags)
	b.leave() // and not if a callback panics, which runs without the lock
	return status, err
}

func (b *Base) iterate(flags LoopFlag) (Status, error) {
	for !b.breaking.Load() {
		b.continuing = false
		b.activateLater()
		b.drainInbox()
		if flags&LoopNoExitOnEmpty == 0 && b.empty() {
			return LoopNoEvents, nil
		}
		if err := b.wait(flags); err != nil {
			return LoopDone, err
		}
		b.expire()
		if !b.hasWork() {
			if flags&LoopNonblock != 0 || b.exiting.Load() {
				break
			}
			continue
		}
		n := b.runActive()
		last := b.exiting.Load() // an exit that comes from here on has what is active run first
		n += b.runEnders()
		if last || flags&LoopOnce != 0 && n != 0 && !b.hasWork() {
			break
		}
	}
	return LoopDone, nil
}

// hasWork reports whether callbacks are due. What the inbox has counts for what
// it is: being told to look at the clock, or to exit, is no work.
func (b *Base) hasWork() bool {
	b.drainInbox()
	return b.counts[CountActive].now > 0 || b.posts.len() > 0 || b.enders.len() > 0
}

// empty reports whether nothing can ever happen any more. A LoopExit from
// before the loop is something: an iteration.
func (b *Base) empty() bool {
	return b.counts[CountAdded].now == 0 && b.counts[CountVirtual].now == 0 && !b.hasWork() && !b.exiting.Load()
}

// wait polls for events and makes those active that are ready.
func (b *Base) wait(flags LoopFlag) error {
	b.clock.clear() // callbacks took time
	timeout := b.timeToWait(flags)
	if len(b.prepare.list) > 0 {
		b.runPrepare(timeout)
		timeout = b.timeToWait(flags) // a watcher may have changed it
	}
	if err := b.poller.Flush(); err != nil {
		return opError("loop", err)
	}
	ready, yielded, err := b.poll(timeout)
	if err != nil {
		return opError("loop", err)
	}
	b.clock.update()
	if yielded {
		b.yielded = b.clock.last
	}
	if len(b.check.list) > 0 {
		b.runCheck()
	}
	b.found = len(ready)
	for _, e := range ready {
		b.activateIO(e.FD, What(e.Ready))
	}
	b.drainInbox()
	return nil
}

// poll waits with the lock released, so that other threads can work on the
// base. Wakes are asked for only if the wait may take time. A wait that took
// some let other goroutines run; one that took none may have to do that now,
// when the wait's end does not depend on how long it takes.
func (b *Base) poll(timeout time.Duration) (ready []poller.Event, yielded bool, err error) {
	deadline := poller.Now
	if timeout != 0 && b.inbox.beginWait() {
		deadline = poller.Deadline(b.waitUntil)
	}
	if b.stats != nil {
		b.stats.beforePoll()
	}
	b.leave()
	b.ready, yielded, err = b.poller.Wait(deadline, b.ready[:0])
	if !yielded && b.yieldDue() {
		yielded = true
		runtime.Gosched()
		if b.sysmonDue() {
			poller.WakeSysmon()
		}
	}
	b.enter()
	if b.stats != nil {
		b.stats.afterPoll()
	}
	b.inbox.endWait()
	return b.ready, yielded, err
}

// A loop that never waits lets other goroutines run from time to time. Not too
// often: a yield may wake another thread, and move the loop there; and for a
// loop that is tied to its thread it is dearer still.
const (
	yieldInterval       = 500 * time.Microsecond
	threadYieldInterval = time.Millisecond
)

// A yield helps only goroutines that are ready to run. Those that wait for the
// network are made ready by the scheduler's monitor, at this interval, if it is
// awake.
const sysmonInterval = 10 * time.Millisecond

// yieldDue reports whether the loop has run for long without yielding.
func (b *Base) yieldDue() bool {
	interval := yieldInterval
	if b.ownThread {
		interval = threadYieldInterval
	}
	return b.clock.last-b.yielded >= int64(interval)
}

// sysmonDue reports whether the scheduler's monitor may have slept for long.
func (b *Base) sysmonDue() bool {
	now := b.clock.last
	if now-b.sysmonAt < int64(sysmonInterval) {
		return false
	}
	b.sysmonAt = now
	return true
}

// timeToWait returns how long the loop may wait: negative for ever.
func (b *Base) timeToWait(flags LoopFlag) time.Duration {
	if flags&LoopNonblock != 0 || b.hasWork() || b.exiting.Load() || b.breaking.Load() {
		return 0
	}
	if flags&LoopNoExitOnEmpty == 0 && b.empty() {
		return 0 // a prepare watcher deleted the last event
	}
	b.waitUntil = b.nextDeadline()
	if b.waitUntil < 0 {
		return -1
	}
	return time.Duration(max(b.waitUntil-b.clock.now(), 0))
}

// nextDeadline returns when the next timeout passes, or -1.
func (b *Base) nextDeadline() int64 {
	next := int64(-1)
	if ev := b.timers.top(); ev != nil {
		next = ev.deadline
	}
	for _, ct := range b.common {
		if ev := ct.first(); ev != nil && (next < 0 || ev.deadline < next) {
			next = ev.deadline
		}
	}
	return next
}

// expire makes the events active whose timeouts have passed.
func (b *Base) expire() {
	if len(b.timers) == 0 && len(b.common) == 0 {
		return
	}
	now := b.clock.now()
	for ev := b.timers.top(); ev != nil && ev.deadline <= now; ev = b.timers.top() {
		b.timeOut(ev)
	}
	for _, ct := range b.common {
		for ev := ct.first(); ev != nil && ev.deadline <= now; ev = ct.first() {
			b.timeOut(ev)
		}
	}
}

// timeOut makes ev active with Timeout. If it also waits for a descriptor, it
// goes on doing so until its callback runs, or beyond that with Persist.
func (b *Base) timeOut(ev *Event) {
	b.stopTimeout(ev)
	b.activate(&ev.task, Timeout)
}

// LoopExit ends the loop once the time after has passed; zero is as soon as
// possible. Before it ends, the callbacks of all events that are active then
// run, whatever their priorities. Called while no loop runs, LoopExit(0) lets
// the next one run a single iteration. From any goroutine
// (event_base_loopexit).
func (b *Base) LoopExit(after time.Duration) error {
	if b == nil {
		return misuse("exit", ErrNil)
	}
	if after <= 0 {
		return b.inbox.poke(b, "exit", func() { b.inbox.exit = true })
	}
	deadline := deadlineAfter(b.clock.read(), after)
	return b.inbox.poke(b, "exit", func() { b.inbox.exits = append(b.inbox.exits, deadline) })
}

// exitAt starts the timer of a LoopExit. It is most urgent, so that nothing
// can keep it from firing.
func (b *Base) exitAt(deadline int64) {
	ev := b.NewTimer(func(*Event, What) { b.exiting.Store(true) })
	ev.priority = 0
	b.setDeadline(ev, deadline)
}

// LoopBreak ends the loop as soon as the callback that runs has returned,
// whatever else is active; that runs if the loop runs again. Without a running
// loop it does nothing. From any goroutine (event_base_loopbreak).
func (b *Base) LoopBreak() {
	b.breaking.Store(true)
	b.inbox.interrupt(b)
}

// LoopContinue makes the loop look for new events once the callback that runs
// has returned, before it goes on with those that are active
// (event_base_loopcontinue).
func (b *Base) LoopContinue() {
	b.enter()
	b.continuing = true
	b.notify()
	b.leave()
}

// GotExit reports whether the loop ended, or will end, because of LoopExit,
// until the next loop starts (event_base_got_exit).
func (b *Base) GotExit() bool { return b.exiting.Load() }

// GotBreak reports whether the loop ended, or will end, because of LoopBreak,
// until the next loop starts (event_base_got_break).
func (b *Base) GotBreak() bool { return b.breaking.Load() }
