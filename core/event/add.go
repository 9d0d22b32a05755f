package event

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Add makes the event pending, without a timeout if it has none yet. Adding an
// event that is pending changes nothing. An error of the kernel's, such as a
// closed descriptor or one that cannot be watched, comes back at once
// (event_add with no timeout).
func (ev *Event) Add() error {
	b, err := ev.enter("add")
	if err != nil {
		return err
	}
	err = b.add(ev, false)
	b.leave()
	return err
}

// AddTimeout makes the event pending, to become active with Timeout if d
// passes first. In a callback, d counts from the time at which the loop's wait
// ended ([Base.Now]); see UpdateCacheTime for callbacks that take long. If it is
// pending already, d replaces the timeout it had. With Persist, every callback
// starts the timeout anew. A d of zero or less makes the loop run the callback as
// soon as it can (event_add with a timeout).
func (ev *Event) AddTimeout(d time.Duration) error {
	b, err := ev.enter("add")
	if err != nil {
		return err
	}
	if err := b.add(ev, true); err != nil {
		b.leave()
		return err
	}
	b.setCommon(ev, 0)
	b.startTimeout(ev, d)
	b.leave()
	return nil
}

// AddCommon is AddTimeout with a timeout that many events of the base have in
// common, see [Base.InitCommonTimeout].
func (ev *Event) AddCommon(ct *CommonTimeout) error {
	b, err := ev.enter("add")
	if err != nil {
		return err
	}
	defer b.leave()
	if ct == nil || ct.base != b {
		return misuse(fmt.Sprint("add ", ev), ErrWrongBase)
	}
	if err := b.add(ev, true); err != nil {
		return err
	}
	b.setCommon(ev, ct.index+1)
	b.startTimeout(ev, ct.duration)
	return nil
}

// Del makes the event neither pending nor active: after it the callback does
// not run unless the event is added or activated again. If the base has a lock
// and its thread is in the event's callback, Del waits for it to return, except
// for events with Finalize (event_del).
func (ev *Event) Del() error { return ev.del(blockAuto) }

// DelBlock is Del, and waits for the callback even if the event has Finalize
// (event_del_block).
func (ev *Event) DelBlock() error { return ev.del(blockAlways) }

// DelNoBlock is Del and never waits (event_del_noblock).
func (ev *Event) DelNoBlock() error { return ev.del(blockNever) }

type blocking uint8

const (
	blockAuto blocking = iota
	blockAlways
	blockNever
)

func (ev *Event) del(how blocking) error {
	b, err := ev.enter("del")
	if err != nil {
		return err
	}
	err = b.del(ev)
	if how == blockAlways || how == blockAuto && ev.what&Finalize == 0 {
		b.awaitCallback(ev)
	}
	b.leave()
	return err
}

// RemoveTimer removes the timeout of a pending event and leaves the rest as it
// is (event_remove_timer).
func (ev *Event) RemoveTimer() error {
	b, err := ev.enter("remove timer")
	if err != nil {
		return err
	}
	defer b.leave()
	if ev.flags&flagTimeout != 0 {
		b.stopTimeout(ev)
		ev.interval, ev.common = 0, 0
	}
	return nil
}

// add puts ev into the I/O or signal map if that is what it waits for. A timer
// takes the short way.
func (b *Base) add(ev *Event, timed bool) error {
	if ev.what&(ioWhat|Signal) == 0 && b.usable && ev.flags&flagFinalizing == 0 {
		return nil
	}
	return b.addToMap(ev, timed)
}

// addToMap also leaves what has a timeout, or is timed and will have one, out of the
// maps if it lacks the descriptor for the rest.
func (b *Base) addToMap(ev *Event, timed bool) error {
	if ev.what&Signal != 0 && ev.flags&flagInserted == 0 && b.awaitCallback(ev) {
		// Another thread worked on the calls that were left. The lock was given
		// back meanwhile, so nothing that was known before is known any more.
		if ev.flags&flagAssigned == 0 || ev.base != b {
			return misuse("add", ErrNotAssigned)
		}
	}
	switch {
	case !b.usable:
		return misuse("add", ErrFreed)
	case ev.flags&flagFinalizing != 0:
		return misuse("add", ErrFinalizing)
	case ev.flags&flagInserted != 0:
		return nil
	case ev.fd == noFD && (timed || ev.flags&flagTimeout != 0):
		return nil
	}
	if err := b.insert(ev); err != nil {
		return err
	}
	b.setFlags(ev, flagInserted)
	return nil
}

