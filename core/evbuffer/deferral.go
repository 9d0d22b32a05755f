package evbuffer

import "github.com/go-libevent/libevent/core/event"

// A deferral is how a buffer has its callbacks called from the loop of a base.
type deferral struct {
	buffer *Buffer
	extras *extras // the buffer's; it may have lost them by the time we run
	task   event.Deferred

	added, deleted int // since the callbacks were last called
}

// DeferCallbacks makes the buffer's callbacks come from the loop of a base, some
// time after the change, rather than from within the call that made it. Changes
// until then are summed up. This keeps buffers that feed one another from
// calling each other deeper and deeper, and lets all callbacks run in one
// goroutine. There is no way back; another call chooses another base. The error
// is ErrNil if base is nil (evbuffer_defer_callbacks).
func (b *Buffer) DeferCallbacks(base *event.Base) error {
	if base == nil {
		return opError("defer callbacks", ErrNil)
	}
	defer b.enter().leave()
	x := b.extra()
	d := &deferral{buffer: b, extras: x}
	if old := x.deferral; old != nil {
		d.added, d.deleted = old.added, old.deleted
		x.cancelDeferral()
	}
	d.task.Init(base, base.Priorities()/2, d.run)
	x.deferral = d
	if d.added > 0 || d.deleted > 0 {
		d.task.Schedule()
	}
	return nil
}

// cancelDeferral drops a call that is due, and defers nothing any more.
func (x *extras) cancelDeferral() {
	if x.deferral != nil {
		x.deferral.task.Cancel()
		x.deferral = nil
	}
}

// postpone adds a change up until the loop comes to it, and tells only those
// callbacks at once that do not wait.
func (d *deferral) postpone(added, deleted int) {
	d.added += added
	d.deleted += deleted
	d.task.Schedule()
	d.buffer.call(d.info(), CallbackEnabled|CallbackNoDefer, CallbackEnabled|CallbackNoDefer)
}

func (d *deferral) info() CallbackInfo {
	return CallbackInfo{
		Orig:    d.buffer.length + d.deleted - d.added,
		Added:   d.added,
		Deleted: d.deleted,
	}
}

// run is what the loop calls.
func (d *deferral) run(*event.Deferred) {
	defer acquire(d.extras.lock).leave()
	if d.extras.deferral != d {
		return // the buffer was freed, or has another base
	}
	info := d.info()
	d.added, d.deleted = 0, 0
	d.buffer.call(info, CallbackEnabled|CallbackNoDefer, CallbackEnabled)
}
