package bufferevent

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A Transport moves the data of a bufferevent: from somewhere into the input
// buffer, and from the output buffer to somewhere. This package has those of
// sockets, filters and pairs, and others can be made elsewhere, see [Init].
//
// The methods are called with the lock of the bufferevent held, if it has one,
// and with a reference, except Unlink. Transports do their part through the
// [Control] of their bufferevent, whose Input and Output give access to the
// buffers. The back of the one and the front of the other are frozen for all
// others: transports unfreeze them for as long as they need.
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

// As finds the first transport, from b's own downwards, that implements T, as
// errors.As finds an error. It is how to ask what a stack of bufferevents can do
// without knowing what it is made of:
//
//	if t, ok := bufferevent.As[interface{ ConnectionState() tls.ConnectionState }](b); ok {
//		state := t.ConnectionState()
//
// ok is false if there is none, or if b is nil or was freed. The rules for
// goroutines are those of the methods of b.
func As[T any](b *Bufferevent) (t T, ok bool) {
	if b == nil {
		return t, false
	}
	b.lock()
	defer b.unlock()
	if b.refs == 0 {
		return t, false
	}
	_, t, ok = find(b, as[T])
	return t, ok
}

// as asserts that a transport implements T.
func as[T any](t Transport) (T, bool) {
	v, ok := t.(T)
	return v, ok
}

// An assertion to a type parameter is looked up in a table of the runtime each time.
// One to a named type is found in a cache of its own, so that each connection can be
// asked; hence these.
func asConnector(t Transport) (Connector, bool)     { v, ok := t.(Connector); return v, ok }
func asDescriber(t Transport) (Describer, bool)     { v, ok := t.(Describer); return v, ok }
func asLimiter(t Transport) (Limiter, bool)         { v, ok := t.(Limiter); return v, ok }
func asPrioritizer(t Transport) (Prioritizer, bool) { v, ok := t.(Prioritizer); return v, ok }

// find is As for an assertion to T, and returns the bufferevent of the transport, too.
// The lock is held.
func find[T any](b *Bufferevent, as func(Transport) (T, bool)) (at *Bufferevent, t T, ok bool) {
	for at = b; at != nil; at = at.wrapped() {
		if t, ok = as(at.transport); ok {
			return at, t, true
		}
	}
	return nil, t, false
}

// own is As for a capability that only the transport of b itself is asked for.
func own[T any](b *Bufferevent) (t T, ok bool) {
	b.lock()
	defer b.unlock()
	if b.refs > 0 {
		t, ok = b.transport.(T)
	}
	return t, ok
}

// beginAt is begin for the bufferevent whose transport implements T, which it returns
// with the transport. The error is ErrFreed, or errors.ErrUnsupported if there is
// none. The caller ends it with end.
func beginAt[T any](b *Bufferevent, as func(Transport) (T, bool)) (at *Bufferevent, t T, err error) {
	b.lock()
	at, t, ok := find(b, as)
	switch {
	case b.refs == 0:
		err = ErrFreed
	case !ok:
		err = errors.ErrUnsupported
	case !at.begin():
		err = ErrFreed
	}
	b.unlock()
	return at, t, err
}

