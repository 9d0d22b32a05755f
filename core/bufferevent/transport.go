package bufferevent

import (
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Transport moves the data of a bufferevent: from somewhere into the input
// buffer, and from the output buffer to somewhere. This package has those of
// sockets, filters and pairs, and others can be made elsewhere, see [Init].
//
// The methods are called with the lock of the bufferevent held, if it has one,
// and with a reference, except Unlink. Transports do their part through the
// [Control] of their bufferevent, whose Input and Output give access to the
// buffers. The back of the one and the front of the other are frozen for everybody
// else: transports unfreeze them for as long as they need.
type Transport interface {
	// Enable begins to read, to write, or both. It is called when the user
	// enables a direction that is not suspended, even if it was enabled
	// before, and when the last reason to suspend it has gone. Timeouts begin
	// anew.
	Enable(what event.What) error
	// Disable stops reading, writing, or both, and their timeouts.
	Disable(what event.What) error
	// OutputAdded is called when data was added to the output buffer and may
	// be written: writing is enabled and not suspended.
	OutputAdded()
	// InputRemoved is called when data was taken from the input buffer, whether
	// reading is enabled or not.
	InputRemoved()
	// Flush does what the user's Flush asks for. It reports whether that has
	// moved anything.
	Flush(what event.What, mode FlushMode) (moved bool, err error)
	// TimeoutsChanged is called when the user has set timeouts.
	TimeoutsChanged()
	// Unlink gives up everything that the transport holds, as the last
	// reference has gone; what CloseOnFree asks for included. It calls no
	// callbacks, and nothing is called after it.
	Unlink()
}

// What a Transport can do besides. Methods of a Bufferevent whose transport
// cannot do them fail with an error that wraps errors.ErrUnsupported, or return
// what says that there is nothing.
type (
	// A Describer is a transport over a descriptor.
	Describer interface {
		FD() int
		SetFD(fd int) error
	}
	// A Wrapper is a transport over another bufferevent.
	Wrapper interface {
		Underlying() *Bufferevent
	}
	// A PeerNamer is a transport that wants to know the name of the host that
	// the stream is going to be connected to, as TLS does to verify it. It reports
	// whether it takes the name: it may know one, or be connected.
	PeerNamer interface {
		NamePeer(host string) (taken bool)
	}
	// A WriteCloser is a transport that can end the stream that it writes,
	// once the output buffer is empty, and still read.
	WriteCloser interface {
		CloseWrite() error
	}
)

// Control is a bufferevent as its transport sees it. Convert a *Bufferevent to
// *Control to get at it. It is not for users of bufferevents. All methods
// require the lock and a reference, which Transport's methods are called with
// and Begin gives.
type Control Bufferevent

// Bufferevent returns the bufferevent as its users see it.
func (c *Control) Bufferevent() *Bufferevent { return (*Bufferevent)(c) }

// Input and Output return the buffers, which belong to the transport.
func (c *Control) Input() *evbuffer.Owned { return &c.input }

// Output is Input for what is to be written.
func (c *Control) Output() *evbuffer.Owned { return &c.output }

// Begin starts something that the transport does on its own account, such as
// the callback of an event. It takes the lock and a reference and returns true,
// or nothing and false if the bufferevent was freed. End undoes it.
func (c *Control) Begin() bool { return c.Bufferevent().begin() }

// End gives up the lock and the reference that Begin has taken; that may be the
// last one.
func (c *Control) End() { c.Bufferevent().end() }

// Alive reports whether the bufferevent is still in use: callbacks may have
// freed it.
func (c *Control) Alive() bool { return !c.freed }

// ReadEvent and WriteEvent return events of the bufferevent that the transport
// assigns and uses as it likes, for instance as timeouts. Their Data is the
// *Bufferevent. They are freed with it.
func (c *Control) ReadEvent() *event.Event { return &c.read }

// WriteEvent is ReadEvent for the other direction.
func (c *Control) WriteEvent() *event.Event {
	if c.write == nil {
		c.write = &event.Event{Data: c.Bufferevent()}
	}
	return c.write
}

// Wants reports whether a direction, Read or Write, is enabled and not
// suspended.
func (c *Control) Wants(what event.What) bool {
	return c.enabled&what != 0 && c.suspended[direction(what)] == 0
}
