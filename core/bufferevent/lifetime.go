package bufferevent

import (
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// extras is what few bufferevents have.
type extras struct {
	mu       *sharedLock // or nil
	deferral event.Deferred
	events   []pendingEvent // that are deferred
	limit    *limiter       // or nil
	above    Transport      // that has the callbacks, or nil
	corked   bool           // additions to the output are to be noticed later
	corkedAt int            // the length of the output when that began
	heldIn   int            // see Control.HoldInput
	heldOut  int            // see Control.HoldOutput
	lent     time.Duration  // the write timeout of the transport above
	drain    *drainWait     // or nil
	dnsErr   error
	brokenBy error          // what writing has failed with
	refusal  error          // why Write has nobody to write to, or nil
	peerName string         // of the host, see NamePeer
	local    netip.AddrPort // of sockets to connect, or zero

	roomWanted bool       // the transport above waits for room in the output
	expired    event.What // what a timeout has disabled, for the transport above
}

// A sharedLock is the lock of one bufferevent, or of several that call one
// another. It is given back when none of them is left in memory: until then
// somebody may use them, if only to learn that they were freed.
type sharedLock struct {
	lock evthread.Lock
}

func newSharedLock(lock evthread.Lock) *sharedLock {
	mu := &sharedLock{lock: lock}
	runtime.AddCleanup(mu, func(lock evthread.Lock) { evthread.FreeLock(lock, evthread.Recursive) }, lock)
	return mu
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
		x.lock()
	}
}

func (x *extras) lock() {
	if err := x.mu.lock.Lock(0); err != nil {
		evlog.Fatal(fmt.Errorf("bufferevent: %w", err))
	}
}

func (b *Bufferevent) unlock() {
	if x := b.extras; x != nil && x.mu != nil {
		x.unlock()
	}
}

func (x *extras) unlock() {
	if err := x.mu.lock.Unlock(0); err != nil {
		evlog.Fatal(fmt.Errorf("bufferevent: %w", err))
	}
}

// enableLocking gives the bufferevent a lock: that of the one it stands on, or
// else a new one, which the one below then gets too.
func (b *Bufferevent) enableLocking() error {
	below := b.wrapped()
	if below != nil && below.mutex() != nil {
		return b.setLock(below.mutex())
	}
	for ; below != nil; below = below.wrapped() {
		if other := below.partner(); below.inUse() || other != nil && other.inUse() {
			return fmt.Errorf("%s is in use without a lock: %w", below.kind(), ErrOptions)
		}
	}
	lock, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return err
	}
	if lock == nil {
		return ErrNoLocks
	}
	mu := newSharedLock(lock)
	for ; b != nil && err == nil; b = b.wrapped() {
		err = b.setLock(mu)
	}
	return err
}

func (b *Bufferevent) mutex() *sharedLock {
	if b.extras == nil {
		return nil
	}
	return b.extras.mu
}

// setLock gives the bufferevent a lock, unless it has one. The halves of a pair
// have the same one.
func (b *Bufferevent) setLock(mu *sharedLock) error {
	if b.mutex() != nil {
		return nil
	}
	b.extra().mu = mu
	if err := b.input.EnableLocking(mu.lock); err != nil {
		return err
	}
	if err := b.output.EnableLocking(mu.lock); err != nil {
		return err
	}
	if other := b.partner(); other != nil {
		return other.setLock(mu)
	}
	return nil
}

// inUse reports whether somebody has a reference besides the one that the
// bufferevent was made with and that of the transport above: perhaps a method
// that has found no lock to take, and must find none to give up.
func (b *Bufferevent) inUse() bool {
	refs := b.refs
	if b.extras != nil && b.extras.above != nil {
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
// no callback of it runs after that. Free it once; see FreeWhenWritten for an end
// in order (bufferevent_free).
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
	b.input.Own(nil)
	b.output.Own(nil)
	b.transport.Unlink()
	if b.write != nil {
		b.write.Free()
	}
	b.input.Retire()
	b.output.Retire()
	b.read.Free()
	if x := b.extras; x != nil {
		x.limit.leave(b)
		x.deferral.Cancel()
		x.drain.stop()
	}
	b.unlock()
}
