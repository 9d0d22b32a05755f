package evbuffer

import (
	"fmt"
	"reflect"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// extras is what few buffers have.
type extras struct {
	lock     evthread.Lock // or nil
	owned    bool          // lock was made for this buffer
	deferral *deferral     // or nil
}

func (b *Buffer) extra() *extras {
	if b.extras == nil {
		b.extras = new(extras)
	}
	return b.extras
}

// free gives the lock back, if it was made for the buffer.
func (x *extras) free() {
	if x.owned {
		evthread.FreeLock(x.lock, evthread.Recursive)
	}
}

// EnableLocking makes all operations on the buffer take a lock, so that any
// goroutine may use it. lock must be recursive; with nil the buffer makes one
// of its own, for which an implementation must be installed (see the package
// evthread). Cleanups and callbacks run with the lock held, too; beware of
// deadlocks. Call this before the buffer is shared. The error is ErrLocking if
// the buffer has a lock already, or there is none to be had
// (evbuffer_enable_locking).
func (b *Buffer) EnableLocking(lock evthread.Lock) error {
	const op = "enable locking"
	if b.extras != nil && b.extras.lock != nil {
		return opError(op, ErrLocking)
	}
	owned := false
	if lock == nil {
		var err error
		if lock, err = evthread.NewLock(evthread.Recursive); err != nil {
			return opError(op, err)
		}
		if lock == nil {
			return opError(op, ErrLocking)
		}
		owned = true
	}
	x := b.extra()
	x.lock, x.owned = lock, owned
	return nil
}

// Lock takes the buffer's lock, so that several operations look like one to
// other goroutines. Without a lock it does nothing (evbuffer_lock).
func (b *Buffer) Lock() { b.enter() }

// Unlock undoes one Lock (evbuffer_unlock).
func (b *Buffer) Unlock() {
	if b.extras != nil {
		guard{b.extras.lock}.leave()
	}
}

// A guard is the lock that an operation holds, or nothing. Operations keep it
// rather than look the lock up again, for a callback may have freed the buffer.
type guard struct{ lock evthread.Lock }

// enter begins an operation; leaving the guard ends it.
func (b *Buffer) enter() guard {
	if b.extras == nil {
		return guard{}
	}
	return acquire(b.extras.lock)
}

func acquire(lock evthread.Lock) guard {
	if lock == nil {
		return guard{}
	}
	if err := lock.Lock(0); err != nil {
		evlog.Fatal(fmt.Errorf("evbuffer: %w", err))
		return guard{}
	}
	return guard{lock}
}

func (g guard) leave() {
	if g.lock == nil {
		return
	}
	if err := g.lock.Unlock(0); err != nil {
		evlog.Fatal(fmt.Errorf("evbuffer: %w", err))
	}
}

// guards are the locks that an operation on two buffers holds.
type guards struct{ first, second guard }

// enterBoth begins an operation on two buffers. It takes the locks in the same
// order whichever buffer comes first, so that two goroutines that move data in
// opposite directions do not wait for each other.
func enterBoth(b, c *Buffer) guards {
	switch {
	case b.extras == nil:
		return guards{first: c.enter()}
	case c.extras == nil:
		return guards{first: b.enter()}
	}
	first, second := b.extras.lock, c.extras.lock
	if address(first) > address(second) {
		first, second = second, first
	}
	return guards{acquire(first), acquire(second)}
}

func (g guards) leave() {
	g.second.leave()
	g.first.leave()
}

// address gives locks an order.
func address(lock evthread.Lock) uintptr {
	v := reflect.ValueOf(lock)
	if v.Kind() != reflect.Pointer {
		return 0
	}
	return v.Pointer()
}
