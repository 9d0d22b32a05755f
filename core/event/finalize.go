package event

import "github.com/go-libevent/libevent/core/internal/evlog"

// Free deletes the event, like Del, and makes it unassigned, as if it were zero
// (event_free).
func (ev *Event) Free() {
	if ev == nil || ev.base == nil {
		return
	}
	b := ev.base
	b.enter()
	defer b.leave()
	if ev.flags&flagAssigned == 0 || ev.flags&flagFinalizing != 0 {
		return
	}
	if err := b.del(ev); err != nil {
		evlog.Logf(evlog.Debug, "event free: %v", err)
	}
	if ev.what&Finalize == 0 && b.awaitCallback(ev) {
		_ = b.del(ev) // what the callback may have added
	}
	if ev.flags&flagFinalizing == 0 {
		ev.flags = 0
	}
}

// Finalize ends the event in a base that several threads use: it deletes the
// event without waiting and has the loop call cb, once no callback of the event
// can be running any more. Then the event is unassigned. Until then every use
// of it is refused. A nil cb is none (event_finalize).
func (ev *Event) Finalize(cb func(ev *Event)) error {
	b, err := ev.enter("finalize")
	if err != nil {
		return err
	}
	defer b.leave()
	if !b.usable && !b.freeing {
		return misuse("finalize", ErrFreed)
	}
	if ev.flags&flagFinalizing != 0 {
		return misuse("finalize", ErrFinalizing)
	}
	if err := b.del(ev); err != nil {
		evlog.Logf(evlog.Debug, "event finalize: %v", err)
	}
	ev.kind = kindFinalize
	ev.callback = nil
	if cb != nil {
		ev.callback = func(ev *Event, _ What) { cb(ev) }
	}
	b.activate(&ev.task, Finalize)
	ev.flags |= flagFinalizing
	b.notify()
	return nil
}

// FreeFinalize is Finalize. In C it also frees the event's memory, which is the
// garbage collector's work here (event_free_finalize).
func (ev *Event) FreeFinalize(cb func(ev *Event)) error { return ev.Finalize(cb) }
