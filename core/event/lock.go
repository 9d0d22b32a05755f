package event

import (
	"runtime"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// initLock gives the base a lock if locking is enabled and wanted.
func (b *Base) initLock() error {
	b.ownThread = b.config.Flags&LockThread != 0
	b.guarded = debugMode.Load()
	if b.config.Flags&NoLock != 0 || !evthread.Enabled() {
		return nil
	}
	mu, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return err
	}
	done, err := evthread.NewCond()
	if err != nil {
		evthread.FreeLock(mu, evthread.Recursive)
		return err
	}
	b.mu, b.done = mu, done
	b.guarded = true
	b.ownThread = true // thread ids mean something only if the thread stays
	return nil
}

func (b *Base) freeLock() {
	if b.mu != nil {
		evthread.FreeLock(b.mu, evthread.Recursive)
		evthread.FreeCond(b.done)
		b.mu, b.done, b.guarded = nil, nil, false
	}
}

// enter begins an operation on the base: it takes the lock, if there is one,
// or else checks in debug mode that the caller may use the base.
func (b *Base) enter() {
	if b.guarded {
		b.acquire()
	}
}

func (b *Base) leave() {
	if b.guarded {
		b.release()
	}
}

func (b *Base) acquire() {
	if b.mu == nil {
		b.checkConfinement()
		return
	}
	if err := b.mu.Lock(0); err != nil {
		evlog.Fatal(err)
	}
}

func (b *Base) release() {
	if b.mu == nil {
		return
	}
	if err := b.mu.Unlock(0); err != nil {
		evlog.Fatal(err)
	}
}

// inLoopThread reports whether the caller is the loop. Without a lock it is by
// definition.
func (b *Base) inLoopThread() bool {
	return b.mu == nil || b.running.Load() && b.owner.Load() == evthread.ID()
}

// awaitCallback waits until the callback of ev is done, if another thread is
// in it, and reports whether it was. The lock is free meanwhile.
func (b *Base) awaitCallback(ev *Event) bool {
	if b.mu == nil || b.current != &ev.task || b.inLoopThread() {
		return false
	}
	for b.current == &ev.task {
		if b.done == nil { // locks were installed without conditions
			b.release()
			runtime.Gosched()
			b.acquire()
			continue
		}
		b.waiters++
		if _, err := b.done.Wait(b.mu, -1); err != nil {
			evlog.Fatal(err)
			break
		}
	}
	return true
}

// callbackDone tells those who wait for a callback that it has returned.
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
