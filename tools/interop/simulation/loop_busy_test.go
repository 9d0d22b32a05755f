package simulation_test

import (
	"math/rand/v2"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// A busyLoop is a base without watchers whose callbacks take time: what they have taken is
// no reason for a timer to come later than right after them.
type busyLoop struct {
	scenario *loopScenario
	rand     *rand.Rand
	base     *event.Base
	commons  []*event.CommonTimeout
	timers   []*busyTimer
	left     int           // callbacks until all timers end
	made     time.Time     // the base
	done     time.Duration // since then, until the last callback has returned
	ended    bool
}

// A busyTimer is a timer.
type busyTimer struct {
	loop     *busyLoop
	ev       *event.Event
	persists bool
	deadline time.Duration // since the base was made
}

// runBusy runs a busy loop to its end.
func (s *loopScenario) runBusy(host *evtest.Host) {
	l := &busyLoop{
		scenario: s, left: s.world.Draw("callbacks", 1, 200),
		rand: rand.New(rand.NewPCG(s.world.Rand().Uint64(), 0)),
	}
	host.Go(l.run)
	s.world.Await("the end of a loop", func() bool { return l.ended })
}

func (l *busyLoop) check(err error) {
	if err != nil {
		l.scenario.errorf("%v", err)
	}
}

func (l *busyLoop) run() {
	defer func() { l.ended = true }()
	cfg := &event.Config{}
	if l.rand.IntN(3) == 0 {
		cfg.Flags |= event.NoCacheTime
	}
	var err error
	l.base, err = event.NewBaseWithConfig(cfg)
	l.check(err)
	defer l.base.Free()
	l.made = time.Now().Add(-l.base.Elapsed())
	for range 1 + l.rand.IntN(2) {
		ct, err := l.base.InitCommonTimeout(time.Duration(1+l.rand.IntN(400)) * time.Millisecond)
		l.check(err)
		l.commons = append(l.commons, ct)
	}
	for range 1 + l.rand.IntN(6) {
		t := &busyTimer{loop: l, persists: l.rand.IntN(3) == 0}
		var what event.What
		if t.persists {
			what = event.Persist
		}
		t.ev, err = l.base.NewEvent(-1, what, t.fired)
		l.check(err)
		l.timers = append(l.timers, t)
		t.start()
	}
	_, err = l.base.Loop(0)
	l.check(err)
	for _, t := range l.timers {
		t.ev.Free()
	}
}

// start starts a timer.
func (t *busyTimer) start() {
	l := t.loop
	if l.rand.IntN(3) == 0 {
		l.check(t.ev.AddCommon(l.commons[l.rand.IntN(len(l.commons))]))
	} else {
		l.check(t.ev.AddTimeout(time.Duration(1 + l.rand.Int64N(int64(500*time.Millisecond)))))
	}
	t.noteDeadline()
}

// noteDeadline notes when the time passes, by what the base says remains.
func (t *busyTimer) noteDeadline() {
	remains, ok := t.ev.Remaining()
	if !ok {
		t.loop.scenario.errorf("a timer that was started has no timeout")
	}
	t.deadline = t.loop.base.Elapsed() + remains
}

// fired is the callback.
func (t *busyTimer) fired(*event.Event, event.What) {
	l := t.loop
	now := time.Since(l.made)
	if now < t.deadline {
		l.scenario.errorf("a timer comes %v early", t.deadline-now)
	}
	if late := now - max(t.deadline, l.done); late > l.scenario.lateness() {
		l.scenario.errorf("a timer comes %v late, %v after the last callback", now-t.deadline, now-l.done)
	}
	if l.rand.IntN(2) == 0 {
		time.Sleep(time.Duration(l.rand.Int64N(int64(200 * time.Millisecond))))
	}
	if l.left--; l.left <= 0 {
		for _, t := range l.timers {
			l.check(t.ev.Del())
		}
	} else if !t.persists {
		t.start()
	} else {
		t.noteDeadline()
	}
	l.done = time.Since(l.made)
}
