package main

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// timing is what watchers can learn about a loop. It reads the clock itself:
// Base.Now stands still while callbacks run.
type timing struct {
	prepared time.Time // when the last wait began
	checked  time.Time // when it ended
	timeout  time.Duration
	timed    bool // the wait had a timeout

	waits event.Histogram // how long the waits took
	late  event.Histogram // by how much they outlasted their timeouts
	work  event.Histogram // how long all callbacks between two waits took
}

func (t *timing) watch(base *event.Base) {
	base.NewPrepare(t.onPrepare)
	base.NewCheck(t.onCheck)
}

func (t *timing) onPrepare(_ *event.Watcher, info event.PrepareInfo) {
	t.prepared = time.Now()
	t.timeout, t.timed = info.Timeout()
	if !t.checked.IsZero() {
		t.work.Add(t.prepared.Sub(t.checked))
	}
}

func (t *timing) onCheck(*event.Watcher, event.CheckInfo) {
	t.checked = time.Now()
	wait := t.checked.Sub(t.prepared)
	t.waits.Add(wait)
	if t.timed && wait > t.timeout {
		t.late.Add(wait - t.timeout)
	}
}
