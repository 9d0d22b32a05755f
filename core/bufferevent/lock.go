package bufferevent

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evthread"
)

// Bufferevents that call one another, which are those of a stack and the halves of
// a pair, share one guard. Its lock is freed when none of them is left in memory:
// until then methods may be called, if only to return that it was freed.

// lock takes the lock, if there is one. Locks are recursive.
func (b *Bufferevent) lock() {
	if x := b.rare; x != nil {
		x.guard.Lock()
	}
}

func (b *Bufferevent) unlock() {
	if x := b.rare; x != nil {
		x.guard.Unlock()
	}
}

// locked reports whether the bufferevent has a lock.
func (b *Bufferevent) locked() bool { return b.rare != nil && b.rare.guard.HasLock() }

// confine has debug mode check which goroutine uses a bufferevent without a lock.
func (b *Bufferevent) confine() {
	if b.locked() {
		return
	}
	if g := b.base.Guard("bufferevent"); !g.IsZero() || b.rare != nil {
		b.rareFields().guard = g
	}
}

// enableLocking gives the bufferevent a lock: that of the one it stands on, or
// else a new one, which the whole stack below then gets too, and the partners of
// those that are halves of a pair. An operation that has found no lock to take must
// find none to release; so a bufferevent cannot get one while it is in use.
func (b *Bufferevent) enableLocking() error {
	below := b.wrapped()
	if below != nil && below.locked() {
		return b.share(below.rare.guard)
	}
	for ; below != nil; below = below.wrapped() {
		if other := below.partner(); below.inUse() || other != nil && other.inUse() {
			return fmt.Errorf("%s is in use without a lock: %w", below.kind(), ErrOptions)
		}
	}
	guard, err := evthread.NewLockGuard("bufferevent")
	if err != nil {
		return err
	}
	for ; b != nil && err == nil; b = b.wrapped() {
		err = b.share(guard)
	}
	return err
}

// share gives the bufferevent the lock of another, unless it has one. The halves of a
// pair have the same one.
func (b *Bufferevent) share(guard evthread.Guard) error {
	if b.locked() {
		return nil
	}
	b.rareFields().guard = guard
	if err := b.input.EnableLocking(guard.Mutex()); err != nil {
		return err
	}
	if err := b.output.EnableLocking(guard.Mutex()); err != nil {
		return err
	}
	if other := b.partner(); other != nil {
		return other.share(guard)
	}
	return nil
}

// inUse reports whether there is a reference besides the one that the bufferevent
// was made with and that of the transport above. Each operation has one.
func (b *Bufferevent) inUse() bool {
	refs := b.refs
	if b.rare != nil && b.rare.above != nil {
		refs--
	}
	return refs > 1
}

// Lock takes the lock and a reference, so that several operations look like one
// to other goroutines. Unlock undoes it. Without ThreadSafe only the reference
// has a meaning (bufferevent_lock).
func (b *Bufferevent) Lock() {
	b.lock()
	b.retain()
}

// Unlock undoes Lock (bufferevent_unlock).
func (b *Bufferevent) Unlock() { b.end() }
