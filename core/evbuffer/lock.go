package evbuffer

import (
	"reflect"

	"github.com/go-libevent/libevent/core/evthread"
)

// rareFields are what few buffers have. They outlive the buffer's Free until no goroutine
// holds or awaits the lock any more.
type rareFields struct {
	guard      evthread.Guard // of the lock, or zero
	owned      bool           // the lock was made for this buffer
	unreported *unreported    // by callbacks, or nil if there were none
	deferral   *deferral      // or nil
	// spare is an empty chunk of its own storage, for what comes after the
	// last one, or nil. Only Expand and Reserve leave one behind.
	spare *chunk

	// What follows is guarded by the lock, and is not used without one.
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
	if b.rare != nil && b.rare.guard.HasLock() {
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
	x.guard, x.owned = evthread.NewGuard("evbuffer", lock, nil), owned
	return nil
}

// Lock takes the buffer's lock, so that several operations look like one to
// other goroutines. Without a lock it does nothing. Do not free the buffer before
// Unlock (evbuffer_lock).
func (b *Buffer) Lock() { b.enter() }

// Unlock undoes one Lock (evbuffer_unlock).
func (b *Buffer) Unlock() {
	hold{b.rare}.leave()
}

// A hold is the lock that an operation has, or nothing. Operations keep it rather
// than look the lock up again, for a callback may have freed the buffer.
type hold struct{ rare *rareFields }

// enter begins an operation; leaving the hold ends it.
func (b *Buffer) enter() hold {
	if b.rare == nil {
		return hold{}
	}
	return b.rare.enter()
}

func (x *rareFields) enter() hold {
	if x.guard.IsZero() || !x.guard.Lock() {
		return hold{}
	}
	x.holds++
	return hold{x}
}

func (h hold) leave() {
	if h.rare != nil {
		h.rare.leave()
	}
}

func (x *rareFields) leave() {
	if x.guard.IsZero() {
		return
	}
	x.holds--
	last := x.freed && x.holds == 0
	x.guard.Unlock()
	if last && x.owned {
		evthread.FreeLock(x.guard.Mutex(), evthread.Recursive)
	}
}

// holds are the locks that an operation on two buffers has.
type holds struct{ first, second hold }

// enterBoth begins an operation on two buffers. It takes the locks in the same
// order whichever buffer comes first, so that two goroutines that move data in
// opposite directions do not wait for each other.
func enterBoth(b, c *Buffer) holds {
	switch {
	case b.rare == nil:
		return holds{first: c.enter()}
	case c.rare == nil:
		return holds{first: b.enter()}
	}
	first, second := b.rare, c.rare
	if address(first.guard.Mutex()) > address(second.guard.Mutex()) {
		first, second = second, first
	}
	return holds{first.enter(), second.enter()}
}

func (h holds) leave() {
	h.second.leave()
	h.first.leave()
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
