package evbuffer

// A change is what an operation has done to a buffer. It is noted once it is
// complete. The changes of both buffers of a move are noted before the callbacks of
// either are called, because those of the one may change the other.
type change struct {
	buffer               *Buffer
	orig, added, deleted int
}

// changed tells the callbacks and the observer of a change. orig is the length
// before it. Most buffers have an observer at most.
func (b *Buffer) changed(orig, added, deleted int) {
	switch {
	case added == 0 && deleted == 0:
	case b.callbacks != nil:
		c := change{b, orig, added, deleted}
		c.note()
		c.tell()
	case b.observer != nil:
		b.observer.BufferChanged(b, CallbackInfo{Orig: orig, Added: added, Deleted: deleted})
	}
}

// changedBoth does what changed does for two buffers, for the first one first. A
// callback that panics does not keep the second from being told.
func changedBoth(first, second change) {
	first.note()
	second.note()
	defer second.tell()
	first.tell()
}

// note adds the change to what the callbacks have not been told yet.
func (c *change) note() {
	if b := c.buffer; b.callbacks != nil {
		b.rare.unreported.added += c.added
		b.rare.unreported.deleted += c.deleted
	}
}

// tell calls the callbacks with all that was noted, unless they are deferred, and
// then the observer with the change.
func (c *change) tell() {
	if c.buffer.callbacks != nil {
		c.callCallbacks()
	} else {
		c.callObserver()
	}
}

func (c *change) callObserver() {
	if o := c.buffer.observer; o != nil {
		o.BufferChanged(c.buffer, CallbackInfo{Orig: c.orig, Added: c.added, Deleted: c.deleted})
	}
}

// callCallbacks calls the observer, too, even if a callback panics.
func (c *change) callCallbacks() {
	defer c.callObserver()
	b := c.buffer
	d := b.rare.deferral
	if d == nil {
		b.rare.unreported.reportAll(b)
		return
	}
	d.schedule()
	b.rare.unreported.reportUndeferred(b)
}

// unreported is what has changed since the callbacks were last called, and the round
// in which they are called, which is not over while a callback changes the buffer.
type unreported struct {
	added, deleted int
	round          round
}

// A round calls one callback after another with the same figures. What changes
// meanwhile is for the next round, which begins by completing this one.
type round struct {
	info       CallbackInfo
	next       *CallbackEntry // whose turn it is, or nil
	mask, want CallbackFlags  // which to call: those whose flags, as far as mask goes, are want
}

// reportAll calls all callbacks.
func (u *unreported) reportAll(b *Buffer) {
	u.begin(b, CallbackEnabled, CallbackEnabled)
}

// callDeferred calls those that have been waiting for the loop.
func (u *unreported) callDeferred(b *Buffer) {
	u.begin(b, CallbackEnabled|CallbackNoDefer, CallbackEnabled)
}

// reportUndeferred calls those that do not wait. The others will be told of the
// same.
func (u *unreported) reportUndeferred(b *Buffer) {
	u.round.run()
	if u.any() {
		u.round = round{u.info(b), b.callbacks, CallbackEnabled | CallbackNoDefer, CallbackEnabled | CallbackNoDefer}
		u.round.run()
	}
}

func (u *unreported) begin(b *Buffer, mask, want CallbackFlags) {
	u.round.run()
	if u.any() { // otherwise a callback has changed the buffer, and all were told
		u.round = round{u.info(b), b.callbacks, mask, want}
		u.added, u.deleted = 0, 0
		u.round.run()
	}
}

func (u *unreported) any() bool { return u.added > 0 || u.deleted > 0 }

func (u *unreported) info(b *Buffer) CallbackInfo {
	return CallbackInfo{Orig: b.length + u.deleted - u.added, Added: u.added, Deleted: u.deleted}
}

// run calls those that have not been called yet.
func (r *round) run() {
	for r.next != nil {
		e := r.next
		r.next = e.next
		if !e.removed && e.flags&r.mask == r.want && e.fn != nil {
			e.fn(e, r.info)
		}
	}
}
