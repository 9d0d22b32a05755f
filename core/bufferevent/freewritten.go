package bufferevent

import (
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// DefaultDrainTimeout is how long FreeWhenWritten lets the peer take nothing if
// nothing else is said.
const DefaultDrainTimeout = 30 * time.Second

// FreeWhenWritten ends the stream in order: what is in the output is written,
// the stream says that it has ended, if its protocol has a way to (the
// close_notify alert of TLS, what a filter has kept back, EventEOF of a pair),
// and then it is freed; with CloseOnFree, so is what it stands on, when that has
// written everything in its turn, and at last the descriptor is closed, whose FIN
// is how a socket says it.
//
// For its user the bufferevent is gone at once: no callback runs any more,
// nothing is read, and what is written is refused with ErrClosed. What one call
// can write (SetMaxSingleWrite) is written before FreeWhenWritten returns, so
// that a short farewell needs no other iteration of the loop. timeout bounds the
// rest: if nothing is written for so long, or for up to twice as long, because
// there is no connection yet or the peer takes nothing, the bufferevent is freed
// as by Free, as it is when writing fails; zero or less is DefaultDrainTimeout. A
// TLS handshake or a connection that is being made is waited for only if there is
// something to write.
//
// Free may be called to end it before, and freeing the base does. A peer that is still sending may be sent a
// reset by the system when the descriptor is closed, and lose what it has not
// read: a program that expects that calls CloseWrite, and FreeWhenWritten upon the
// peer's end.
func (b *Bufferevent) FreeWhenWritten(timeout time.Duration) {
	b.FreeWhenWrittenFunc(timeout, nil)
}

// FreeWhenWrittenFunc is FreeWhenWritten that tells how it has ended: done is
// called with nil when everything was written, or with the error or timeout that
// has kept it from that, perhaps before FreeWhenWrittenFunc returns. It is not
// called if Free comes before. It may do what a callback may.
func (b *Bufferevent) FreeWhenWrittenFunc(timeout time.Duration, done func(err error)) {
	if !b.begin() {
		return
	}
	defer b.end()
	b.freeWhenWritten(timeout, done)
}

// A drainState says how far FreeWhenWritten is.
type drainState uint8

const (
	notDraining drainState = iota
	draining               // the transport writes what is left
	drained                // it has, and what it stands on may have to
	drainFailed            // it cannot
)

// A drainWait is what FreeWhenWritten waits with.
type drainWait struct {
	b       *Bufferevent
	timeout time.Duration
	done    func(err error) // or nil
	timer   event.Event
	unhook  func() bool // takes back what is called when the base is freed
	unsent  int         // when the timer was started
}

// draining reports whether FreeWhenWritten was called.
func (b *Bufferevent) draining() bool { return b.drain != notDraining }

// writeEnded is Control.WriteEnded.
func (b *Bufferevent) writeEnded() { b.drainTo(drained) }

// freeWhenWritten is FreeWhenWrittenFunc without taking the lock and a reference.
func (b *Bufferevent) freeWhenWritten(timeout time.Duration, done func(err error)) {
	if b.freed || b.drain != notDraining {
		return
	}
	if timeout <= 0 {
		timeout = DefaultDrainTimeout
	}
	b.drain = draining
	b.callbacks = callbacks{event: onDrainEvent}
	b.closedWrite = true
	b.output.Freeze(evbuffer.Back)
	if b.brokenWrite {
		b.drain = drainFailed
	} else {
		b.endWriting()
	}
	if b.drain == draining {
		b.awaitDrained(timeout, done)
	} else {
		b.drainedHere(timeout, done)
	}
}

// endWriting has the transport write what there is.
func (b *Bufferevent) endWriting() {
	if b.enabled&event.Write == 0 {
		b.enabled |= event.Write
		if err := b.transport.Enable(event.Write); err != nil {
			b.report(EventWriting|EventError, err, 0)
			return
		}
	}
	if t, ok := b.transport.(Ender); ok {
		t.EndWriting()
		return
	}
	if t, ok := b.transport.(WriteCloser); ok {
		// Where there is no way to end the stream, being freed is its end.
		_ = t.CloseWrite()
	}
	b.callbacks.write = onDrainWrite
	onDrainWrite(b)
}

// onDrainWrite is the write callback meanwhile for transports that are no Enders:
// they have written everything when the output is empty.
func onDrainWrite(b *Bufferevent) {
	if b.Output().Len() == 0 {
		b.drainTo(drained)
	}
}

// onDrainEvent is the event callback meanwhile. It looks for what prevents
// writing.
func onDrainEvent(b *Bufferevent, what Events) {
	outcome := what.Outcome()
	if outcome == OutputFailed || outcome == Failed || outcome == TimedOut && what&EventReading == 0 {
		b.drainTo(drainFailed)
	}
}

// drainTo ends the draining of what the transport has.
func (b *Bufferevent) drainTo(state drainState) {
	if !b.begin() {
		return
	}
	defer b.end()
	if b.drain == draining && !b.freed {
		b.drain = state
		if b.rare != nil && b.rare.drain != nil {
			w := b.rare.drain
			w.stop()
			b.drainedHere(w.timeout, w.done)
		}
	}
}

// drainedHere goes on below, if the bufferevent that it stands on is freed with
// this one and nothing has failed.
func (b *Bufferevent) drainedHere(timeout time.Duration, done func(err error)) {
	below := b.wrapped()
	switch {
	case b.drain == drainFailed:
		b.drainOver(done, b.whyBroken())
	case below == nil || b.options&CloseOnFree == 0 || !below.begin():
		b.drainOver(done, nil)
	default:
		defer below.end()
		below.freeWhenWritten(timeout, func(err error) { b.drainOver(done, err) })
		if b.refs > 0 && !b.freed {
			b.disable(event.Read)
		}
	}
}

// drainOver gives up the reference that the bufferevent was made with.
func (b *Bufferevent) drainOver(done func(err error), err error) {
	if !b.begin() {
		return
	}
	defer b.end()
	if !b.freed {
		if err == nil && b.output.Len() > 0 {
			err = b.whyBroken()
		}
		b.freed = true
		b.callbacks = callbacks{}
		b.refs--
		if done != nil {
			done(err)
		}
	}
}

// awaitDrained waits until the transport has written what it has.
func (b *Bufferevent) awaitDrained(timeout time.Duration, done func(err error)) {
	w := &drainWait{b: b, timeout: timeout, done: done}
	b.rareFields().drain = w
	b.disable(event.Read)
	err := w.timer.Assign(b.base, -1, event.Finalize, w.onTimer)
	if err == nil {
		err = w.start()
	}
	if err != nil {
		b.drainOver(done, err)
		return
	}
	// Without a loop nothing else can free the bufferevent any more.
	w.unhook = b.base.AfterFree(func() { b.drainOver(done, event.ErrFreed) })
	b.whenOrphaned(w.onOrphaned)
}

// onOrphaned gives up if something waits to be read by who is gone.
func (w *drainWait) onOrphaned() {
	b := w.b
	if !b.begin() {
		return
	}
	defer b.end()
	if b.unsentBytes() > 0 {
		b.report(EventWriting|EventError, opError("write", ErrNoPartner), 0)
	}
}

// start starts the timer.
func (w *drainWait) start() error {
	w.unsent = w.b.unsentBytes()
	return w.timer.AddTimeout(w.timeout)
}

// onTimer gives up if nothing was written since the timer was started.
func (w *drainWait) onTimer(*event.Event, event.What) {
	b := w.b
	if !b.begin() {
		return
	}
	defer b.end()
	err := errTimeout("write")
	if b.unsentBytes() != w.unsent {
		err = w.start()
	}
	if err != nil {
		b.drainOver(w.done, err)
	}
}

// stop ends the waiting, if there is any.
func (w *drainWait) stop() {
	if w == nil {
		return
	}
	if w.timer.Initialized() {
		w.timer.Free()
	}
	if w.unhook != nil {
		w.unhook()
	}
}

// Unsent returns how many bytes wait to be sent: in the output, and in those of all
// bufferevents below, such as what TLS has encrypted already. What a filter keeps in
// memory of its own is not counted, nor what the system has taken.
func (b *Bufferevent) Unsent() int {
	b.lock()
	defer b.unlock()
	return b.unsentBytes()
}

// unsentBytes returns how much waits in the output of the bufferevent and of all
// that it stands on.
func (b *Bufferevent) unsentBytes() (n int) {
	for ; b != nil; b = b.wrapped() {
		n += b.output.Len()
	}
	return n
}
