package simulation_test

import (
	"github.com/go-libevent/libevent/core/event"
)

const everyCondition = event.Read | event.Write | event.Timeout | event.Signal

// visit visits the events of the base, while some are deleted and added: those that there
// are from the beginning to their turn come once, and no others.
func (p *loopProgram) visit() {
	known := make(map[*event.Event]*loopEvent)
	before, touched, visited := make(map[*loopEvent]bool), make(map[*loopEvent]bool), make(map[*event.Event]bool)
	for _, e := range p.allEvents() {
		known[e.ev] = e
		before[e] = e.ev.Pending(everyCondition) != 0
		touched[e] = e.wanted != 0 // has perhaps yet to arrive
	}
	for ev := range p.base.Events() {
		if visited[ev] {
			p.errorf("an event is visited twice")
		}
		visited[ev] = true
		e := known[ev]
		switch {
		case e == nil: // an event of the base's own
		case ev.Pending(everyCondition) == 0:
			p.errorf("an event is visited that is not pending")
		case !before[e] && !touched[e]:
			p.errorf("an event is visited that was added meanwhile")
		}
		if p.budget > 0 && p.rand.IntN(3) == 0 {
			p.budget--
			other := p.anyEvent()
			touched[other] = true
			if p.rand.IntN(2) == 0 {
				p.del(other)
			} else {
				p.startTimer(other, p.duration())
			}
		}
	}
	for e, was := range before {
		if was && !touched[e] && !visited[e.ev] {
			p.errorf("an event is not visited")
		}
	}
}

// move has an event belong to another base from now on, perhaps right after it was activated
// here and deleted.
func (p *loopProgram) move() {
	q := p.other()
	if len(p.events) < 5 || q.drained || q.finishing {
		return
	}
	i := p.rand.IntN(len(p.events))
	e := p.events[i]
	if p.rand.IntN(2) == 0 {
		p.activateEvent(e)
	}
	p.del(e)
	reassign := p.rand.IntN(2) == 0
	if reassign && p.rand.IntN(2) == 0 { // what is not pending can be assigned anew in any case
		e.ev.Free()
	}
	p.events = append(p.events[:i:i], p.events[i+1:]...)
	activate := p.rand.IntN(2) == 0
	q.post(func() {
		e.program = q
		var err error
		if reassign {
			err = e.ev.Assign(q.base, -1, e.conditions(), e.fired)
		} else {
			err = e.ev.SetBase(q.base)
		}
		if err != nil {
			q.errorf("move an event: %v", err)
		}
		q.madeWithin(e)
		q.events = append(q.events, e)
		if activate {
			q.activateEvent(e)
			if q.rand.IntN(2) == 0 {
				q.takeTime() // or the old one
			}
		}
	})
	if p.rand.IntN(2) == 0 {
		p.takeTime() // the other base comes first
	}
}
