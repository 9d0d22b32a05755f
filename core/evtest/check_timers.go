package evtest

import (
	"fmt"
	"sync"
	"time"
)

// Timers checks that what a host's program has planned for a moment comes never
// earlier, and not later than the world has kept it from running (see Host.Late). When
// the world ends, nothing may be overdue. Its methods may be called from any goroutine.
type Timers struct {
	subject
	mu      sync.Mutex
	pending []*Timer
}

// A Timer is one of Timers.
type Timer struct {
	timers *Timers
	what   string
	at     time.Time
	place  int // in pending, or -1
	before string
}

// Timers returns a check for timers of the host's program. The name is for people.
func (h *Host) Timers(name string) *Timers {
	t := &Timers{subject: subject{host: h, name: name}}
	h.check(t)
	return t
}

// Start says that something is to come when d has passed. What it is is for people.
func (t *Timers) Start(what string, d time.Duration) *Timer {
	timer := &Timer{timers: t, what: what, place: -1}
	timer.Restart(d)
	return timer
}

// Restart says that the timer is to come, perhaps once more, when d has passed from now.
func (timer *Timer) Restart(d time.Duration) {
	t := timer.timers
	t.mu.Lock()
	defer t.mu.Unlock()
	timer.at = t.host.world.Now().Add(max(d, 0))
	timer.before = ""
	if timer.place < 0 {
		timer.place = len(t.pending)
		t.pending = append(t.pending, timer)
	}
}

// Stop says that the timer is not to come any more.
func (timer *Timer) Stop() {
	timer.timers.mu.Lock()
	defer timer.timers.mu.Unlock()
	timer.take("was stopped")
}

// Fired says that what the timer stands for has come.
func (timer *Timer) Fired() {
	t := timer.timers
	t.host.world.t.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.host.world.Now()
	late := now.Sub(timer.at)
	switch {
	case timer.place < 0:
		t.failf("%s has come though it %s", timer.what, timer.before)
	case late < 0:
		t.failf("%s has come %v early", timer.what, -late)
	case late > t.host.Late(timer.at):
		t.failf("%s has come %v late, and the world explains only %v", timer.what, late, t.host.Late(timer.at))
	}
	timer.take("has come before")
}

// Pending reports whether the timer has neither come nor was stopped.
func (timer *Timer) Pending() bool {
	timer.timers.mu.Lock()
	defer timer.timers.mu.Unlock()
	return timer.place >= 0
}

// take takes the timer from those that are pending.
func (timer *Timer) take(why string) {
	timer.before = why
	if timer.place < 0 {
		return
	}
	t := timer.timers
	last := len(t.pending) - 1
	moved := t.pending[last]
	t.pending[timer.place] = moved
	moved.place = timer.place
	t.pending[last] = nil
	t.pending = t.pending[:last]
	timer.place = -1
}

func (t *Timers) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, timer := range t.pending {
		if late := t.host.world.Now().Sub(timer.at); late > t.host.Late(timer.at) {
			t.failf("%s was due %v before the end, and has not come", timer.what, late)
		}
	}
}

// Late returns how late what was due then may come now at most: as long as the host got
// no processor meanwhile, because of Pause or of Faults.Hold, and as late as waits may
// end. What callbacks do takes no time unless they sleep.
func (h *Host) Late(due time.Time) time.Duration {
	return h.host.Late(h.world.Now().Sub(due))
}

// String names the timer.
func (timer *Timer) String() string {
	return fmt.Sprintf("%s, due at %s", timer.what, timer.at.Format(time.TimeOnly+".000000"))
}
