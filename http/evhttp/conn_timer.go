package evhttp

import (
	"math"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// An instant is a time, as event.Base.Elapsed: a third of the memory of a time.Time.
// It is never 0.
type instant time.Duration

func (t instant) add(d time.Duration) instant {
	if d > math.MaxInt64-time.Duration(t) {
		return math.MaxInt64
	}
	return t + instant(d)
}

// now returns the time of the loop.
func (c *Conn) now() instant { return instant(c.base.Elapsed()) }

func onConnTimer(ev *event.Event, _ event.What) { ev.Data.(*Conn).timeIsUp() }

// expect has expired called after a time, unless it is called again before; 0 is
// never. The timer itself is moved only if it would be too late otherwise: that
// it fires too early now and then costs less than to move it for each request.
func (c *Conn) expect(d time.Duration) {
	if d <= 0 {
		c.due, c.armed = 0, 0
		c.timer.Del()
		return
	}
	c.due = c.now().add(d)
	if c.armed == 0 || c.due < c.armed {
		c.armed = c.due
		c.timer.AddTimeout(d)
	}
}

// expectNothing is expect(0) without removing the timer, for callers that set it again soon.
func (c *Conn) expectNothing() { c.due = 0 }

// timeIsUp is called by the timer.
func (c *Conn) timeIsUp() {
	c.armed = 0
	if c.due == 0 {
		return
	}
	if left := time.Duration(c.due - c.now()); left > 0 {
		c.expect(left)
		return
	}
	c.due = 0
	c.role.onTimer()
}
