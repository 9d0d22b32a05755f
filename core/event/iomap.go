package event

import (
	"errors"
	"fmt"
	"math"

	"github.com/go-libevent/libevent/core/internal/poller"
)

// ioEntry is what the base knows about a descriptor: the list of the events on
// it, and how many of them want what.
type ioEntry struct {
	events  *Event
	read    uint32
	write   uint32
	closed  uint32
	trigger poller.Interest // Edge or 0
}

// interest merges the wishes of the events on the descriptor.
func (e *ioEntry) interest() poller.Interest {
	var in poller.Interest
	if e.read > 0 {
		in |= poller.Read
	}
	if e.write > 0 {
		in |= poller.Write
	}
	if e.closed > 0 {
		in |= poller.Closed
	}
	if in != 0 {
		in |= e.trigger
	}
	return in
}

// count adds n to the number of events that want each part of what.
func (e *ioEntry) count(what What, n uint32) {
	if what&Read != 0 {
		e.read += n
	}
	if what&Write != 0 {
		e.write += n
	}
	if what&Closed != 0 {
		e.closed += n
	}
}

// pushEvent puts ev at the head of a list of events, and returns the new head.
func pushEvent(head, ev *Event) *Event {
	ev.ioPrev, ev.ioNext = nil, head
	if head != nil {
		head.ioPrev = ev
	}
	return ev
}

// removeEvent takes ev out of a list of events, and returns the new head.
func removeEvent(head, ev *Event) *Event {
	if ev.ioPrev != nil {
		ev.ioPrev.ioNext = ev.ioNext
	} else {
		head = ev.ioNext
	}
	if ev.ioNext != nil {
		ev.ioNext.ioPrev = ev.ioPrev
	}
	ev.ioNext, ev.ioPrev = nil, nil
	return head
}

// insertIO adds ev to the events on its descriptor, and tells the poller if
// they now want more.
func (b *Base) insertIO(ev *Event) error {
	e := b.io.load(ev.fd)
	trigger := poller.Interest(ev.what & ET)
	if e.events != nil && e.trigger != trigger {
		return opError(fmt.Sprint("add fd ", ev.fd), ErrMixedTrigger)
	}
	old := e.interest()
	e.trigger = trigger
	e.count(ev.what, 1)
	if in := e.interest(); in != old {
		// The kernel judges the descriptor before the map grows to hold it.
		if err := b.poller.Update(ev.fd, old, in); err != nil {
			return pollerError(err)
		}
		b.notify()
	}
	e.events = pushEvent(e.events, ev)
	b.io.store(ev.fd, e)
	return nil
}

// removeIO undoes insertIO. The event is gone even if the poller errs.
func (b *Base) removeIO(ev *Event) error {
	e := b.io.load(ev.fd)
	old := e.interest()
	e.count(ev.what, math.MaxUint32) // minus one
	e.events = removeEvent(e.events, ev)
	b.io.store(ev.fd, e)
	in := e.interest()
	if in == old {
		return nil
	}
	b.notify()
	return pollerError(b.poller.Update(ev.fd, old, in))
}

// activateIO makes the events on fd active that wait for a part of what.
func (b *Base) activateIO(fd int, what What) {
	e := b.io.load(fd)
	for ev := e.events; ev != nil; ev = ev.ioNext {
		if got := ev.what & what & ioWhat; got != 0 {
			b.activate(&ev.task, got|ev.what&ET)
		}
	}
}

// ActiveByFD makes the events active that are pending on fd for a part of
// what; with Timeout in what, also those with a timeout
// (event_base_active_by_fd).
func (b *Base) ActiveByFD(fd int, what What) {
	b.enter()
	defer b.leave()
	e := b.io.load(fd)
	for ev := e.events; ev != nil; ev = ev.ioNext {
		got := ev.what & what & ioWhat
		if ev.flags&flagTimeout != 0 {
			got |= what & Timeout
		}
		if got != 0 {
			b.activate(&ev.task, got)
		}
	}
	b.notify()
}

// dropClosedIO has the events on descriptors that were closed cease to wait for
// them.
func (b *Base) dropClosedIO() error {
	return b.keepIO(func(fd int, _ ioEntry) error { return poller.CheckOpen(fd) })
}

// reinstateIO tells a new poller everything that is wanted. Events on a
// descriptor that it refuses cease to wait for it.
func (b *Base) reinstateIO() error {
	return b.keepIO(func(fd int, e ioEntry) error { return b.poller.Update(fd, 0, e.interest()) })
}

// keepIO keeps the descriptors for which try does not fail.
func (b *Base) keepIO(try func(fd int, e ioEntry) error) error {
	var failed error
	for fd, e := range b.io.all() {
		if err := try(fd, e); err != nil {
			failed = errors.Join(failed, err)
			defer b.dropIO(fd, e.events)
		}
	}
	return failed
}

// dropIO empties the list of the events on fd, of which the poller knows
// nothing.
func (b *Base) dropIO(fd int, events *Event) {
	for ev := events; ev != nil; {
		next := ev.ioNext
		ev.ioNext, ev.ioPrev = nil, nil
		b.clearFlags(ev, flagInserted)
		ev = next
	}
	b.io.store(fd, ioEntry{})
}
