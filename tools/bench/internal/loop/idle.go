package loop

import (
	"runtime"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
	"github.com/go-libevent/libevent/tools/bench/internal/stats"
)

const (
	// tick is the period of the timer whose lateness is measured.
	tick = time.Millisecond

	// ticksBefore is the number of ticks before the first one that counts.
	ticksBefore = 50
)

// Idle measures, with one processor for all goroutines, how late a goroutine
// wakes from a timer, while an idle loop runs in another or, for comparison,
// no loop at all.
func Idle(samples int, withLoop bool) ([]measure.Figure, error) {
	runtime.GOMAXPROCS(1)
	if !withLoop {
		return measureLateness(samples), nil
	}
	base, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	running := make(chan struct{})
	if err := base.Post(func() { close(running) }); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ended <- err
	}()
	<-running
	figures := measureLateness(samples)
	base.LoopBreak()
	return figures, <-ended
}

// measureLateness takes samples of how late a tick is.
func measureLateness(samples int) []measure.Figure {
	late := make([]float64, samples)
	ticker := time.NewTimer(tick)
	for i := -ticksBefore; i < samples; i++ {
		due := time.Now().Add(tick)
		ticker.Reset(tick)
		<-ticker.C
		if i >= 0 {
			late[i] = float64(time.Since(due).Nanoseconds()) / 1000
		}
	}
	slices.Sort(late)
	return []measure.Figure{
		{Name: "median", Value: stats.Quantile(late, 0.5)},
		{Name: "99th percentile", Value: stats.Quantile(late, 0.99)},
	}
}
