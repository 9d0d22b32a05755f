package event

// Free deletes the event and makes it unassigned, as if it were zero
// (event_free).
func (ev *Event) Free() {
	if ev.base == nil || ev.flags&flagAssigned == 0 {
		return
	}
	ev.Del()
	ev.base.enter()
	if ev.flags&flagFinalizing == 0 {
		ev.flags = 0
	}
	ev.base.leave()
}

// Finalize ends the event in a base that several threads use: it deletes the
// event without waiting and has the loop call cb, once no callback of the event
// can be running any more. Then the event is unassigned. Until then every use
// of it is refused (event_finalize).
func (ev *Event) Finalize(cb func(ev *Event)) error {
	b, err := ev.enter("finalize")
	if err != nil {
		return err
	}
	defer b.leave()
	if b.freed {
		return misuse("finalize", ErrFreed)
	}
	if ev.flags&flagFinalizing != 0 {
		return misuse("finalize", ErrFinalizing)
	}
	if err := b.del(ev); err != nil {
		return err
	}
	ev.kind = kindFinalize
	ev.callback = func(ev *Event, _ What) { cb(ev) }
	b.activate(&ev.task, Finalize)
	ev.flags |= flagFinalizing
	b.notify()
	return nil
}

// FreeFinalize is Finalize. In C it also frees the event's memory, which is the
// garbage collector's work here (event_free_finalize).
func (ev *Event) FreeFinalize(cb func(ev *Event)) error { return ev.Finalize(cb) }
