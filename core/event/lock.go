package event

import (
	"runtime"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// initLock gives the base a lock if locking is enabled and wanted.
func (b *Base) initLock() error {
	b.ownThread = b.config.Flags&LockThread != 0
	if b.config.Flags&NoLock != 0 || !evthread.Enabled() {
		b.guard = b.Guard("event")
		return nil
	}
	lock, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return err
	}
	done, err := evthread.NewCond()
	if err != nil {
		evthread.FreeLock(lock, evthread.Recursive)
		return err
	}
	b.guard, b.done = evthread.NewGuard("event", lock, nil), done
	b.ownThread = true // thread ids mean something only if the thread stays
	return nil
}

func (b *Base) freeLock() {
	if lock := b.guard.Mutex(); lock != nil {
		b.guard = evthread.Guard{}
		evthread.FreeLock(lock, evthread.Recursive)
		evthread.FreeCond(b.done)
		b.done = nil
	}
}

// Guard returns the guard of an object without a lock that belongs to the base:
// in debug mode it checks that the base's loop does not run in another goroutine
// than the caller's (ErrConfinement); otherwise, or if the base has a lock, it is
// zero. It is for packages
// whose objects stand on a base. name is for errors.
func (b *Base) Guard(name string) evthread.Guard {
	if !debugMode.Load() || b.guard.HasLock() {
		return evthread.Guard{}
	}
	return evthread.NewGuard(name, nil, b.checkConfinement)
}

// enter begins an operation on the base: it takes the lock, if there is one,
// or else checks in debug mode that the caller may use the base.
func (b *Base) enter() { b.guard.Lock() }

func (b *Base) leave() { b.guard.Unlock() }

// calledByLoop reports whether the caller is the goroutine that runs the loop, or
// that frees the base.
func (b *Base) calledByLoop() bool {
	return b.running.Load() && b.owner.Load() == evthread.Goroutine()
}

// inLoopThread reports whether the caller is the loop. Without a lock it is by
// definition.
func (b *Base) inLoopThread() bool {
	return !b.guard.HasLock() || b.calledByLoop()
}

// awaitCallback waits until the callback of ev is done, if another thread is
// in it, and reports whether it was. The lock is free meanwhile.
func (b *Base) awaitCallback(ev *Event) bool {
	return b.current == &ev.task && b.awaitCurrent(ev)
}

// awaitCurrent is awaitCallback for an event whose callback is running.
func (b *Base) awaitCurrent(ev *Event) bool {
	if b.inLoopThread() {
		return false
	}
	for b.current == &ev.task {
		if b.done == nil { // locks were installed without conditions
			b.leave()
			runtime.Gosched()
			b.enter()
			continue
		}
		b.waiters++
		if _, err := b.done.Wait(b.guard.Mutex(), -1); err != nil {
			evlog.Fatal(err)
			break
		}
	}
	return true
}

// callbackDone wakes the goroutines that wait for a callback: it has returned.
func (b *Base) callbackDone() {
	b.current = nil
	if b.waiters > 0 {
		b.wakeWaiters()
	}
}

func (b *Base) wakeWaiters() {
	b.waiters = 0
	b.done.Signal(true)
}
