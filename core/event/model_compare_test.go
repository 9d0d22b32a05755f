package event_test

import (
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// compare compares all that can be seen of the base.
func (p *modelRun) compare() {
	for i := range p.events {
		p.compareEvent(&p.events[i])
	}
	m := p.model
	m.drain() // as the following do
	agreeOn(p, "active", p.base.NumEvents(event.CountActive), m.activeCount())
	agreeOn(p, "added", p.base.NumEvents(event.CountAdded), m.added())
	agreeOn(p, "virtual", p.base.NumEvents(event.CountVirtual), m.virtual)
	agreeOn(p, "most active", p.base.MaxEvents(false, event.CountActive), m.maxActive)
	agreeOn(p, "most added", p.base.MaxEvents(false, event.CountAdded), m.maxAdded)
	agreeOn(p, "GotExit", p.base.GotExit(), m.exiting)
	agreeOn(p, "GotBreak", p.base.GotBreak(), m.breaking)
	agreeOn(p, "priorities", p.base.Priorities(), m.priorities)
	for i := range p.deferred {
		d := &p.deferred[i]
		agreeOn(p, "deferred is due", d.Scheduled(), m.due(d.Data.(*subject)))
	}
	p.compareSets()
}

func (p *modelRun) compareEvent(ev *event.Event) {
	s := ev.Data.(*subject)
	name := fmt.Sprintf("event %d ", s.name)
	agreeOn(p, name+"assigned", ev.Initialized(), s.assigned)
	agreeOn(p, name+"pending", ev.Pending(anyIO|event.Timeout), p.model.pending(s))
	left, timed := ev.Remaining()
	agreeOn(p, name+"has a timeout", timed, s.timeout != never)
	agreeOn(p, name+"timeout is far", timed && left > time.Hour, s.timeout == far)
	if s.assigned {
		agreeOn(p, name+"priority", ev.Priority(), s.priority)
	}
}

// compareSets compares which events the base has.
func (p *modelRun) compareSets() {
	seen := make(map[*event.Event]bool)
	n := 0
	for ev := range p.base.Events() {
		seen[ev] = true
		n++
	}
	agreeOn(p, "an event is listed twice", len(seen) < n, false)
	want := 0
	for _, s := range p.model.subjects {
		if s.kind != deferred && (s.added() || p.model.due(s)) {
			want++
		}
	}
	agreeOn(p, "events listed", n, want)
	for i := range p.events {
		s := p.events[i].Data.(*subject)
		agreeOn(p, "event is listed", seen[&p.events[i]], s.added() || p.model.due(s))
	}
}