func (b *Base) insert(ev *Event) error {
	if ev.what&Signal != 0 {
		b.insertSignal(ev)
		return nil
	}
	if err := b.checkFeatures(ev); err != nil {
		return err
	}
	return b.insertIO(ev)
}

// checkFeatures refuses what the method cannot do instead of ignoring it.
func (b *Base) checkFeatures(ev *Event) error {
	f := b.features
	switch {
	case ev.what&ET != 0 && f&FeatureET == 0:
		return opError("add ET with "+b.Method(), errors.ErrUnsupported)
	case ev.what&Closed != 0 && f&FeatureEarlyClose == 0:
		return opError("add Closed with "+b.Method(), errors.ErrUnsupported)
	default:
		return nil
	}
}

// startTimeout starts the timeout of an event that the user adds.
func (b *Base) startTimeout(ev *Event, d time.Duration) {
	if ev.what&Persist != 0 {
		ev.interval = int64(d)
	}
	// An event that is active because its timeout passed is not any more:
	// the timeout is in the future now.
	if ev.flags&flagQueued != 0 && ev.result&Timeout != 0 {
		b.removeQueued(&ev.task)
	}
	b.setDeadline(ev, deadlineAfter(b.clock.now(), d))
}

// deadlineAfter adds without running over.
func deadlineAfter(now int64, d time.Duration) int64 {
	switch {
	case d <= 0:
		return now
	case now > math.MaxInt64-int64(d):
		return math.MaxInt64
	}
	return now + int64(d)
}

// setCommon notes which common timeout the event uses; c is its index plus one,
// or zero for none.
func (b *Base) setCommon(ev *Event, c uint16) {
	if ev.common != c && ev.flags&flagCommon != 0 {
		b.stopTimeout(ev)
	}
	ev.common = c
}

// setDeadline makes ev time out at t, whether it had a timeout or not.
func (b *Base) setDeadline(ev *Event, t int64) {
	if ev.common != 0 {
		if ev.flags&flagTimeout != 0 {
			b.stopTimeout(ev)
		}
		ev.deadline = t
		b.commonOf(ev).insert(ev)
		b.setFlags(ev, flagTimeout|flagCommon)
	} else if ev.flags&flagTimeout != 0 {
		b.timers.update(ev, t)
	} else {
		ev.deadline = t
		b.timers.push(ev)
		b.setFlags(ev, flagTimeout)
	}
	b.notifyDeadline(t)
}

// stopTimeout removes the timeout of an event that has one.
func (b *Base) stopTimeout(ev *Event) {
	if ev.flags&flagCommon != 0 {
		b.commonOf(ev).remove(ev)
	} else {
		b.timers.remove(ev)
	}
	b.clearFlags(ev, flagTimeout|flagCommon)
}

// del makes ev idle.
func (b *Base) del(ev *Event) error {
	if ev.flags&flagFinalizing != 0 {
		return nil
	}
	if ev.posted.Load() != 0 {
		b.inbox.retract(ev)
	}
	err := b.unlink(ev)
	if ev.interval != 0 || ev.common != 0 {
		ev.interval, ev.common = 0, 0
	}
	if b.counts[CountAdded].now == 0 {
		b.notify() // the loop may have nothing left to wait for
	}
	return err
}

// unlink removes ev from the maps and queues.
func (b *Base) unlink(ev *Event) error {
	b.endCalls(ev)
	if ev.flags&flagTimeout != 0 {
		b.stopTimeout(ev)
	}
	b.removeQueued(&ev.task)
	if ev.flags&flagInserted == 0 {
		return nil
	}
	b.clearFlags(ev, flagInserted)
	if ev.what&Signal != 0 {
		b.removeSignal(ev)
		return nil
	}
	return b.removeIO(ev)
}

// setFlags and clearFlags change whether ev is in the maps, and keep count of
// the events that are.
func (b *Base) setFlags(ev *Event, f taskFlags) {
	if ev.flags&(flagInserted|flagTimeout) == 0 {
		b.counts[CountAdded].add(1)
	}
	ev.flags |= f
}

func (b *Base) clearFlags(ev *Event, f taskFlags) {
	ev.flags &^= f
	if ev.flags&(flagInserted|flagTimeout) == 0 {
		b.counts[CountAdded].add(-1)
	}
}
