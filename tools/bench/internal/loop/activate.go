package loop

import (
	"errors"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// activations is how many activations there are at least, over all rounds.
const activations = 500_000

// Activate measures rounds of activating a number of events and running them.
func Activate(events int) ([]measure.Figure, error) {
	base, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	ran := 0
	e := make([]event.Event, events)
	for i := range e {
		if err := e[i].Assign(base, -1, 0, func(*event.Event, event.What) { ran++ }); err != nil {
			return nil, err
		}
	}
	rounds := repetitions(activations, events)
	start := time.Now()
	for range rounds {
		for i := range e {
			e[i].Activate(event.Read)
		}
		if _, err := base.Loop(event.LoopOnce | event.LoopNonblock); err != nil {
			return nil, err
		}
	}
	elapsed := time.Since(start)
	if ran != rounds*events {
		return nil, errors.New("an iteration did not run all active events")
	}
	return []measure.Figure{perOperation("activate", elapsed, ran)}, nil
}
