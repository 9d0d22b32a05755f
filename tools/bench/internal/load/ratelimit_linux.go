package load

import (
	"math"
	"slices"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// rateWarmup is how long a limited server runs before the clock starts: its
// first burst is no part of the rate.
const rateWarmup = time.Second

// RateLimit measures how exactly a server keeps the rate of conns connections,
// which want more, to a total of limit bytes a second.
func RateLimit(command []string, conns, limit int, d time.Duration) ([]measure.Figure, error) {
	return with(command, func(s *server) ([]measure.Figure, error) {
		f, err := newFlows(s, conns, math.MaxInt)
		if err != nil {
			return nil, err
		}
		defer f.pool.close()
		if err := f.runUntil(time.Now().Add(rateWarmup)); err != nil {
			return nil, err
		}
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		before := f.received()
		if err := f.runUntil(m.began.Add(d)); err != nil {
			return nil, err
		}
		used, err := m.stop()
		if err != nil {
			return nil, err
		}
		got := f.received()
		for i := range got {
			got[i] -= before[i]
		}
		return rateFigures(got, limit, used), nil
	})
}

// runUntil keeps the flows going until a time.
func (f *flows) runUntil(end time.Time) error {
	for time.Now().Before(end) {
		if err := f.step(end); err != nil {
			return err
		}
	}
	return nil
}

// rateFigures compares the bytes that each connection got with the limit.
func rateFigures(got []int, limit int, used usage) []measure.Figure {
	total := 0
	for _, n := range got {
		total += n
	}
	wanted := float64(limit) * used.elapsed.Seconds()
	share := wanted / float64(len(got))
	return []measure.Figure{
		{Name: "rate", Value: 100 * float64(total) / wanted},
		{Name: "slowest", Value: 100 * float64(slices.Min(got)) / share},
		{Name: "fastest", Value: 100 * float64(slices.Max(got)) / share},
		{Name: "server CPU", Value: microseconds(used.server) / (float64(total) / 1e6)},
	}
}
