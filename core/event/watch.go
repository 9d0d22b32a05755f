package event

import (
	"slices"
	"time"
)

// A Watcher is called at a fixed point of every iteration of a base's loop:
// right before it waits for events, or right after. Watchers serve to embed
// another event loop in this one, and to measure it (struct evwatch).
type Watcher struct {
	base *Base
	set  *watchers
	call func(*Watcher, PrepareInfo)
}

// PrepareInfo is what a prepare watcher is told (struct
// evwatch_prepare_cb_info).
type PrepareInfo struct {
	timeout time.Duration
}

// Timeout returns how long the loop is going to wait at most, and false if
// there is no limit (evwatch_prepare_get_timeout).
func (i PrepareInfo) Timeout() (time.Duration, bool) {
	return max(i.timeout, 0), i.timeout >= 0
}

// CheckInfo is what a check watcher is told, which is nothing yet (struct
// evwatch_check_cb_info).
type CheckInfo struct{}

// NewPrepare makes fn be called in every iteration right before the loop waits
// for events. Watchers are called in the order in which they were made. What fn
// does to the base, such as starting a timeout, counts for the wait. Without a
// base or a function the watcher watches nothing, and the log says so
// (evwatch_prepare_new).
func (b *Base) NewPrepare(fn func(w *Watcher, info PrepareInfo)) *Watcher {
	if b == nil || fn == nil {
		logMisuse("new prepare watcher", ErrNil)
		return new(Watcher)
	}
	return b.newWatcher(&b.prepare, fn)
}

// NewCheck makes fn be called in every iteration right after the loop waited
// for events, and before their callbacks (evwatch_check_new).
func (b *Base) NewCheck(fn func(w *Watcher, info CheckInfo)) *Watcher {
	if b == nil || fn == nil {
		logMisuse("new check watcher", ErrNil)
		return new(Watcher)
	}
	return b.newWatcher(&b.check, func(w *Watcher, _ PrepareInfo) { fn(w, CheckInfo{}) })
}

func (b *Base) newWatcher(set *watchers, fn func(*Watcher, PrepareInfo)) *Watcher {
	b.enter()
	defer b.leave()
	w := &Watcher{base: b, set: set, call: fn}
	set.list = append(set.list, w)
	return w
}

// Base returns the base (evwatch_base).
func (w *Watcher) Base() *Base { return w.base }

// Free ends the watcher: it is not called any more, even if that is called
// from another watcher right before its turn (evwatch_free).
func (w *Watcher) Free() {
	if w.base == nil {
		return
	}
	w.base.enter()
	defer w.base.leave()
	if i := slices.Index(w.set.list, w); i >= 0 {
		w.set.list = slices.Delete(w.set.list, i, i+1)
		if i < w.set.next {
			w.set.next--
		}
	}
}

// watchers is a list that may change while it is walked.
type watchers struct {
	list []*Watcher
	next int // position of the walk under way
}

func (b *Base) runPrepare(timeout time.Duration) {
	b.runWatchers(&b.prepare, PrepareInfo{timeout})
}

func (b *Base) runCheck() { b.runWatchers(&b.check, PrepareInfo{}) }

func (b *Base) runWatchers(set *watchers, info PrepareInfo) {
	for set.next = 0; set.next < len(set.list); {
		w := set.list[set.next]
		set.next++
		b.leave()
		w.call(w, info)
		b.enter()
	}
}
