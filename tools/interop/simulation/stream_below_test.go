package simulation_test

import (
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A belowCount is what has passed the lowest bufferevent of a stack, where limits and
// timeouts act that are set on the highest.
type belowCount struct {
	read, written int64
	waiting       *evbuffer.Buffer // what is to be written there
	wroteAt       time.Time        // last
}

// countBelow begins to count.
func (e *streamEnd) countBelow() {
	lowest := e.scenario.root(e.b)
	c := &belowCount{waiting: lowest.Output()}
	lowest.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) { c.read += int64(info.Added) })
	lowest.Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Deleted > 0 {
			c.written += int64(info.Deleted)
			c.wroteAt = time.Now()
		}
	})
	e.below = c
}

// passed returns how many bytes have come and gone where limits act.
func (e *streamEnd) passed() (read, written int64) {
	if len(e.layers) > 0 && e.below != nil {
		return e.below.read, e.below.written
	}
	return e.received(), e.sent()
}

// waiting returns how many bytes wait to be written at the lowest bufferevent.
func (e *streamEnd) waiting() int {
	if e.below != nil {
		return e.below.waiting.Len()
	}
	return e.scenario.root(e.b).Output().Len()
}