// The capabilities: what a transport can do besides moving data. This is the whole
// list; a package may add one that it only asks for with [As], as evhttp does for the
// state of TLS.
//
// Each is asked of the first transport downwards that has it, unless its comment says
// that only the transport itself is asked. Where none has it, methods of a
// Bufferevent that need it fail with an error that wraps errors.ErrUnsupported, or
// return what says that there is nothing. The methods are called with the lock of the
// transport's bufferevent held and a reference, as those of Transport are, except
// those of Addresser, Negotiator and Named, which may be called through As: they
// take the lock themselves.
type (
	// A Wrapper is a transport over another bufferevent, which is where the search
	// for a capability goes on.
	Wrapper interface {
		Underlying() *Bufferevent
	}

	// A Describer is a transport over a descriptor, directly or not. One that is
	// over another bufferevent hands both on, and begins anew with SetFD.
	Describer interface {
		FD() int
		SetFD(fd int) error
	}

	// A Connector is a transport that can be connected.
	//
	// Only a socket can: what is above it is connected with it, and a pair is from
	// the start.
	Connector interface {
		// Connect begins to connect to an address of a family; a nil address
		// says that this is under way.
		Connect(to evutil.Sockaddr, family int) error
		// ConnectHost looks a host name up, and connects to what answers.
		ConnectHost(r Resolver, hints *evutil.AddrInfoHints, host string, port int) error
		// SetLocalAddr sets the address of sockets to be made.
		SetLocalAddr(addr netip.AddrPort)
		// Connected reports whether there is a connection.
		Connected() bool
		// DNSError returns why the last name could not be looked up, or nil.
		DNSError() error
	}

	// A PeerNamer is a transport that wants to know the name of the host that
	// the stream is going to be connected to, as TLS does to verify it. It reports
	// whether it takes the name: it may know one, or be connected. The lowest in a
	// stack is asked, which is nearest to the host.
	//
	// Only TLS verifies names; core does not import it.
	PeerNamer interface {
		NamePeer(host string) (taken bool)
	}

	// A Limiter is a transport where bytes leave the process and enter it: rate
	// limits, groups and the sizes of single reads and writes act there, and count
	// what it moves. It asks Control.MaxToRead and MaxToWrite how much a call may
	// move, and tells Control.CountRead and CountWritten what it has.
	//
	// Only a socket is one: a limit on TLS is one of encrypted bytes, and what
	// halves of a pair hand over is no transfer.
	Limiter interface {
		// LimitLifted goes on with Read or Write, which has waited for the limit
		// of a group: at once, since others that have had their share would be
		// before it otherwise. It is called instead of Enable.
		LimitLifted(what event.What) error
	}

	// A Prioritizer is a transport whose events have a priority.
	//
	// Only a socket is one, as in C: what is above it runs in the callbacks of
	// the socket's events. A pair has no events but timeouts.
	Prioritizer interface {
		SetPriority(priority int) error
	}

	// A BaseMover is a transport that can be moved to another base. Only the
	// transport itself is asked: with what is below alone, a stack would be torn
	// apart.
	//
	// Only a socket is one, as in C: timers and handshakes of what is above it, and
	// the other half of a pair, belong to the base that they have begun on.
	BaseMover interface {
		// Idle reports whether nothing of the transport's waits for the loop.
		Idle() bool
	}

	// An Addresser is a transport that knows between which addresses it is.
	//
	// Only a socket does, from the system. What Bufferevent.SetAddrs has told goes before
	// it; it is not found by As.
	Addresser interface {
		// PeerAddr returns the TCP address of the peer, or the zero AddrPort.
		PeerAddr() netip.AddrPort
		// NetAddrs returns both addresses in the form of package net.
		NetAddrs() (local, remote net.Addr)
	}

	// A Negotiator is a transport that agrees with its peer on what is spoken over
	// it.
	//
	// Only TLS does, by ALPN (RFC 7301); core does not import it.
	Negotiator interface {
		NegotiatedProtocol() string
	}

	// A WriteCloser is a transport that can end the stream that it writes,
	// once the output buffer is empty, and still read. Only the transport itself is
	// asked, as its end is not that of what is below.
	WriteCloser interface {
		CloseWrite() error
	}

	// An Ender is a transport that can end the stream that it writes once and for
	// all, for FreeWhenWritten. Only the transport itself is asked.
	Ender interface {
		// EndWriting writes the output, as much as possible at once, and ends
		// the stream by the means of its own protocol. What is below is not its
		// business. It calls Control.WriteEnded when everything has been given
		// to what is below, before it returns or later, or has nowhere to go.
		// Writing is enabled, and nothing is added to the output any more.
		EndWriting()
	}

	// A Queuer is a transport that reports its output as written when it has left
	// what is below, rather than when it was handed down. Queued returns how much
	// has not. Only the transport itself is asked.
	//
	// Only TLS is one: what it has encrypted cannot be taken back, so it counts as
	// unsent. Filters bound what waits below instead.
	Queuer interface {
		Queued() int
	}

	// A LoopCaller is a transport whose callbacks come from the loop, and never within
	// the calls that add output or change what is enabled, so that they need not be
	// deferred. Only the transport itself is asked.
	//
	// Only a socket is one: what is above another bufferevent hands on what is told
	// there, whenever that is.
	LoopCaller interface {
		CallsFromLoop()
	}

	// A Rereader is a transport that finds the end of its stream anew when reading
	// is enabled once more, so that it need not be reported to a transport that is
	// put over it. Only the transport itself is asked.
	//
	// Only a socket is one: the kernel says so with every read.
	Rereader interface {
		EndsAgain() bool
	}

	// A Partnered is a transport that is connected to another one in this process,
	// and shares a lock with it. Only the transport itself is asked.
	//
	// Only a pair is one.
	Partnered interface {
		// Partner returns the other end, or nil if that was freed.
		Partner() *Bufferevent
	}

	// A Named transport has a name for its kind, such as "socket", for logs and
	// errors. Only the transport itself is asked.
	Named interface {
		String() string
	}
)

