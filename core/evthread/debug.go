package evthread

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/internal/evlog"
)

var debugging atomic.Bool

// EnableLockDebugging makes every lock and condition made from now on check how
// it is used, and stay checked. A mistake goes to the fatal callback as an
// error that wraps one of:
//
//   - ErrNotHeld: a lock is unlocked, or waited with, by a thread that does not
//     hold it in that mode;
//   - ErrRecursive: a thread takes a lock that is not recursive twice, even if
//     it only tries;
//   - ErrMode: the mode does not fit the type of the lock;
//   - ErrHeld, ErrLockType: a lock is freed while it is held, or as another
//     type than it was made with;
//   - ErrFreed: a lock is used after it was freed.
//
// If the callback returns, the call that was wrong fails with the same error
// and leaves the lock as it was. Threads are told apart by the id callback;
// without one, a lock held by any thread passes for held by the caller.
//
// Call it before anything that has locks is made: locks and conditions from
// before are not checked, and must not be mixed with later ones. There is no
// way back (evthread_enable_lock_debugging).
func EnableLockDebugging() { debugging.Store(true) }

// LockDebuggingEnabled reports whether EnableLockDebugging has been called.
func LockDebuggingEnabled() bool { return debugging.Load() }

// Held reports whether the calling thread holds l, in any mode. It can
// tell only for locks made under lock debugging; for any other, nil included,
// the answer is true, so that an assertion on it costs and says nothing.
func Held(l Lock) bool {
	d, ok := l.(*debugLock)
	return !ok || d.heldHere()
}

// A hold is one thread's claim on a lock: which thread, and in which mode.
type hold struct {
	thread uint64
	mode   Mode // ModeRead, ModeWrite, or 0 for locks that are not read-write
}

// A debugLock checks the use of another lock. It writes down a hold only while
// inner is held, so the book never shows more than inner allows.
type debugLock struct {
	inner     Lock
	innerType LockType // what inner was made with
	typ       LockType // what the user asked for
	freeInner func(Lock, LockType)

	mu    sync.Mutex
	holds map[hold]int // how many times each hold was taken; never 0
	freed bool
}

// allocDebug is Alloc for checked locks. Inside a plain lock is a recursive
// one: taking it twice then comes back to be reported rather than hang.
func (cbs *LockCallbacks) allocDebug(t LockType) (Lock, error) {
	innerType := t
	if t&ReadWrite == 0 {
		innerType |= Recursive
	}
	inner, err := cbs.Alloc(innerType)
	if err != nil {
		return nil, err
	}
	return &debugLock{
		inner:     inner,
		innerType: innerType,
		typ:       t,
		freeInner: cbs.Free,
		holds:     make(map[hold]int),
	}, nil
}

func (l *debugLock) Lock(mode Mode) error {
	if err := l.usable(mode); err != nil {
		return l.misuse("lock", err)
	}
	err := l.inner.Lock(mode)
	if errors.Is(err, ErrRecursive) {
		return l.misuse("lock", err)
	}
	if err != nil {
		return err
	}
	if l.taken(mode) {
		return nil
	}
	return l.misuse("lock", errors.Join(ErrRecursive, l.inner.Unlock(mode)))
}

func (l *debugLock) Unlock(mode Mode) error {
	if err := l.usable(mode); err != nil {
		return l.misuse("unlock", err)
	}
	if !l.released(mode) {
		return l.misuse("unlock", ErrNotHeld)
	}
	return l.inner.Unlock(mode)
}

// usable checks what does not depend on the holds.
func (l *debugLock) usable(mode Mode) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.freed {
		return ErrFreed
	}
	access := mode &^ ModeTry
	fits := access == 0
	if l.typ&ReadWrite != 0 {
		fits = access == ModeRead || access == ModeWrite
	}
	if !fits {
		return ErrMode
	}
	return nil
}

// taken writes down a hold. It answers false, and writes nothing, if the lock
// is a plain one that was held already.
func (l *debugLock) taken(mode Mode) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.typ == 0 && len(l.holds) > 0 {
		return false
	}
	l.holds[hold{ID(), mode &^ ModeTry}]++
	return true
}

// released removes a hold. It returns false if there is none.
func (l *debugLock) released(mode Mode) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := hold{ID(), mode &^ ModeTry}
	switch l.holds[h] {
	case 0:
		return false
	case 1:
		delete(l.holds, h)
	default:
		l.holds[h]--
	}
	return true
}

func (l *debugLock) heldHere() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.holdHere()
	return ok
}

// holdHere finds a hold of the calling thread. l.mu is held.
func (l *debugLock) holdHere() (hold, bool) {
	me := ID()
	for h := range l.holds {
		if h.thread == me {
			return h, true
		}
	}
	return hold{}, false
}

// suspend removes the calling thread's hold for the time of a wait, and resume
// restores it.
func (l *debugLock) suspend() (h hold, depth int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, _ = l.holdHere()
	depth = l.holds[h]
	delete(l.holds, h)
	return h, depth
}

func (l *debugLock) resume(mode Mode, depth int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds[hold{ID(), mode}] = depth
}

func (l *debugLock) free(t LockType) {
	if err := l.retire(t); err != nil {
		_ = l.misuse("free", err) // Free has no result; the error has gone to the fatal callback
		return
	}
	if l.freeInner != nil {
		l.freeInner(l.inner, l.innerType)
	}
}

// retire marks the lock as freed if it may be.
func (l *debugLock) retire(t LockType) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.freed:
		return ErrFreed
	case len(l.holds) > 0:
		return ErrHeld
	case t != l.typ:
		return ErrLockType
	}
	l.freed = true
	return nil
}

// misuse reports a mistake and returns it, in case the program survives that.
// l.mu is not held: the fatal callback may use the lock.
func (l *debugLock) misuse(op string, err error) error {
	err = fmt.Errorf("evthread: %s %v %p by thread %d: %w", op, l.typ, l, ID(), err)
	evlog.Fatal(err)
	return err
}

// A debugCond checks that a waiting thread holds the lock that it waits with.
type debugCond struct{ inner Cond }

func (c *debugCond) Signal(broadcast bool) { c.inner.Signal(broadcast) }

func (c *debugCond) Wait(l Lock, timeout time.Duration) (timedOut bool, err error) {
	d, ok := l.(*debugLock)
	if !ok {
		return c.inner.Wait(l, timeout)
	}
	h, depth := d.suspend()
	if depth == 0 {
		return false, d.misuse("wait with", ErrNotHeld)
	}
	defer d.resume(h.mode, depth)
	return c.inner.Wait(d.inner, timeout)
}
