package event

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

// Callback is called by the loop when an event is active; what says why. It
// may do anything to ev and to any other event, freeing them included
// (event_callback_fn).
type Callback func(ev *Event, what What)

// An Event is a condition to wait for and a callback to run when it holds:
// that a descriptor is ready, a signal came, a time has passed, or that
// the program called Activate.
//
// Assigned to a base an event is idle; Add makes it pending; when its condition
// holds it becomes active and its callback runs. Then it is idle again, unless
// it has [Persist].
//
// Events are made by the New methods of [Base], or live in the caller's own
// structures and are set up by [Event.Assign]. The zero Event is not assigned.
// An event must not be copied once assigned.
//
// Everything but Activate is for the goroutine that runs the base's loop, or
// for any goroutine if the base has a lock (struct event).
type Event struct {
	task // the queue of active events; must come first

	// What adding, deleting and timing out touch comes next, to be close in
	// memory: a program may have a million timers.
	base     *Base
	deadline int64 // when the timeout passes, by the base's clock
	// timer is the position in the heap, or in the common timeout's queue.
	timer int32
	// posted collects what Activate asked for and the loop has not seen.
	posted atomic.Uint32
	what   What
	common uint16 // the common timeout of interval, plus one, or 0
	place  uint32 // in the inbox, plus one, or 0; guarded by its lock

	interval int64 // the timeout of a persistent event, or 0
	fd       int   // or the signal, or -1
	callback Callback

	// Data is for the user: one callback function can serve any number of
	// events and find here what each is about.
	Data any

	// Neighbours among the events on the same descriptor or signal.
	ioNext, ioPrev *Event
}

// noFD is the descriptor of an event that has none.
const noFD = -1

// NewEvent makes an event for a descriptor, to be added. what is a set of
// Read, Write, Closed, Persist and ET; fd is -1 for an event that only has a
// timeout, whatever else it would wait for, or is only activated by hand. The
// descriptor should be non-blocking, and the event deleted before it is closed.
// A nil cb is none, here and wherever events are made (event_new).
func (b *Base) NewEvent(fd int, what What, cb Callback) (*Event, error) {
	ev := new(Event)
	if err := ev.Assign(b, fd, what, cb); err != nil {
		return nil, err
	}
	return ev, nil
}

// NewTimer makes an event for AddTimeout. It fires once for each time it is
// added. Without a base the event is not assigned, and the log says so
// (evtimer_new).
func (b *Base) NewTimer(cb Callback) *Event {
	ev := new(Event)
	ev.assignTimer(b, 0, cb)
	return ev
}

// NewTicker makes an event for AddTimeout that fires again and again until Del,
// in intervals of the timeout.
func (b *Base) NewTicker(cb Callback) *Event {
	ev := new(Event)
	ev.assignTimer(b, Persist, cb)
	return ev
}

// NewSignal makes an event for a signal, that stays pending until Del. Any
// number of events of any number of bases can wait for the same signal
// (evsignal_new).
func (b *Base) NewSignal(sig syscall.Signal, cb Callback) (*Event, error) {
	ev := new(Event)
	if err := ev.AssignSignal(b, sig, cb); err != nil {
		return nil, err
	}
	return ev, nil
}

// NewUser makes an event that only Activate triggers (evuser_new).
func (b *Base) NewUser(cb Callback) *Event { return b.NewTimer(cb) }

// Assign sets up an event in memory of the caller's: a variable, or a field of
// a larger structure. It is an error to assign an event that is pending or
// active (event_assign).
func (ev *Event) Assign(b *Base, fd int, what What, cb Callback) error {
	if b == nil || ev == nil {
		return misuse("assign", fmt.Errorf("%w: %w", ErrNil, ErrNotAssigned))
	}
	if what&Signal != 0 && what&(ioWhat|ET) != 0 || what&^allWhat != 0 {
		return misuse(fmt.Sprint("assign ", what), ErrBadWhat)
	}
	if what&Signal != 0 {
		if err := checkSignal(syscall.Signal(fd)); err != nil {
			return misuse("assign", err)
		}
	} else if err := debugNonblocking(fd); err != nil {
		return misuse("assign", err)
	}
	if !ev.idle() {
		return misuse(fmt.Sprint("assign ", ev), ErrPending)
	}
	ev.assign(b, fd, what, cb)
	return nil
}

// AssignTimer is Assign for a timer (evtimer_assign).
func (ev *Event) AssignTimer(b *Base, cb Callback) error { return ev.Assign(b, -1, 0, cb) }

// AssignSignal is Assign for a signal (evsignal_assign).
func (ev *Event) AssignSignal(b *Base, sig syscall.Signal, cb Callback) error {
	return ev.Assign(b, int(sig), Signal|Persist, cb)
}

// assignTimer is AssignTimer for callers that have no error to return.
func (ev *Event) assignTimer(b *Base, what What, cb Callback) {
	if b == nil {
		logMisuse("new timer", ErrNil)
		return
	}
	ev.assign(b, noFD, what, cb)
}

func (ev *Event) assign(b *Base, fd int, what What, cb Callback) {
	ev.task = task{flags: flagAssigned, kind: kindOf(what), priority: uint8(len(b.active) / 2)}
	ev.base, ev.callback = b, cb
	ev.fd, ev.what = fd, what
	ev.deadline, ev.interval, ev.common = 0, 0, 0
	ev.posted.Store(0)
}

