package loop

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

const (
	// window is how many callbacks the producer may have outstanding.
	window = 1024

	// warmup is the number of round trips before the clock starts.
	warmup = 100
)

// Post measures callbacks that other goroutines cause, total of them, and a
// tenth as many round trips.
func Post(total int) ([]measure.Figure, error) {
	activate, err := measureStream("activate", total, (*stream).activate)
	if err != nil {
		return nil, err
	}
	post, err := measureStream("post", total, (*stream).post)
	if err != nil {
		return nil, err
	}
	roundTrip, err := measureRoundTrip(total / 10)
	return []measure.Figure{activate, post, roundTrip}, err
}

// stream is a producer in one goroutine and a loop in another.
type stream struct {
	base   *event.Base
	events [window]event.Event
	total  int
	done   atomic.Int64
}

// measureStream measures a stream, from the start of its producer to the last
// callback.
func measureStream(name string, total int, produce func(*stream) error) (measure.Figure, error) {
	base, err := event.NewBase()
	if err != nil {
		return measure.Figure{}, err
	}
	s := &stream{base: base, total: total}
	for i := range s.events {
		if err := s.events[i].Assign(base, -1, 0, s.onEvent); err != nil {
			return measure.Figure{}, err
		}
	}
	produced := make(chan error, 1)
	start := time.Now()
	go func() {
		err := produce(s)
		if err != nil {
			base.LoopBreak()
		}
		produced <- err
	}()
	_, err = base.Loop(event.LoopNoExitOnEmpty)
	elapsed := time.Since(start)
	if err != nil {
		return measure.Figure{}, err
	}
	return perOperation(name, elapsed, total), <-produced
}

// activate produces activations of events.
func (s *stream) activate() error {
	for i := range s.total {
		s.waitForRoom(i)
		s.events[i%window].Activate(event.Read)
	}
	return nil
}

// post produces posted functions.
func (s *stream) post() error {
	onItem := s.onItem
	for i := range s.total {
		s.waitForRoom(i)
		if err := s.base.Post(onItem); err != nil {
			return err
		}
	}
	return nil
}

// waitForRoom returns when fewer than window of the started callbacks are
// outstanding.
func (s *stream) waitForRoom(started int) {
	for int64(started)-s.done.Load() >= window {
		runtime.Gosched()
	}
}

func (s *stream) onEvent(*event.Event, event.What) { s.onItem() }

func (s *stream) onItem() {
	if s.done.Add(1) == int64(s.total) {
		s.base.LoopBreak()
	}
}

// player is one of two loops that activate each other's event by turns.
type player struct {
	base  *event.Base
	event event.Event
}

// measureRoundTrip measures total turns of two loops.
func measureRoundTrip(total int) (measure.Figure, error) {
	first, second := new(player), new(player)
	turns := total + warmup
	var start, end time.Time
	onReturn := func(*event.Event, event.What) {
		if turns == total {
			start = time.Now()
		}
		if turns > 0 {
			turns--
			second.event.Activate(event.Read)
			return
		}
		end = time.Now()
		second.base.LoopBreak()
		first.base.LoopBreak()
	}
	onServe := func(*event.Event, event.What) { first.event.Activate(event.Read) }
	if err := first.init(onReturn); err != nil {
		return measure.Figure{}, err
	}
	if err := second.init(onServe); err != nil {
		return measure.Figure{}, err
	}
	second.event.Activate(event.Read)
	served := make(chan error, 1)
	go func() { served <- second.play() }()
	if err := first.play(); err != nil {
		return measure.Figure{}, err
	}
	return perOperation("round trip", end.Sub(start), total), <-served
}

// init makes the player's base and event.
func (p *player) init(callback event.Callback) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	p.base = base
	return p.event.Assign(base, -1, 0, callback)
}

// play runs the player's loop until it is broken.
func (p *player) play() error {
	_, err := p.base.Loop(event.LoopNoExitOnEmpty)
	return err
}
