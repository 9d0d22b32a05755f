package bufferevent

import (
	"time"

	"github.com/go-libevent/libevent/core/event"
)

// SetTimeouts sets after which time without progress the event callback is
// told EventTimeout and the direction is disabled; zero or less is never. The
// time for reading runs while reading is enabled and nothing suspends it, and
// begins anew with whatever arrives; that for writing runs while there is
// something that cannot be written at once, connecting included, but not while a
// host name is looked up: that has the resolver's timeouts
// (bufferevent_set_timeouts).
func (b *Bufferevent) SetTimeouts(read, write time.Duration) error {
	if !b.begin() {
		return opError("set timeouts", ErrFreed)
	}
	defer b.end()
	b.readTimeout, b.writeTimeout = max(read, 0), max(write, 0)
	b.transport.TimeoutsChanged()
	return nil
}

// Timeouts returns what was set with SetTimeouts, zero for none.
func (b *Bufferevent) Timeouts() (read, write time.Duration) {
	b.lock()
	defer b.unlock()
	return b.readTimeout, b.writeTimeout
}

// LendWriteTimeout sets the write timeout of the transport above, which is where
// the user has set it: it is here that what the peer does not take waits. Zero is
// none.
func (c *Control) LendWriteTimeout(d time.Duration) {
	if x := c.Bufferevent().extra(); x.lent != d {
		x.lent = d
		c.transport.TimeoutsChanged()
	}
}

// WriteTimeout returns the timeout for writing, or the one that was lent if that is
// shorter; zero is none.
func (c *Control) WriteTimeout() time.Duration {
	if c.extras == nil || c.extras.lent == 0 {
		return c.writeTimeout
	}
	if c.writeTimeout == 0 {
		return c.extras.lent
	}
	return min(c.writeTimeout, c.extras.lent)
}

// timesBelow reports whether something waits below, where a timeout runs for it that
// sees each byte that goes.
func (b *Bufferevent) timesBelow() bool {
	below := b.wrapped()
	return below != nil && (*Control)(below).WriteTimeout() > 0 && below.unsentBytes() > 0
}

// addEvent adds an event with a timeout, or without if that is zero.
func addEvent(ev *event.Event, timeout time.Duration) error {
	if timeout > 0 {
		return ev.AddTimeout(timeout)
	}
	return ev.Add()
}

// UseTimers makes the read event a timeout for reading, and the write event one
// for writing once it is needed: for transports that wait for no descriptor.
// They call RestartTimeouts when a direction is enabled and when it has moved
// something, and StopTimeouts when it is disabled.
func (c *Control) UseTimers() error {
	return c.read.Assign(c.base, -1, event.Finalize, onReadTimeout)
}

// RestartTimeouts begins the timeouts of what anew, or ends them if there is
// nothing to wait for: if the direction is disabled or suspended, or nothing is
// there to write.
func (c *Control) RestartTimeouts(what event.What) {
	if what&event.Read != 0 {
		if c.readTimeout > 0 && c.Wants(event.Read) {
			c.read.AddTimeout(c.readTimeout)
		} else {
			c.read.Del()
		}
	}
	if what&event.Write != 0 {
		if timeout := c.WriteTimeout(); timeout > 0 && c.Wants(event.Write) && c.output.Len() > 0 {
			c.writeTimer().AddTimeout(timeout)
		} else if c.write != nil {
			c.write.Del()
		}
	}
}

// StopTimeouts ends the timeouts of what.
func (c *Control) StopTimeouts(what event.What) {
	if what&event.Read != 0 {
		c.read.Del()
	}
	if what&event.Write != 0 && c.write != nil {
		c.write.Del()
	}
}

func (c *Control) writeTimer() *event.Event {
	if c.write == nil {
		_ = c.WriteEvent().Assign(c.base, -1, event.Finalize, onWriteTimeout) // the base is in use
	}
	return c.write
}

func onReadTimeout(ev *event.Event, _ event.What) {
	if b := ev.Data.(*Bufferevent); b.begin() {
		defer b.end()
		b.timedOut(event.Read)
	}
}

func onWriteTimeout(ev *event.Event, _ event.What) {
	if b := ev.Data.(*Bufferevent); b.begin() {
		defer b.end()
		if b.timesBelow() {
			(*Control)(b).RestartTimeouts(event.Write)
		} else {
			b.timedOut(event.Write)
		}
	}
}

// expire disables what has timed out, here or below, and notes it for the transport
// above.
func (b *Bufferevent) expire(what event.What) {
	b.disable(what)
	if x := b.extras; x != nil && x.above != nil {
		x.expired |= what
	}
}

func (b *Bufferevent) timedOut(what event.What) {
	b.expire(what)
	direction := "read"
	if what == event.Write {
		direction = "write"
	}
	(*Control)(b).Event(EventTimeout|eventFor(what), errTimeout(direction))
}
