package bufferevent

import (
	"fmt"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// extras is what few bufferevents have.
type extras struct {
	mu       evthread.Lock // or nil
	ownsLock bool          // mu was made for this bufferevent
	deferral event.Deferred
	limit    *limiter  // or nil
	above    Transport // that has the callbacks, or nil
	dnsErr   error
}

func (b *Bufferevent) extra() *extras {
	if b.extras == nil {
		b.extras = new(extras)
	}
	return b.extras
}

// lock takes the lock, if there is one. Locks are recursive.
func (b *Bufferevent) lock() {
	if x := b.extras; x != nil && x.mu != nil {
		if err := x.mu.Lock(0); err != nil {
			evlog.Fatal(fmt.Errorf("bufferevent: %w", err))
		}
	}
}

func (b *Bufferevent) unlock() {
	if x := b.extras; x != nil && x.mu != nil {
		x.unlock()
	}
}

func (x *extras) unlock() {
	if err := x.mu.Unlock(0); err != nil {
		evlog.Fatal(fmt.Errorf("bufferevent: %w", err))
	}
}

// enableLocking gives the bufferevent a lock: that of the one it stands on, or
// else one of its own, which the one below then gets too.
func (b *Bufferevent) enableLocking() error {
	below := b.wrapped()
	if below != nil && below.mutex() != nil {
		return b.setLock(below.mutex(), false)
	}
	mu, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return err
	}
	if mu == nil {
		return ErrNoLocks
	}
	if err := b.setLock(mu, true); err != nil {
		return err
	}
	for ; below != nil; below = below.wrapped() {
		if err := below.setLock(mu, false); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bufferevent) mutex() evthread.Lock {
	if b.extras == nil {
		return nil
	}
	return b.extras.mu
}

func (b *Bufferevent) setLock(mu evthread.Lock, own bool) error {
	x := b.extra()
	x.mu, x.ownsLock = mu, own
	if err := b.input.EnableLocking(mu); err != nil {
		return err
	}
	return b.output.EnableLocking(mu)
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

// IncRef adds a reference, which keeps the bufferevent from being freed until
// DecRef. It is too late once the last one has gone (bufferevent_incref).
func (b *Bufferevent) IncRef() {
	b.lock()
	defer b.unlock()
	b.retain()
}

// retain adds a reference, but not to what was destroyed.
func (b *Bufferevent) retain() bool {
	if b.refs == 0 {
		return false
	}
	b.refs++
	return true
}

// DecRef gives up a reference, and reports whether that was the last one: then
// the bufferevent is freed, without a word to anybody (bufferevent_decref).
func (b *Bufferevent) DecRef() bool {
	b.lock()
	return b.end()
}

// Free takes the callbacks away and gives up the reference that the bufferevent
// was made with. With the last reference, everything ends at once: what is in
// the buffers is dropped, and with CloseOnFree the descriptor is closed or the
// underlying bufferevent freed. Callbacks, its own too, may free a bufferevent;
// no callback of it runs after that. Free it once (bufferevent_free).
func (b *Bufferevent) Free() {
	b.lock()
	if b.freed || b.refs == 0 {
		b.unlock()
		return
	}
	b.freed = true
	b.callbacks = callbacks{}
	b.end()
}

// begin takes the lock and a reference, unless the bufferevent was freed.
func (b *Bufferevent) begin() bool {
	b.lock()
	if b.retain() {
		return true
	}
	b.unlock()
	return false
}

// end gives up a reference and the lock, and reports whether the reference was
// the last one.
func (b *Bufferevent) end() bool {
	if b.refs == 1 {
		b.refs = 0
		b.destroy()
		return true
	}
	b.refs = max(b.refs-1, 0)
	b.unlock()
	return false
}

// destroy ends everything, and gives up the lock.
func (b *Bufferevent) destroy() {
	b.freed = true
	b.callbacks = callbacks{}
	b.input.SetObserver(nil)
	b.output.SetObserver(nil)
	b.transport.Unlink()
	if b.write != nil {
		b.write.Free()
	}
	for _, buffer := range []*evbuffer.Buffer{&b.input, &b.output} {
		buffer.Free()
		buffer.Freeze(evbuffer.Front)
		buffer.Freeze(evbuffer.Back)
	}
	x := b.extras
	if x == nil {
		b.read.Free()
		return
	}
	x.limit.leave(b)
	x.deferral.Cancel()
	if x.mu == nil {
		b.read.Free()
		return
	}
	b.destroyLocked(x)
}

// destroyLocked gives the lock back once the loop, which may be waiting for it
// at this moment, cannot need it any more.
func (b *Bufferevent) destroyLocked(x *extras) {
	release := func(*event.Event) {
		if x.ownsLock {
			evthread.FreeLock(x.mu, evthread.Recursive)
		}
	}
	err := b.read.Finalize(release)
	x.unlock()
	if err != nil { // the base was freed, so that nobody is waiting
		release(nil)
	}
}
