package simulation_test

import (
	"errors"
	"slices"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A bufferWatch is a callback of a buffer, which counts what is told of changes.
type bufferWatch struct {
	end      *streamEnd
	name     string
	buffer   *evbuffer.Buffer
	entry    *evbuffer.CallbackEntry
	length   int // by what was told
	disabled bool
	removed  bool
}

// maxWatches is how many callbacks of buffers an end has.
const maxWatches = 4

// watch adds a callback to a buffer, or does something to one that is there.
func (e *streamEnd) watch() {
	if n := len(e.watched); n == maxWatches || n > 0 && e.rand.IntN(3) == 0 {
		e.watched[e.rand.IntN(n)].change()
		return
	}
	w := &bufferWatch{end: e}
	switch e.rand.IntN(4) {
	case 0:
		w.name, w.buffer = "input", e.b.Input()
	case 1:
		w.name, w.buffer = "output", e.b.Output()
	case 2:
		w.name, w.buffer = "inbox", &e.stash.inbox
	default:
		w.name, w.buffer = "outbox", &e.stash.outbox
	}
	w.length = w.buffer.Len()
	w.entry = w.buffer.AddCallback(w.onChange)
	e.watched = append(e.watched, w)
}

// change disables or enables the callback, or removes it.
func (w *bufferWatch) change() {
	w.check()
	var err error
	switch {
	case w.end.rand.IntN(3) == 0:
		w.remove()
	case w.disabled:
		err = w.entry.SetFlags(evbuffer.CallbackEnabled)
		w.disabled, w.length = false, w.buffer.Len()
	default:
		err = w.entry.ClearFlags(evbuffer.CallbackEnabled)
		w.disabled = true
	}
	if err != nil {
		w.end.errorf("flags of a callback: %v", err)
	}
}

func (w *bufferWatch) onChange(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
	switch {
	case w.removed:
		w.end.errorf("a callback of the %s that was removed is called", w.name)
	case w.disabled:
		w.end.errorf("a callback of the %s that is disabled is called", w.name)
	case e != w.entry || e.Buffer() != w.buffer:
		w.end.errorf("the callback of the %s has another entry", w.name)
	case info.Orig != w.length:
		w.end.errorf("a change of the %s begins with %d bytes, the last has ended with %d", w.name, info.Orig, w.length)
	case info.Added < 0 || info.Deleted < 0 || info.Added+info.Deleted == 0:
		w.end.errorf("%d bytes were added to the %s, and %d deleted", info.Added, w.name, info.Deleted)
	}
	w.length = info.Orig + info.Added - info.Deleted
	if w.end.rand.IntN(30) == 0 { // of all that there are, this one or one that is to be called yet
		w.end.watched[w.end.rand.IntN(len(w.end.watched))].remove()
	}
}

// check compares the length of the buffer with what was told.
func (w *bufferWatch) check() {
	if n := w.buffer.Len(); !w.disabled && !w.removed && n != w.length {
		w.end.errorf("the %s has %d bytes, by what its callback was told %d", w.name, n, w.length)
	}
}

// remove takes the callback away, which is never called again.
func (w *bufferWatch) remove() {
	if err := w.buffer.RemoveCallback(w.entry); err != nil {
		w.end.errorf("remove callback: %v", err)
	}
	if err := w.buffer.RemoveCallback(w.entry); !errors.Is(err, evbuffer.ErrNoCallback) {
		w.end.errorf("a callback is removed twice: %v", err)
	}
	w.removed = true
	w.end.watched = slices.DeleteFunc(w.end.watched, func(other *bufferWatch) bool { return other == w })
}

// unwatch takes all callbacks away.
func (e *streamEnd) unwatch() {
	for len(e.watched) > 0 {
		e.watched[0].check()
		e.watched[0].remove()
	}
}