// A Control is a bufferevent as its transport sees it. [Init] returns it to the maker of
// the transport, and there is no other way to get one. All methods but Begin and Attach require the
// lock and a reference, which Transport's methods are called with and Begin gives.
type Control struct{ b *Bufferevent }

// Bufferevent returns the bufferevent as its users see it.
func (c Control) Bufferevent() *Bufferevent { return c.b }

// Input and Output return the buffers, which belong to the transport.
func (c Control) Input() *evbuffer.Owned { return &c.b.input }

// Output is Input for what is to be written.
func (c Control) Output() *evbuffer.Owned { return &c.b.output }

// Begin starts something that the transport does on its own account, such as
// the callback of an event. It takes the lock and a reference and returns true,
// or nothing and false if the bufferevent was freed. End undoes it.
func (c Control) Begin() bool { return c.b.begin() }

// End gives up the lock and the reference that Begin has taken; that may be the
// last one.
func (c Control) End() { c.b.end() }

// Alive reports whether the bufferevent is still in use: callbacks may have
// freed it.
func (c Control) Alive() bool { return c.b.alive() }

// Options returns the options that the bufferevent was made with.
func (c Control) Options() Options { return c.b.options }

// ReadEvent and WriteEvent return events of the bufferevent that the transport
// assigns and uses as it likes, for instance as timeouts. Their Data is the
// *Bufferevent. They are freed with it.
func (c Control) ReadEvent() *event.Event { return &c.b.read }

// WriteEvent is ReadEvent for the other direction.
func (c Control) WriteEvent() *event.Event { return c.b.writeEvent() }

// UseTimers makes the read event a timeout for reading, and the write event one
// for writing once it is needed: for transports that wait for no descriptor.
// They call RestartTimeouts when a direction is enabled and when it has moved
// something, and StopTimeouts when it is disabled.
func (c Control) UseTimers() error { return c.b.useTimers() }

// RestartTimeouts begins the timeouts of what anew, or ends them if there is
// nothing to wait for: if the direction is disabled or suspended, or nothing is
// there to write.
func (c Control) RestartTimeouts(what event.What) { c.b.restartTimeouts(what) }

// StopTimeouts ends the timeouts of what.
func (c Control) StopTimeouts(what event.What) { c.b.stopTimeouts(what) }

// WriteTimeout returns the timeout for writing, or that of the transport above if it is
// shorter; zero is none.
func (c Control) WriteTimeout() time.Duration { return c.b.timeoutForWriting() }

// Wants reports whether a direction, Read or Write, is enabled and not
// suspended.
func (c Control) Wants(what event.What) bool { return c.b.wants(what) }

// InputFull reports whether the input buffer is at the high watermark for reading.
func (c Control) InputFull() bool { return c.b.inputFull() }

// InputRoom returns how many bytes may be put into the input buffer until it is
// at its high watermark, or -1 for any number.
func (c Control) InputRoom() int { return c.b.inputRoom() }

// Triggered tells the user that data was read or written: it is what a
// transport calls last after it has moved some.
func (c Control) Triggered(what event.What) { c.b.trigger(what, 0) }

// Event tells the user that something else happened. err is what Err returns
// from now on, or nil to leave that alone.
func (c Control) Event(what Events, err error) { c.b.report(what, err, 0) }

// EventDeferred is Event, with the callback run by the loop: for what a method
// finds out that the user has just called.
func (c Control) EventDeferred(what Events, err error) { c.b.report(what, err, TrigDeferCallbacks) }

// BeginAnew forgets how the stream has ended or failed, as SetFD begins another
// one.
func (c Control) BeginAnew() { c.b.beginAnew() }

// Draining reports whether FreeWhenWritten was called. A transport need not end
// then what ends by being freed.
func (c Control) Draining() bool { return c.b.draining() }

// WriteEnded tells that the transport has nothing left to write, as EndWriting
// was to bring about.
func (c Control) WriteEnded() { c.b.writeEnded() }

// MaxToRead returns how many bytes a transport that is a Limiter may read now. If its
// group has nothing left, reading is suspended until it has.
func (c Control) MaxToRead() int { return c.b.maxToRead() }

// MaxToWrite is MaxToRead for writing.
func (c Control) MaxToWrite() int { return c.b.maxToWrite() }

// CountRead counts what a transport that is a Limiter has read against the limits.
func (c Control) CountRead(n int) { c.b.countRead(n) }

// CountWritten is CountRead for writing.
func (c Control) CountWritten(n int) { c.b.countWritten(n) }