// idle reports whether the event is neither pending nor active.
func (ev *Event) idle() bool { return ev.flags&^flagAssigned == 0 && ev.posted.Load() == 0 }

func kindOf(what What) taskKind {
	switch {
	case what&Signal != 0:
		return kindSignal
	case what&Persist != 0:
		return kindPersist
	default:
		return kindEvent
	}
}

// Initialized reports whether the event is assigned, as opposed to zero or
// freed (event_initialized).
func (ev *Event) Initialized() bool {
	if ev == nil || ev.base == nil {
		return false
	}
	b := ev.base
	b.enter()
	defer b.leave()
	return ev.flags&flagAssigned != 0
}

// FD returns the descriptor, or -1 (event_get_fd).
func (ev *Event) FD() int { return ev.fd }

// Sig returns the signal of a signal event (event_get_signal).
func (ev *Event) Sig() syscall.Signal { return syscall.Signal(ev.fd) }

// Base returns the base the event is assigned to (event_get_base).
func (ev *Event) Base() *Base { return ev.base }

// What returns the flags the event was assigned with (event_get_events).
func (ev *Event) What() What { return ev.what }

// Callback returns the callback (event_get_callback).
func (ev *Event) Callback() Callback { return ev.callback }

// Priority returns the priority; 0 is the most urgent (event_get_priority).
func (ev *Event) Priority() int {
	b, err := ev.enter("priority")
	if err != nil {
		return 0
	}
	defer b.leave()
	return int(ev.priority)
}

// Assignment is all that an event was assigned with.
type Assignment struct {
	Base     *Base
	FD       int
	What     What
	Callback Callback
	Data     any
}

// Assignment returns all that the event was assigned with
// (event_get_assignment).
func (ev *Event) Assignment() Assignment {
	return Assignment{ev.base, ev.fd, ev.what, ev.callback, ev.Data}
}

// SetPriority sets how urgent the event is: from 0, the most urgent, to one
// less than the base's number of priorities. New events are in the middle. It
// is an error while the event is active (event_priority_set).
func (ev *Event) SetPriority(priority int) error {
	b, err := ev.enter("set priority")
	if err != nil {
		return err
	}
	defer b.leave()
	if ev.flags&flagActive != 0 {
		return opError(fmt.Sprint("set priority of ", ev), ErrPending)
	}
	if priority < 0 || priority >= len(b.active) {
		return opError(fmt.Sprintf("set priority %d of %d", priority, len(b.active)), ErrBadPriority)
	}
	ev.priority = uint8(priority)
	return nil
}

// SetBase moves an idle event to another base, where it gets the middle
// priority (event_base_set).
func (ev *Event) SetBase(b *Base) error {
	if b == nil {
		return misuse("set base", ErrNil)
	}
	if ev == nil || ev.flags&flagAssigned == 0 {
		return misuse("set base", ErrNotAssigned)
	}
	if !ev.idle() {
		return misuse(fmt.Sprint("set base of ", ev), ErrPending)
	}
	ev.base = b
	ev.priority = uint8(len(b.active) / 2)
	return nil
}

// Pending returns the part of what that the event is waiting for, or active
// with, or 0 (event_pending).
func (ev *Event) Pending(what What) What {
	b, err := ev.enter("pending")
	if err != nil {
		return 0
	}
	defer b.leave()
	var is What
	if ev.flags&flagInserted != 0 || ev.flags&flagTimeout != 0 && ev.fd == noFD {
		is |= ev.what & (ioWhat | Signal)
	}
	if ev.flags&flagQueued != 0 {
		is |= ev.result
	}
	if ev.flags&flagTimeout != 0 {
		is |= Timeout
	}
	is |= What(ev.posted.Load() &^ postedMark)
	return is & what & resultWhat
}

// Remaining returns how long it is until the timeout passes, zero if it has
// and the callback is yet to run, and whether there is a timeout (the time that
// event_pending gives back).
func (ev *Event) Remaining() (time.Duration, bool) {
	b, err := ev.enter("remaining")
	if err != nil {
		return 0, false
	}
	defer b.leave()
	if ev.flags&flagTimeout == 0 {
		return 0, false
	}
	return time.Duration(max(ev.deadline-b.clock.now(), 0)), true
}

// String describes the event for logs and errors.
func (ev *Event) String() string {
	switch {
	case !ev.Initialized():
		return "unassigned event"
	case ev.what&Signal != 0:
		return fmt.Sprintf("event signal %d %v", ev.fd, ev.what)
	case ev.fd >= 0:
		return fmt.Sprintf("event fd %d %v", ev.fd, ev.what)
	default:
		return fmt.Sprintf("event %v", ev.what)
	}
}

// enter begins an operation on the event: it finds the base, checks that the
// event can be used, and takes the base's lock, which the caller must leave.
func (ev *Event) enter(op string) (*Base, error) {
	if ev == nil || ev.base == nil {
		return nil, misuse(op, ErrNotAssigned)
	}
	b := ev.base
	b.enter()
	if ev.flags&flagAssigned != 0 {
		return b, nil
	}
	b.leave()
	return nil, misuse(op, ErrNotAssigned)
}
