package bufferevent

import (
	"slices"

	"github.com/go-libevent/libevent/core/event"
)

// pending says which data callbacks are deferred. Deferred events are in
// rare.events. Whether there is a callback for any of them shows when they are
// delivered: it may be set after the call that has caused them.
type pending struct {
	read, write bool
}

// A pendingEvent is an event that is deferred. Events are delivered one after the
// other, so that each can be told by its meaning and has its own Err.
type pendingEvent struct {
	what      Events
	err       error // what Err returns in the callback
	afterRead bool  // it comes after all that is to be read
}

// deferCallbacks has the loop call what is pending.
func (b *Bufferevent) deferCallbacks() {
	x := b.rareFields()
	if x.deferral.Data == nil {
		x.deferral.Init(b.base, b.priority(), runDeferred)
		x.deferral.Data = b
	}
	x.deferral.Schedule()
}

// deferEvent has the loop deliver an event after those that wait already, but for
// connections, which come first. One without an error of its own is delivered
// once, however often it is deferred.
func (b *Bufferevent) deferEvent(what Events, err error) {
	x := b.rareFields()
	for _, e := range x.events {
		if err == nil && e.what == what {
			return
		}
	}
	at := len(x.events)
	if what&EventConnected != 0 {
		at = 0
	}
	x.events = slices.Insert(x.events, at, pendingEvent{what: what, err: b.err})
	b.deferCallbacks()
}

func (b *Bufferevent) eventsPending() bool { return b.rare != nil && len(b.rare.events) > 0 }

// eventPending reports whether all of what is in an event that is pending.
func (b *Bufferevent) eventPending(what Events) bool {
	return b.rare != nil && slices.ContainsFunc(b.rare.events, func(e pendingEvent) bool { return e.what&what == what })
}

// lastAfterRead has the event that was deferred last wait for the read callback.
func (b *Bufferevent) lastAfterRead() {
	if b.eventsPending() {
		b.rare.events[len(b.rare.events)-1].afterRead = true
	}
}

// dropEvents forgets the events that are pending.
func (b *Bufferevent) dropEvents() {
	if b.rare != nil {
		b.rare.events = nil
	}
}

// runDeferred calls what is pending.
func runDeferred(d *event.Deferred) {
	b := d.Data.(*Bufferevent)
	if !b.begin() {
		return
	}
	defer b.end()
	defer b.deferRest()
	b.runPending()
}

// deferRest has the loop call what is still pending, if a callback has panicked.
func (b *Bufferevent) deferRest() {
	if b.pending.read || b.pending.write || b.eventsPending() {
		b.deferCallbacks()
	}
}

// runPending calls what is pending: a connection that was made comes before the
// reading and writing on it, and an end or error after that. What the callbacks
// defer is left to the next iteration.
func (b *Bufferevent) runPending() {
	x := b.rare
	events := len(x.events)
	for ; events > 0 && b.eventsPending() && x.events[0].what&EventConnected != 0; events-- {
		b.deliverEvent()
	}
	if b.pending.read {
		b.pending.read = false
		before := b.input.Len()
		b.callData(b.callbacks.read)
		b.readAgain(before)
	}
	if b.pending.write {
		b.pending.write = false
		b.callData(b.callbacks.write)
	}
	for ; events > 0 && b.eventsPending(); events-- {
		// The read callback may have made room for more, and be pending again.
		if x.events[0].afterRead && b.pending.read {
			break
		}
		b.deliverEvent()
	}
}

// deliverEvent reports the first event that is pending.
func (b *Bufferevent) deliverEvent() {
	x := b.rare
	e := x.events[0]
	if x.events = x.events[1:]; len(x.events) == 0 {
		x.events = nil
	}
	b.err = e.err
	b.callEvent(e.what)
}

func (b *Bufferevent) callData(fn DataCallback) {
	if fn == nil {
		return
	}
	if b.options&UnlockCallbacks != 0 {
		b.unlock()
		defer b.lock()
	}
	fn(b)
}

func (b *Bufferevent) callEvent(what Events) {
	fn := b.callbacks.event
	if fn == nil {
		return
	}
	if b.options&UnlockCallbacks != 0 {
		b.unlock()
		defer b.lock()
	}
	fn(b, what)
}
