package simulation_test

import (
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
)

// real is the time by the clock of the base if it ran all the time.
func (p *loopProgram) real() time.Duration { return time.Since(p.made) }

// takeTime passes time, in a callback or between loops.
func (p *loopProgram) takeTime() {
	if !p.slow {
		return
	}
	d := time.Duration(1 + p.rand.Int64N(int64(300*time.Millisecond)))
	p.scenario.sleep(d)
	p.slept += d
	p.busyUntil = p.real()
}

// sleep passes time. Goroutines take turns, and the lock that Lines takes tells the race
// detector so.
func (s *loopScenario) sleep(d time.Duration) {
	s.world.Lines()
	time.Sleep(d)
	s.world.Lines()
}

// overdue returns how late it is for what was to come at a time, given that callbacks have
// kept the loop from it.
func (p *loopProgram) overdue(now, at time.Duration) time.Duration {
	return now - max(at, p.busyUntil)
}

// compareClock checks the time that a callback sees, which is that of the end of the wait.
func (p *loopProgram) compareClock() {
	now, real := p.base.Elapsed(), p.real()
	switch {
	case !p.running || p.uncached:
		if now != real {
			p.errorf("the time of a clock that does not stand still is %v, not %v", now, real)
		}
	case p.config.MaxDispatchInterval > 0: // the clock is looked at between callbacks
		if now < p.waited || now > real {
			p.errorf("the time is %v, which is not between %v and %v", now, p.waited, real)
		}
	case now != p.waited:
		p.errorf("the time is %v, the wait has ended at %v", now, p.waited)
	}
}

// A loopPass is a round of callbacks, between two looks for news.
type loopPass struct {
	calls int
	began time.Duration
}

// next checks whether one more callback may be called in the round.
func (r *loopPass) next(p *loopProgram, priority int) {
	if r.calls++; r.calls == 1 {
		r.began = p.real()
		return
	}
	cfg := &p.config
	switch {
	case priority < cfg.LimitCallbacksAfterPriority, p.exitNow, p.exitDue, p.exitMaybe, !p.running:
	case cfg.MaxDispatchCallbacks > 0 && r.calls > cfg.MaxDispatchCallbacks:
		p.errorf("%d callbacks are called without a look for news, %d may be", r.calls, cfg.MaxDispatchCallbacks)
	case cfg.MaxDispatchInterval > 0 && p.real()-r.began >= cfg.MaxDispatchInterval:
		p.errorf("callbacks are called for %v without a look for news, %v it may take", p.real()-r.began, cfg.MaxDispatchInterval)
	}
}

// compareCounts compares what the base counts, at any time in callbacks.
func (p *loopProgram) compareCounts() {
	if p.depth == 0 || !p.running {
		return
	}
	p.compareKept()
	active := 0
	for _, e := range p.allEvents() {
		if e.active() {
			active++
		}
	}
	for _, d := range p.deferreds {
		if d.scheduled {
			active++
		}
	}
	if n := p.numActive(); n < active { // what descriptors have made active is not known
		p.errorf("%d events are active, at least %d are expected", n, active)
	}
}

// posters has goroutines post functions until Post refuses them.
func (s *loopScenario) posters(host *evtest.Host, count int) {
	for range count {
		r := rand.New(rand.NewPCG(s.world.Rand().Uint64(), 0))
		p := s.programs[r.IntN(len(s.programs))]
		most := time.Duration(1+r.IntN(900)) * time.Millisecond
		s.calling++
		host.Go(func() {
			defer s.world.Lines()
			defer func() { s.calling-- }()
			for !p.ended && !p.draining {
				s.sleep(time.Duration(1 + r.Int64N(int64(most))))
				p.post(func() { p.operate(1) })
			}
			p.post(func() {}) // is refused
		})
	}
}
