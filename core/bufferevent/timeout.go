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

// lendWriteTimeout sets the write timeout of the transport above, which is where the
// user has set it, beside that of the bufferevent itself: it is here that what the peer
// does not take waits. Zero is none.
func (b *Bufferevent) lendWriteTimeout(d time.Duration) {
	if x := b.rareFields(); x.lent != d {
		x.lent = d
		b.transport.TimeoutsChanged()
	}
}

// timeoutForWriting returns the timeout for writing, or the one that was lent if that is
// shorter; zero is none.
func (b *Bufferevent) timeoutForWriting() time.Duration {
	if b.rare == nil || b.rare.lent == 0 {
		return b.writeTimeout
	}
	if b.writeTimeout == 0 {
		return b.rare.lent
	}
	return min(b.writeTimeout, b.rare.lent)
}

// timesBelow reports whether something waits below, where a timeout runs for it that
// sees each byte that goes.
func (b *Bufferevent) timesBelow() bool {
	below := b.wrapped()
	return below != nil && below.timeoutForWriting() > 0 && below.unsentBytes() > 0
}

// movedBelow reports whether something has gone below since the timeout for writing began
// here. There is nothing to wait for below any more, but its last byte has just gone.
func (b *Bufferevent) movedBelow() bool {
	below := b.wrapped()
	return below != nil && b.rare != nil && b.rare.waitedBelow != below.unsentBytes()
}

// addEvent adds an event with a timeout, or without if that is zero.
func addEvent(ev *event.Event, timeout time.Duration) error {
	if timeout > 0 {
		return ev.AddTimeout(timeout)
	}
	return ev.Add()
}

// useTimers is Control.UseTimers.
func (b *Bufferevent) useTimers() error {
	return b.read.Assign(b.base, -1, event.Finalize, onReadTimeout)
}

// restartTimeouts is Control.RestartTimeouts.
func (b *Bufferevent) restartTimeouts(what event.What) {
	if what&event.Read != 0 {
		if b.readTimeout > 0 && b.wants(event.Read) {
			b.read.AddTimeout(b.readTimeout)
		} else {
			b.read.Del()
		}
	}
	if what&event.Write != 0 {
		if timeout := b.timeoutForWriting(); timeout > 0 && b.wants(event.Write) && b.output.Len() > 0 {
			b.noteWaitingBelow()
			b.writeTimer().AddTimeout(timeout)
		} else if b.write != nil {
			b.write.Del()
		}
	}
}

// noteWaitingBelow notes what waits below, for movedBelow.
func (b *Bufferevent) noteWaitingBelow() {
	if below := b.wrapped(); below != nil {
		b.rareFields().waitedBelow = below.unsentBytes()
	}
}

// stopTimeouts ends the timeouts of what.
func (b *Bufferevent) stopTimeouts(what event.What) {
	if what&event.Read != 0 {
		b.read.Del()
	}
	if what&event.Write != 0 && b.write != nil {
		b.write.Del()
	}
}

func (b *Bufferevent) writeTimer() *event.Event {
	if b.write == nil {
		_ = b.writeEvent().Assign(b.base, -1, event.Finalize, onWriteTimeout) // the base is in use
	}
	return b.write
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
		if b.timesBelow() || b.movedBelow() {
			b.restartTimeouts(event.Write)
		} else {
			b.timedOut(event.Write)
		}
	}
}

// expire disables what has timed out, here or below, and notes it for the transport
// above.
func (b *Bufferevent) expire(what event.What) {
	b.disable(what)
	if x := b.rare; x != nil && x.above != nil {
		x.expired |= what
	}
}

func (b *Bufferevent) timedOut(what event.What) {
	b.expire(what)
	direction := "read"
	if what == event.Write {
		direction = "write"
	}
	b.report(EventTimeout|eventFor(what), errTimeout(direction), 0)
}
