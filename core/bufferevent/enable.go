package bufferevent

import "github.com/go-libevent/libevent/core/event"

// suspension is a set of reasons why an enabled direction rests.
type suspension uint8

const (
	suspendMark   suspension = 1 << iota // the input is at its high watermark
	suspendRate                          // the rate limit is exhausted
	suspendGroup                         // that of the group is
	suspendLookup                        // a host name is being looked up
	suspendAbove                         // the transport above has asked for it
)

// direction is the index of Read or Write in what there is for each.
func direction(what event.What) int {
	if what == event.Read {
		return 0
	}
	return 1
}

// checkWhat refuses what is no set of directions.
func checkWhat(op string, what event.What) error {
	if what == 0 || what&^both != 0 {
		return opError(op, ErrWhat)
	}
	return nil
}

// Enable begins to read, to write or both. Writing is enabled from the start;
// enabling it again makes a socket call the write callback once the loop comes
// by, even if there is nothing to write. The error is that of the system, or
// ErrFreed, also after FreeWhenWritten (bufferevent_enable).
func (b *Bufferevent) Enable(what event.What) error {
	if err := checkWhat("enable", what); err != nil {
		return err
	}
	if !b.begin() {
		return opError("enable", ErrFreed)
	}
	defer b.end()
	if b.drain != notDraining {
		return opError("enable", ErrFreed)
	}
	b.enabled |= what
	if what = b.unsuspended(what); what == 0 {
		return nil
	}
	return b.transport.Enable(what)
}

// unsuspended returns the part of what that nothing suspends.
func (b *Bufferevent) unsuspended(what event.What) event.What {
	for _, way := range [...]event.What{event.Read, event.Write} {
		if b.suspended[direction(way)] != 0 {
			what &^= way
		}
	}
	return what
}

// Disable stops reading, writing or both, until Enable. What is in the buffers
// stays there (bufferevent_disable).
func (b *Bufferevent) Disable(what event.What) error {
	if err := checkWhat("disable", what); err != nil {
		return err
	}
	if !b.begin() {
		return opError("disable", ErrFreed)
	}
	defer b.end()
	return b.disable(what)
}

func (b *Bufferevent) disable(what event.What) error {
	b.enabled &^= what
	return b.transport.Disable(what)
}

// Enabled returns the directions that are enabled, suspended or not
// (bufferevent_get_enabled).
func (b *Bufferevent) Enabled() event.What {
	b.lock()
	defer b.unlock()
	return b.enabled
}

// suspend lets a direction rest for one more reason.
func (b *Bufferevent) suspend(what event.What, why suspension) {
	s := &b.suspended[direction(what)]
	first := *s == 0
	*s |= why
	if first {
		b.transport.Disable(what)
	}
}

// resume takes a reason back. After the last one the direction goes on, if it
// is enabled.
func (b *Bufferevent) resume(what event.What, why suspension) {
	s := &b.suspended[direction(what)]
	if *s&why == 0 {
		return
	}
	*s &^= why
	if *s == 0 && b.enabled&what != 0 {
		b.resumed(what, b.transport.Enable(what))
	}
}

// resumed reports, and disables, a direction that could not go on.
func (b *Bufferevent) resumed(what event.What, err error) {
	if err != nil {
		b.disable(what)
		b.report(EventError|eventFor(what), err, TrigDeferCallbacks)
	}
}

func eventFor(what event.What) Events {
	if what == event.Read {
		return EventReading
	}
	return EventWriting
}

// wants reports whether a direction, Read or Write, is enabled and not suspended.
func (b *Bufferevent) wants(what event.What) bool {
	return b.enabled&what != 0 && b.suspended[direction(what)] == 0
}
