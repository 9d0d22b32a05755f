package bufferevent

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Bufferevent is a stream with an input and an output buffer, and callbacks
// that say when there is something to read, when everything is written, and
// what else happens. Where the data comes from and goes to is the business of
// its [Transport]: a socket, a filter, the other half of a pair, or one that
// another package has made.
//
// It belongs to the goroutine that runs the loop of its base; with
// [ThreadSafe] all methods are for any goroutine (struct bufferevent).
type Bufferevent struct {
	// Data is for the user: one callback function can serve any number of
	// bufferevents, and find here what each is about.
	Data any

	base      *event.Base
	transport Transport
	input     evbuffer.Owned // its back is frozen, but for the transport
	output    evbuffer.Owned // its front is frozen, but for the transport
	callbacks callbacks

	// The events that the transport waits with, or that are timeouts. The one
	// for writing is nil until it is needed for the first time.
	read  event.Event
	write *event.Event

	readTimeout, writeTimeout time.Duration // 0: none
	bounds                    *bounds       // shared until one is set

	err  error // of the last event
	rare *rare // what few bufferevents have, or nil

	refs        int32 // 0: freed
	enabled     event.What
	options     Options
	suspended   [2]suspension // of reading and of writing
	drain       drainState    // of FreeWhenWritten
	pending     pending       // callbacks that are deferred
	brokenWrite bool          // nothing can be written any more
	closedWrite bool          // CloseWrite was called
	sawEOF      bool
	failed      bool // nothing can be read any more, either
	freed       bool // Free was called
}

// Options say how a bufferevent is made (enum bufferevent_options).
type Options uint16

const (
	// CloseOnFree makes Free close the descriptor, or free the underlying
	// bufferevent. They belong to the bufferevent from the call that makes it on,
	// also if that fails: then they are closed and freed already
	// (BEV_OPT_CLOSE_ON_FREE).
	CloseOnFree Options = 1 << iota
	// ThreadSafe gives the bufferevent and its buffers a lock, so that any
	// goroutine may use them. It needs an implementation of locks, such as
	// that of the package pthreads, and a base that was made after it was
	// installed (BEV_OPT_THREADSAFE).
	ThreadSafe
	// DeferCallbacks has the loop run the callbacks, rather than whatever
	// call made them necessary, so that callbacks do not nest
	// (BEV_OPT_DEFER_CALLBACKS).
	DeferCallbacks
	// UnlockCallbacks runs the callbacks without the bufferevent's lock. It
	// requires DeferCallbacks (BEV_OPT_UNLOCK_CALLBACKS).
	UnlockCallbacks
	// Nagle leaves it to TCP to hold small packets back. Without it, TCP
	// sockets send at once what the loop writes, which it does once an
	// iteration anyway.
	Nagle
)

const allOptions = CloseOnFree | ThreadSafe | DeferCallbacks | UnlockCallbacks | Nagle

// How much one call reads or writes at most if nothing else was set, in bytes.
const (
	DefaultMaxSingleRead  = 64 << 10
	DefaultMaxSingleWrite = 256 << 10
)

// DefaultFilterBacklog is how many bytes may wait below a filter before its output
// waits in its turn, if what is below has no high watermark for writing, which is
// how to set another number. So a peer that takes nothing is noticed above, too.
const DefaultFilterBacklog = 128 << 10

// both is the set of directions that can be enabled.
const both = event.Read | event.Write

// Init sets up a bufferevent that is a field of its transport's own structure.
// It starts with one reference, with writing enabled and reading not. The
// error is ErrOptions if the options make no sense, or evthread.ErrNoLocks if ThreadSafe
// is asked for and there are no locks. It is for packages that make kinds of
// bufferevents of their own: only they get the Control.
//
// With ThreadSafe, t's Underlying bufferevent, if it is a Wrapper, must be there
// already: the two share a lock. If that one has none, it gets it now; so there
// must be no other reference to it, as its callbacks have, or the error is
// ErrOptions.
func Init(b *Bufferevent, base *event.Base, t Transport, opts Options) (Control, error) {
	return Control{b}, b.init(base, t, opts)
}

