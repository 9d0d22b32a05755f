package bridge

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// DefaultHigh is how many bytes a pipe holds if Config.High is zero.
const DefaultHigh = 64 << 10

// ErrClosed is the error of the blocking end after its Close. It is
// io.ErrClosedPipe.
var ErrClosed = io.ErrClosedPipe

// Config describes a pipe. The zero value is a usable one, whose end of the loop is
// not notified of anything.
type Config struct {
	// High is how many bytes the pipe holds before it is full; DefaultHigh if it
	// is not positive.
	High int
	// Low is how many bytes may be left in a full pipe when there is room again:
	// half of High if it is zero, none if it is negative, and less than High in
	// any case.
	Low int
	// Ready is called on the loop when the blocking end has changed something:
	// see the documentation of the package. It may be nil.
	Ready func()
}

// A Pipe is what both directions have in common: a bounded buffer, one reason to
// end for each of its ends, a deadline for the blocking end, and at most one pending
// notification of the loop. It is part of a [Reader] or [Writer], and of no use by
// itself. It must not be copied after Init.
type Pipe struct {
	base      *event.Base
	ready     func() // Config.Ready
	notify    func() // p.onPosted, made once
	toLoop    bool   // the direction: of a Writer
	high, low int
	staged    evbuffer.Buffer // used by the loop alone, to move data without the lock

	mu       sync.Mutex
	changed  sync.Cond // something that a waiting call looks at
	buf      evbuffer.Buffer
	unacked  int64 // bytes that were taken, and have not been acknowledged
	full     bool  // High was reached, and Low has not been since
	posted   bool  // notify is pending
	lost     bool  // data was discarded
	writing  bool  // a Write is under way
	waiting  int   // calls that wait
	closed   error // the reason of the blocking end, or nil
	ended    error // the reason of the loop's end, or nil
	deadline deadline

	hooked bool        // loopGone is registered with the base, or about to be
	unhook func() bool // takes that back; nil before it is
}

func (p *Pipe) init(base *event.Base, cfg Config, toLoop bool) {
	p.base, p.ready, p.toLoop = base, cfg.Ready, toLoop
	p.high = cfg.High
	if p.high <= 0 {
		p.high = DefaultHigh
	}
	switch {
	case cfg.Low == 0:
		p.low = p.high / 2
	case cfg.Low > 0:
		p.low = min(cfg.Low, p.high-1)
	}
	p.changed.L = &p.mu
}

// Len returns how many bytes the pipe holds, without those that the loop has taken
// and not acknowledged. Any goroutine may call it.
func (p *Pipe) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Len()
}

// Err returns why the pipe has ended: the reason of the loop if it has given one,
// otherwise that of the blocking end, or nil while it is open. Any goroutine may
// call it.
func (p *Pipe) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		return p.ended
	}
	return p.closed
}

// SetDeadline sets the time after which calls of the blocking end fail with
// os.ErrDeadlineExceeded, also those that wait already; the zero time means never.
// The error is ErrClosed once the blocking end is closed. Any goroutine may call it.
func (p *Pipe) SetDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return ErrClosed
	}
	p.deadline.set(t)
	if p.waiting > 0 {
		p.deadline.start(p.wake)
	}
	p.changed.Broadcast()
	return nil
}

// wait waits until something may have changed. The lock is held, but not meanwhile.
func (p *Pipe) wait() {
	if !p.hooked {
		p.hook()
		return // the lock was not held: the caller has to look again
	}
	p.waiting++
	p.deadline.start(p.wake)
	p.changed.Wait()
	if p.waiting--; p.waiting == 0 {
		p.deadline.stop()
	}
}

// wake has calls that wait look at the deadline.
func (p *Pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline.expired()
	p.changed.Broadcast()
}

// hook registers loopGone, which AfterFree may call at once, so without the lock. The
// first call that waits does it, since all others learn from Post that the base was
// freed.
func (p *Pipe) hook() {
	p.hooked = true
	p.mu.Unlock()
	unhook := p.base.AfterFree(p.loopGone)
	p.mu.Lock()
	p.unhook = unhook
	p.release()
}

// release takes the registration back when nothing can wait for the loop any more. The
// lock is held.
func (p *Pipe) release() {
	if p.unhook == nil || p.ended == nil && (p.closed == nil || p.pending() > 0) {
		return
	}
	p.unhook()
	p.unhook, p.hooked = nil, false
}

// pending is how much counts as being in the pipe: what is in the buffer, and what was
// taken and not acknowledged.
func (p *Pipe) pending() int64 { return int64(p.buf.Len()) + p.unacked }

// loopGone ends the pipe when the base has been freed.
func (p *Pipe) loopGone() { p.end(event.ErrFreed) }

// over reports whether nothing waits for the loop any more.
func (p *Pipe) over() bool { return p.ended != nil || p.closed != nil }

// end notes the loop's reason. If the loop is the one that takes data, that is
// discarded.
func (p *Pipe) end(err error) {
	p.mu.Lock()
	if p.ended != nil {
		p.mu.Unlock()
		return
	}
	p.ended = err
	p.finish(p.toLoop)
}

// close notes the reason of the blocking end, and notifies the loop. If the blocking
// end is the one that takes data, that is discarded.
func (p *Pipe) close(err error) error {
	p.mu.Lock()
	if p.closed != nil {
		p.mu.Unlock()
		return ErrClosed
	}
	p.closed = err
	p.post()
	p.finish(!p.toLoop || p.ended != nil)
	return nil
}

// finish ends what waits, and releases the lock. Discarded data is freed after that,
// because cleanup functions of references may call methods of the pipe.
func (p *Pipe) finish(discard bool) {
	var dropped evbuffer.Buffer
	if discard && p.buf.Len() > 0 {
		_ = dropped.AddBuffer(&p.buf) // neither is frozen
		p.lost = true
	}
	p.release()
	p.changed.Broadcast()
	p.mu.Unlock()
	if dropped.Len() > 0 {
		_ = dropped.Free() // owned by no other object
	}
}

// post has the loop call Ready, unless that is pending. The lock is held.
func (p *Pipe) post() {
	if p.posted || p.ended != nil || p.ready == nil {
		return
	}
	if p.notify == nil {
		p.notify = p.onPosted
	}
	if err := p.base.Post(p.notify); err != nil {
		p.ended = freed(err)
		p.changed.Broadcast()
		return
	}
	p.posted = true
}

// freed returns event.ErrFreed itself in place of an error that wraps it, so that a
// pipe reports the same whichever way it has learned that the base was freed.
func freed(err error) error {
	if errors.Is(err, event.ErrFreed) {
		return event.ErrFreed
	}
	return err
}

// onPosted runs on the loop.
func (p *Pipe) onPosted() {
	p.mu.Lock()
	p.posted = false
	ended := p.ended != nil
	p.mu.Unlock()
	if !ended {
		p.ready()
	}
}
