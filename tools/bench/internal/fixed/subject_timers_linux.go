package fixed

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// timers does one kind of operation on many timers.
type timers struct {
	base     *event.Base
	work     Work
	events   []event.Event
	timeouts []time.Duration
	order    []int
	fired    int
}

// untilDue is more than the longest timeout of timers that are to fire.
const untilDue = 20 * time.Millisecond

func newTimers(w Work, base *event.Base, _ string) (subject, error) {
	random := rand.New(rand.NewPCG(1, 1))
	t := &timers{
		base: base, work: w,
		events:   make([]event.Event, w.N),
		timeouts: make([]time.Duration, w.N),
		order:    random.Perm(w.N),
	}
	for i := range t.events {
		t.timeouts[i] = time.Second + time.Duration(random.IntN(1e6))*time.Millisecond
		if err := t.events[i].Assign(base, -1, 0, t.onTimer); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *timers) onTimer(*event.Event, event.What) { t.fired++ }

func (t *timers) address() string { return "" }

func (t *timers) issue() error { return nil }

// prepare has the heap grow, and adds the timers unless that is what is to be
// measured.
func (t *timers) prepare() error {
	if err := t.add(); err != nil {
		return err
	}
	switch t.work.Name {
	case "timers-add":
		return t.delete()
	case "timers-fire":
		for i := range t.timeouts {
			t.timeouts[i] %= time.Millisecond
		}
		if err := errors.Join(t.delete(), t.add()); err != nil {
			return err
		}
		time.Sleep(untilDue)
	}
	return nil
}

func (t *timers) step() error {
	switch t.work.Name {
	case "timers-add":
		return t.add()
	case "timers-re-add":
		return t.addAgain()
	case "timers-delete":
		return t.delete()
	}
	_, err := t.base.Loop(event.LoopOnce | event.LoopNonblock)
	if err == nil && t.fired != len(t.events) {
		err = errors.New("one iteration did not run all timers")
	}
	return err
}

// add adds all timers in the order of memory.
func (t *timers) add() error {
	for i := range t.events {
		if err := t.events[i].AddTimeout(t.timeouts[i]); err != nil {
			return err
		}
	}
	return nil
}

// addAgain gives all timers other timeouts, in random order.
func (t *timers) addAgain() error {
	for i, j := range t.order {
		if err := t.events[j].AddTimeout(t.timeouts[i]); err != nil {
			return err
		}
	}
	return nil
}

// delete deletes all timers in random order.
func (t *timers) delete() error {
	for _, i := range t.order {
		if err := t.events[i].Del(); err != nil {
			return err
		}
	}
	return nil
}