func (b *Bufferevent) init(base *event.Base, t Transport, opts Options) error {
	if base == nil {
		return opError("new", event.ErrNil)
	}
	if opts&^allOptions != 0 || opts&(DeferCallbacks|UnlockCallbacks) == UnlockCallbacks {
		return opError("new", ErrOptions)
	}
	b.base, b.transport, b.options = base, t, opts
	b.refs = 1
	b.enabled = event.Write
	b.bounds = &defaultBounds
	if err := b.input.SetMaxRead(math.MaxInt32); err != nil { // the limit is ours
		return err
	}
	b.input.Freeze(evbuffer.Back)
	b.output.Freeze(evbuffer.Front)
	b.input.Own((*inputObserver)(b))
	b.output.Own((*outputObserver)(b))
	b.read.Data = b
	if opts&ThreadSafe != 0 {
		if err := b.enableLocking(); err != nil {
			return opError("new", err)
		}
	}
	b.confine()
	return nil
}

// Base returns the base that runs the bufferevent (bufferevent_get_base).
func (b *Bufferevent) Base() *event.Base {
	b.lock()
	defer b.unlock()
	return b.base
}

// Input returns the buffer that data arrives in. Take data from its front; its
// back is frozen. It belongs to the bufferevent, as the output does: attempts to
// free or observe it, or to unfreeze its back, fail with evbuffer.ErrOwned
// (bufferevent_get_input).
func (b *Bufferevent) Input() *evbuffer.Buffer { return &b.input.Buffer }

// Output returns the buffer whose data is to be written. Add data at its back;
// its front is frozen (bufferevent_get_output).
func (b *Bufferevent) Output() *evbuffer.Buffer { return &b.output.Buffer }

// Err returns the error that the last event callback with [EventError],
// [EventTimeout] or [EventEOF] was about, or nil. In the callback it says what
// has happened; it is io.EOF for EventEOF, and wraps os.ErrDeadlineExceeded for
// EventTimeout (what C leaves in errno). ReadErr and WriteErr tell the two
// directions apart.
func (b *Bufferevent) Err() error {
	b.lock()
	defer b.unlock()
	return b.err
}

// ReadErr returns what has ended reading, or nil as long as more can arrive: io.EOF
// if the peer has ended its stream in order, or the first error with which the
// connection has failed. What had been read before may still be in the input. A
// timeout ends nothing. It is of use when Err is about the other direction.
func (b *Bufferevent) ReadErr() error {
	b.lock()
	defer b.unlock()
	return b.readEnd()
}

func (b *Bufferevent) readEnd() error {
	switch {
	case b.failed:
		return b.failure()
	case b.sawEOF:
		return io.EOF
	}
	return nil
}

// WriteErr returns what has ended writing, or nil as long as more can be sent: the
// first error of a write or with which the connection has failed, or ErrClosed after
// CloseWrite (what is in the output then still goes out), or ErrNoPartner for half a
// pair. A timeout ends nothing.
func (b *Bufferevent) WriteErr() error {
	b.lock()
	defer b.unlock()
	return b.writeEnd()
}

func (b *Bufferevent) writeEnd() error {
	switch {
	case b.brokenWrite, b.rare != nil && b.rare.brokenBy != nil:
		return b.whyBroken()
	case b.failed:
		return b.failure()
	case b.closedWrite:
		return ErrClosed
	}
	return nil
}

// whyBroken returns why writing has failed, as far as that is known.
func (b *Bufferevent) whyBroken() error {
	if b.rare != nil && b.rare.brokenBy != nil {
		return b.rare.brokenBy
	}
	return cmp.Or(b.err, ErrBroken)
}

// failure returns why the connection has failed, as far as that is known. Err may
// have another reason by now.
func (b *Bufferevent) failure() error {
	if b.rare != nil && b.rare.failedBy != nil {
		return b.rare.failedBy
	}
	return cmp.Or(b.err, errFailed)
}

// String describes the bufferevent for logs and errors.
func (b *Bufferevent) String() string {
	if fd := b.FD(); fd >= 0 {
		return fmt.Sprintf("%s fd %d", b.kind(), fd)
	}
	return b.kind()
}

func (b *Bufferevent) kind() string {
	if s, ok := b.transport.(Named); ok {
		return s.String()
	}
	return "bufferevent"
}

// alive reports whether the user has not freed the bufferevent yet.
func (b *Bufferevent) alive() bool { return !b.freed }

// writeEvent returns the event for writing, which it makes if there is none.
func (b *Bufferevent) writeEvent() *event.Event {
	if b.write == nil {
		b.write = &event.Event{Data: b}
	}
	return b.write
}
