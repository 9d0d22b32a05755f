package event

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Events visits the events that are pending or active when it begins and still
// are when their turn comes, each once, in no particular order. The base is not
// locked meanwhile, and anything may be done to it and to its events
// (event_base_foreach_event).
func (b *Base) Events() iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		if b == nil {
			return
		}
		b.enter()
		b.drainInbox()
		all := slices.Collect(b.allEvents())
		b.leave()
		for _, ev := range all {
			if b.inUse(ev) && !yield(ev) {
				return
			}
		}
	}
}

// inUse reports whether ev is pending or active in b.
func (b *Base) inUse(ev *Event) bool {
	if ev.base != b {
		return false
	}
	b.enter()
	defer b.leave()
	return !ev.idle()
}

// allEvents walks the maps first, then the timeouts, then the queues, and each
// time leaves out what it has seen.
func (b *Base) allEvents() iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		_ = b.eachInserted(yield) && b.eachTimeout(yield) && b.eachQueued(yield) // the result says that yield has stopped
	}
}

func (b *Base) eachInserted(yield func(*Event) bool) bool {
	for _, e := range b.io.all() {
		if !eachInList(e.events, yield) {
			return false
		}
	}
	if b.signals == nil {
		return true
	}
	for _, list := range b.signals.events {
		if !eachInList(list, yield) {
			return false
		}
	}
	return true
}

func eachInList(list *Event, yield func(*Event) bool) bool {
	for ev := list; ev != nil; ev = ev.ioNext {
		if !yield(ev) {
			return false
		}
	}
	return true
}

func (b *Base) eachTimeout(yield func(*Event) bool) bool {
	for _, e := range b.timers {
		if e.ev.flags&flagInserted == 0 && !yield(e.ev) {
			return false
		}
	}
	for _, ct := range b.common {
		for _, ev := range ct.queue {
			if ev != nil && ev.flags&flagInserted == 0 && !yield(ev) {
				return false
			}
		}
	}
	return true
}

func (b *Base) eachQueued(yield func(*Event) bool) bool {
	for _, q := range b.active {
		if !eachInQueue(q, yield) {
			return false
		}
	}
	return eachInQueue(b.later, yield)
}

func eachInQueue(q taskQueue, yield func(*Event) bool) bool {
	for t := q.head; t != nil; t = t.next {
		if t.kind == kindDeferred || t.flags&(flagInserted|flagTimeout) != 0 {
			continue
		}
		if !yield(t.event()) {
			return false
		}
	}
	return true
}

// cancelDeferred empties the queues of what allEvents leaves out.
func (b *Base) cancelDeferred() {
	for i := range b.active {
		for t := b.active[i].head; t != nil; t = b.active[i].head {
			b.removeQueued(t)
		}
	}
	for t := b.later.head; t != nil; t = b.later.head {
		b.removeQueued(t)
	}
}

// DumpEvents writes a description of all events that are pending or active to
// w, for people to read; its form may change (event_base_dump_events).
func (b *Base) DumpEvents(w io.Writer) error {
	if b == nil || w == nil {
		return misuse("dump", ErrNil)
	}
	b.enter()
	defer b.leave()
	b.drainInbox()
	now := b.clock.now()
	if _, err := fmt.Fprintln(w, "Pending events:"); err != nil {
		return err
	}
	for ev := range b.allEvents() {
		if ev.flags&(flagInserted|flagTimeout) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %v, priority %d%s\n", ev, ev.priority, ev.timeoutNote(now)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w, "Active events:"); err != nil {
		return err
	}
	for ev := range b.allEvents() {
		if ev.flags&flagQueued == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %v, priority %d, for %v\n", ev, ev.priority, ev.result); err != nil {
			return err
		}
	}
	return nil
}

func (ev *Event) timeoutNote(now int64) string {
	if ev.flags&flagTimeout == 0 {
		return ""
	}
	return fmt.Sprintf(", timeout in %v", time.Duration(ev.deadline-now))
}
