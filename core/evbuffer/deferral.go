package evbuffer

import "github.com/go-libevent/libevent/core/event"

// A deferral is how a buffer has its callbacks called from the loop of a base.
type deferral struct {
	buffer *Buffer
	rare   *rareFields // of the buffer, which may have got others by the time we run
	task   event.Deferred

	due int // how often run will come; another goroutine's loop may have begun to
}

// DeferCallbacks makes the buffer's callbacks come from the loop of a base, some
// time after the change, rather than from within the call that made it. Changes
// until then are summed up. This keeps buffers that feed one another from
// calling each other deeper and deeper, and lets all callbacks run in one
// goroutine. There is no way back; another call chooses another base. The error
// is event.ErrNil if base is nil (evbuffer_defer_callbacks).
func (b *Buffer) DeferCallbacks(base *event.Base) error {
	if base == nil {
		return opError("defer callbacks", event.ErrNil)
	}
	defer b.enter().leave()
	x := b.needRare()
	d := &deferral{buffer: b, rare: x}
	x.cancelDeferral()
	d.task.Init(base, base.Priorities()/2, d.run)
	x.deferral = d
	d.schedule()
	return nil
}

// schedule makes the loop call run if there is something to tell.
func (d *deferral) schedule() {
	if u := d.rare.unreported; u != nil && u.any() && d.task.Schedule() {
		d.due++
	}
}

// cancelDeferral drops the call that is due, if any, and defers nothing any
// more. It may come too late: then the loop waits for the lock to make the call,
// and will notice.
func (x *rareFields) cancelDeferral() {
	d := x.deferral
	x.deferral = nil
	if d == nil {
		return
	}
	if d.due > 0 && d.task.Cancel() {
		d.due--
	}
	x.holds += d.due // until run
}

// run is what the loop calls. It calls the callbacks that have waited, unless
// the buffer was freed or the loop of another base has taken over.
func (d *deferral) run(*event.Deferred) {
	defer d.rare.enter().leave()
	d.due--
	if d.rare.deferral != d {
		d.rare.holds--
		return
	}
	if u := d.rare.unreported; u != nil {
		u.callDeferred(d.buffer)
	}
}
