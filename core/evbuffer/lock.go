package evbuffer

import (
	"fmt"
	"reflect"

	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// rareFields are what few buffers have. They outlive the buffer's Free until nobody
// holds or awaits the lock any more.
type rareFields struct {
	lock       evthread.Lock // or nil
	owned      bool          // lock was made for this buffer
	unreported *unreported   // by callbacks, or nil if there were none
	deferral   *deferral     // or nil
	// spare is an empty chunk of its own storage, for what comes after the
	// last one, or nil. Only Expand and Reserve leave one behind.
	spare *chunk

	// What follows is guarded by lock, and not used without one.
	holds int  // operations under way, and deferred calls that could not be cancelled
	freed bool // the last one of holds gives the lock back
}

func (b *Buffer) needRare() *rareFields {
	if b.rare == nil {
		b.rare = new(rareFields)
	}
	return b.rare
}

// EnableLocking makes all operations on the buffer take a lock, so that any
// goroutine may use it. lock must be recursive; with nil the buffer makes one
// of its own, for which an implementation must be installed (see the package
// evthread). Operations on two buffers take both locks, in the order of their
// addresses; so a lock must have one: be a pointer, a channel, a map or a
// function. Cleanups and callbacks run with the lock held, too; beware of
// deadlocks. Call this before the buffer is shared. The error is ErrLocking if
// the buffer has a lock already, lock has no address, or there is none to be had
// (evbuffer_enable_locking).
func (b *Buffer) EnableLocking(lock evthread.Lock) error {
	const op = "enable locking"
	if b.rare != nil && b.rare.lock != nil {
		return opError(op, ErrLocking)
	}
	owned := false
	if lock == nil {
		var err error
		if lock, err = evthread.NewLock(evthread.Recursive); err != nil {
			return opError(op, err)
		}
		owned = true
	}
	if address(lock) == 0 {
		return opError(op, ErrLocking)
	}
	x := b.needRare()
	x.lock, x.owned = lock, owned
	return nil
}

// Lock takes the buffer's lock, so that several operations look like one to
// other goroutines. Without a lock it does nothing. Do not free the buffer before
// Unlock (evbuffer_lock).
func (b *Buffer) Lock() { b.enter() }

// Unlock undoes one Lock (evbuffer_unlock).
func (b *Buffer) Unlock() {
	guard{b.rare}.leave()
}

// A guard has the lock that an operation holds, or nothing. Operations keep it
// rather than look the lock up again, for a callback may have freed the buffer.
type guard struct{ rare *rareFields }

// enter begins an operation; leaving the guard ends it.
func (b *Buffer) enter() guard {
	if b.rare == nil {
		return guard{}
	}
	return b.rare.enter()
}

func (x *rareFields) enter() guard {
	if x.lock == nil {
		return guard{}
	}
	if err := x.lock.Lock(0); err != nil {
		evlog.Fatal(fmt.Errorf("evbuffer: %w", err))
		return guard{}
	}
	x.holds++
	return guard{x}
}

func (g guard) leave() {
	if g.rare != nil {
		g.rare.leave()
	}
}

func (x *rareFields) leave() {
	if x.lock == nil {
		return
	}
	x.holds--
	last := x.freed && x.holds == 0
	if err := x.lock.Unlock(0); err != nil {
		evlog.Fatal(fmt.Errorf("evbuffer: %w", err))
	}
	if last && x.owned {
		evthread.FreeLock(x.lock, evthread.Recursive)
	}
}

// guards are the locks that an operation on two buffers holds.
type guards struct{ first, second guard }

// enterBoth begins an operation on two buffers. It takes the locks in the same
// order whichever buffer comes first, so that two goroutines that move data in
// opposite directions do not wait for each other.
func enterBoth(b, c *Buffer) guards {
	switch {
	case b.rare == nil:
		return guards{first: c.enter()}
	case c.rare == nil:
		return guards{first: b.enter()}
	}
	first, second := b.rare, c.rare
	if address(first.lock) > address(second.lock) {
		first, second = second, first
	}
	return guards{first.enter(), second.enter()}
}

func (g guards) leave() {
	g.second.leave()
	g.first.leave()
}

// address gives locks an order. It is 0 for one that has no address, and for
// none.
func address(lock evthread.Lock) uintptr {
	switch v := reflect.ValueOf(lock); v.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.Map, reflect.Func:
		return v.Pointer()
	}
	return 0
}
