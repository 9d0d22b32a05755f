package event

import (
	"fmt"
	"time"
)

// Once runs cb once: when fd is ready for what, a set of Read, Write and
// Closed, or when timeout has passed, whichever comes first; with what
// Timeout, fd is not looked at. A negative timeout is none. There is no event
// for the caller to keep (event_base_once).
func (b *Base) Once(fd int, what What, timeout time.Duration, cb Callback) error {
	if what == 0 || what&^(Timeout|ioWhat) != 0 {
		return misuse(fmt.Sprint("once ", what), ErrBadWhat)
	}
	what &= ioWhat
	if what == 0 {
		fd = -1
		timeout = max(timeout, 0)
	}
	ev, err := b.NewEvent(fd, what, cb)
	if err != nil {
		return err
	}
	if what == 0 && timeout == 0 {
		// A common way to have something run soon; it keeps its order.
		return b.activateOnce(ev)
	}
	if timeout < 0 {
		return ev.Add()
	}
	return ev.AddTimeout(timeout)
}

func (b *Base) activateOnce(ev *Event) error {
	b.enter()
	defer b.leave()
	if !b.usable {
		return misuse("once", ErrFreed)
	}
	b.activate(&ev.task, Timeout)
	b.notify()
	return nil
}
