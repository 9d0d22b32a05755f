package loop

import (
	"errors"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

const (
	// timerOperations is how many operations of each kind are done at least.
	// Firing waits in between, so it gets fewer.
	timerOperations = 400_000
	timerFirings    = 50_000
	firingRounds    = 50

	// untilDue is more than the longest timeout that is fired and the tick of
	// the coarse clock that C libevent reads.
	untilDue = 20 * time.Millisecond
)

type timers struct {
	base     *event.Base
	events   []event.Event
	timeouts []time.Duration
	order    []int32
	fired    int
	rng      rng
}

// Timers measures count timers.
func Timers(count int) ([]measure.Figure, error) {
	base, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	t := &timers{
		base:     base,
		events:   make([]event.Event, count),
		timeouts: make([]time.Duration, count),
		order:    make([]int32, count),
		rng:      1,
	}
	onTimer := func(*event.Event, event.What) { t.fired++ }
	for i := range t.events {
		if err := t.events[i].Assign(base, -1, 0, onTimer); err != nil {
			return nil, err
		}
	}
	figures, err := t.measureChanges()
	if err != nil {
		return nil, err
	}
	fire, err := t.measureFire()
	return append(figures, fire), err
}

// drawTimeouts draws a timeout for each timer, of whole microseconds from low
// up to high.
func (t *timers) drawTimeouts(low, high time.Duration) {
	span := uint64((high - low) / time.Microsecond)
	for i := range t.timeouts {
		t.timeouts[i] = low + time.Duration(t.rng.next()%span)*time.Microsecond
	}
}

func (t *timers) addInSequence() (time.Duration, error) {
	start := time.Now()
	for i := range t.events {
		if err := t.events[i].AddTimeout(t.timeouts[i]); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// addInCallback adds from a callback, where the time is known.
func (t *timers) addInCallback() (elapsed time.Duration, err error) {
	var failed error
	err = t.base.Once(-1, event.Timeout, 0, func(*event.Event, event.What) {
		elapsed, failed = t.addInSequence()
	})
	if err != nil {
		return 0, err
	}
	_, err = t.base.Loop(event.LoopOnce | event.LoopNonblock)
	return elapsed, errors.Join(err, failed)
}

func (t *timers) addInOrder() (time.Duration, error) {
	start := time.Now()
	for i, j := range t.order {
		if err := t.events[j].AddTimeout(t.timeouts[i]); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func (t *timers) deleteInOrder() (time.Duration, error) {
	start := time.Now()
	for _, j := range t.order {
		if err := t.events[j].Del(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// fire measures the iteration of the loop that runs all timers.
func (t *timers) fire() (time.Duration, error) {
	t.drawTimeouts(0, time.Millisecond)
	if _, err := t.addInSequence(); err != nil {
		return 0, err
	}
	time.Sleep(untilDue)
	t.fired = 0
	start := time.Now()
	_, err := t.base.Loop(event.LoopOnce | event.LoopNonblock)
	elapsed := time.Since(start)
	if err != nil {
		return 0, err
	}
	if t.fired != len(t.events) {
		return 0, errors.New("one iteration did not run all timers")
	}
	return elapsed, nil
}

// measureChanges measures adding, adding again and deleting.
func (t *timers) measureChanges() ([]measure.Figure, error) {
	var add, again, del, inside time.Duration
	rounds := repetitions(timerOperations, len(t.events))
	for range rounds {
		t.drawTimeouts(time.Second, 1000*time.Second)
		added, err := t.addInSequence()
		if err != nil {
			return nil, err
		}
		t.drawTimeouts(time.Second, 1000*time.Second)
		t.rng.shuffle(t.order)
		addedAgain, err := t.addInOrder()
		if err != nil {
			return nil, err
		}
		t.rng.shuffle(t.order)
		deleted, err := t.deleteInOrder()
		if err != nil {
			return nil, err
		}
		t.drawTimeouts(time.Second, 1000*time.Second)
		addedInside, err := t.addInCallback()
		if err != nil {
			return nil, err
		}
		if _, err := t.deleteInOrder(); err != nil {
			return nil, err
		}
		add, again, del, inside = add+added, again+addedAgain, del+deleted, inside+addedInside
	}
	operations := rounds * len(t.events)
	return []measure.Figure{
		perOperation("add", add, operations),
		perOperation("re-add", again, operations),
		perOperation("delete", del, operations),
		perOperation("add in a callback", inside, operations),
	}, nil
}

// measureFire measures the expiry of all timers at once.
func (t *timers) measureFire() (measure.Figure, error) {
	var total time.Duration
	rounds := min(repetitions(timerFirings, len(t.events)), firingRounds)
	for range rounds {
		elapsed, err := t.fire()
		if err != nil {
			return measure.Figure{}, err
		}
		total += elapsed
	}
	return perOperation("fire", total, rounds*len(t.events)), nil
}
