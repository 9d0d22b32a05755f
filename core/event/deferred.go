package event

// A Deferred is a callback that an object schedules for itself, to run from the
// loop instead of from deep within another call. It shares the queues of
// active events and is smaller than an event. The zero value must be set up
// by Init; it must not be copied after that. Like events, it belongs to the
// goroutine of its base (struct event_callback).
type Deferred struct {
	task // must come first

	// Data is for the user, as in Event.
	Data any

	base *Base
	fn   func(*Deferred)
}

// Init sets up d to run fn from the loop of b with the given priority, which is
// clamped to those the base has. While d is scheduled, or without a base or a
// function, it is refused: d stays as it is, and the log says so.
func (d *Deferred) Init(b *Base, priority int, fn func(*Deferred)) {
	if b == nil || fn == nil {
		logMisuse("init deferred", ErrNil)
		return
	}
	if d.Scheduled() {
		logMisuse("init deferred", ErrPending)
		return
	}
	d.task = task{flags: flagAssigned, kind: kindDeferred, priority: clampPriority(priority)}
	d.base, d.fn = b, fn
}

func clampPriority(p int) uint8 { return uint8(max(0, min(p, MaxPriorities-1))) }

// SetPriority sets the priority for the next time d is scheduled.
func (d *Deferred) SetPriority(priority int) {
	if d.base == nil {
		logMisuse("set priority of deferred", ErrNotAssigned)
		return
	}
	d.base.enter()
	if d.flags&flagQueued == 0 {
		d.priority = clampPriority(priority)
	}
	d.base.leave()
}

// Schedule makes fn run once: in this iteration of the loop or, if callbacks
// have scheduled many others already, in the next. It returns false if that
// was due anyway, or the base was freed, or there is none.
func (d *Deferred) Schedule() bool {
	b := d.base
	if b == nil {
		logMisuse("schedule deferred", ErrNotAssigned)
		return false
	}
	b.enter()
	defer b.leave()
	if !b.usable || d.flags&flagQueued != 0 {
		return false
	}
	b.queue(&d.task)
	b.notify()
	return true
}

// Cancel takes back a Schedule, if it is not too late, and reports whether it
// was in time. A zero Deferred never is.
func (d *Deferred) Cancel() bool {
	b := d.base
	if b == nil {
		return false
	}
	b.enter()
	defer b.leave()
	if d.flags&flagQueued == 0 {
		return false
	}
	b.removeQueued(&d.task)
	return true
}

// Scheduled reports whether fn is due to run.
func (d *Deferred) Scheduled() bool {
	if d.base == nil {
		return false
	}
	d.base.enter()
	defer d.base.leave()
	return d.flags&flagQueued != 0
}
