package bufferevent

import (
	"cmp"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

const (
	// connBuffer is how many bytes a Conn holds for each direction, beside those in
	// the bufferevent.
	connBuffer = 64 << 10
	// connLinger is how long the peer may take nothing of what was written before
	// Close.
	connLinger = 30 * time.Second
	// connLastWords is how long nothing may arrive from a TCP peer that has reset the
	// connection: what it had sent before has arrived already, or is about to.
	connLastWords = 2 * time.Second
)

// A Conn is a net.Conn over a bufferevent: for code in other goroutines that
// reads and writes in the ordinary, blocking way. Its methods may be called from
// any goroutine but that of the loop, which would wait for itself.
type Conn struct {
	base          *event.Base
	canCloseWrite bool
	unhook        func() bool   // undoes AfterFree
	input         bridge.Reader // from the bufferevent to Read
	output        bridge.Writer // from Write to the bufferevent
	closed        atomic.Bool

	mu            sync.Mutex
	local, remote net.Addr

	// The rest belongs to the loop.

	bev         *Bufferevent    // nil once it was given up
	taken       evbuffer.Buffer // from output to bev
	paused      bool            // bev does not read
	finished    bool            // CloseWrite was passed on
	read, write error           // why the direction has ended, or nil
}

var _ net.Conn = (*Conn)(nil)

// NewConn makes a net.Conn over a bufferevent, which belongs to it from now on,
// connected or not yet, or ended already. Call it on the goroutine of the loop.
func NewConn(b *Bufferevent) *Conn {
	c := &Conn{base: b.Base(), bev: b}
	_, c.canCloseWrite = own[WriteCloser](b)
	c.input.Init(c.base, bridge.Config{High: connBuffer, Ready: c.onRoom})
	c.output.Init(c.base, bridge.Config{High: connBuffer, Ready: c.onOutput})
	c.noteAddresses()
	b.alwaysDefer() // a callback within a call of a method here would see half of its effect
	b.SetCallbacks(c.onRead, c.onWrite, c.onEvent)
	_ = b.SetWatermark(event.Write, connBuffer/2, 0) // fails only for one that was freed
	boundBelow(b)
	c.noteEnds()
	c.onRead(b) // what has arrived already
	if c.read == nil && !c.paused {
		c.resume()
	}
	c.unhook = c.base.AfterFree(c.baseFreed)
	return c
}

// onOrphaned ends the writing when the half of a pair at the other end was freed. What it
// has said before is still to be read, to its end if it has ended in order.
func (c *Conn) onOrphaned() {
	end := func(*event.Event, event.What) {
		if c.bev != nil {
			c.failWrite(opError("write", ErrNoPartner))
		}
	}
	_ = c.base.Once(-1, event.Timeout, 0, end) // fails only if the base was freed, and the Conn with it
}

// noteEnds notes the ends that were reported before, and will not be again, and asks for the
// one that is not reported.
func (c *Conn) noteEnds() {
	b := c.bev
	b.lock()
	defer b.unlock()
	c.read = b.readEnd()
	if err := b.writeEnd(); err != nil {
		c.failWrite(err)
	}
	b.whenOrphaned(c.onOrphaned)
}

// baseFreed ends the connection when there is no loop any more that could.
func (c *Conn) baseFreed() {
	c.input.End(event.ErrFreed)
	c.output.End(event.ErrFreed)
	if c.bev != nil {
		c.bev.Free()
		c.bev = nil
	}
}

// boundBelow bounds the output of everything that b stands on, so that what the
// system does not take stays in the output of b, where onWrite learns of it.
func boundBelow(b *Bufferevent) {
	for below := b.Underlying(); below != nil; below = below.Underlying() {
		if low, high, err := below.Watermark(event.Write); err == nil && high == 0 {
			_ = below.SetWatermark(event.Write, max(low, connBuffer/2), max(low, connBuffer)) // fails only for one that was freed
		}
	}
}

// noteAddresses asks for the addresses, which are known when the bufferevent is
// connected.
func (c *Conn) noteAddresses() {
	local, remote := c.bev.NetAddrs()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local, c.remote = local, remote
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local
}

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remote
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.input.Read(p)
	switch err {
	case nil, io.EOF:
		return n, err
	case bridge.ErrClosed:
		err = net.ErrClosed
	}
	return n, c.opError("read", err)
}

// Write implements net.Conn. It returns when everything is in the buffers, as
// for the kernel's sockets. What several goroutines write at the same time is not
// mixed.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.output.Write(p)
	switch err {
	case nil:
		return n, nil
	case bridge.ErrClosed:
		err = c.whyClosed()
	}
	return n, c.opError("write", err)
}

// whyClosed returns why nothing can be written after Close or CloseWrite.
func (c *Conn) whyClosed() error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	if err := c.output.Err(); err != io.EOF {
		return err
	}
	return ErrClosed
}

// CloseWrite ends the stream that is written; reading goes on. The error wraps
// errors.ErrUnsupported if the bufferevent cannot do that.
func (c *Conn) CloseWrite() error {
	switch {
	case c.closed.Load():
		return c.opError("close write", net.ErrClosed)
	case !c.canCloseWrite:
		return c.opError("close write", errors.ErrUnsupported)
	}
	_ = c.output.Close() // fails only if that was done before
	if err := c.output.Err(); errors.Is(err, event.ErrFreed) {
		return c.opError("close write", err)
	}
	return nil
}

// Close implements net.Conn. What was written is still sent, as long as the peer
// takes some of it every half minute, and then the bufferevent is freed.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	_ = c.input.Close()                             // fails only if that was done before
	_ = c.output.Close()                            // the same
	if err := c.base.Post(c.onOutput); err != nil { // also if output has ended
		return c.opError("close", err)
	}
	return nil
}

func (c *Conn) opError(op string, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.deadlineError(c.input.SetDeadline(t))
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.deadlineError(c.output.SetDeadline(t))
}

// deadlineError names the operation of an error of SetDeadline. There is none after
// CloseWrite, when nothing can be written any more.
func (c *Conn) deadlineError(err error) error {
	if err == nil || !c.closed.Load() {
		return nil
	}
	return c.opError("set deadline", net.ErrClosed)
}

// onRead moves what has arrived to where Read takes it. When that is full, reading
// pauses until onRoom.
func (c *Conn) onRead(b *Bufferevent) {
	more := c.input.Put(b.Input())
	switch {
	case c.read != nil && b.Input().Len() == 0:
		c.input.End(c.read)
	case !more && !c.paused:
		c.paused = true
		b.Disable(event.Read)
	}
}

// onRoom goes on with reading when Read has made room, on the loop.
func (c *Conn) onRoom() {
	if c.bev == nil {
		return
	}
	c.onRead(c.bev)
	if c.paused && c.read == nil && c.input.Err() == nil && c.bev.Input().Len() == 0 {
		c.resume()
	}
}

// resume has the bufferevent read.
func (c *Conn) resume() {
	c.paused = false
	if err := c.bev.Enable(event.Read); err != nil {
		c.failRead(err)
	}
}

// onWrite is called when much of the output has been written.
func (c *Conn) onWrite(*Bufferevent) { c.onOutput() }

// onOutput moves what was written to the bufferevent unless that holds too much, and
// passes CloseWrite and Close on after the last of it. It runs on the loop.
func (c *Conn) onOutput() {
	if c.bev == nil || !c.closed.Load() && c.bev.Output().Len() >= connBuffer {
		return
	}
	n, end := c.output.Take(&c.taken)
	if n > 0 {
		if err := c.bev.WriteBuffer(&c.taken); err != nil {
			c.failWrite(err)
		}
		c.output.Ack(n)
	}
	switch {
	case end == nil:
	case c.closed.Load():
		c.giveUp()
	case !c.finished && c.write == nil:
		c.finished = true
		if err := c.bev.CloseWrite(); err != nil {
			c.failWrite(err)
		}
	}
}

// giveUp frees the bufferevent when what was written has been sent.
func (c *Conn) giveUp() {
	c.unhook()
	c.stopReading()
	c.bev.FreeWhenWritten(connLinger)
	c.bev = nil
}

// stopReading passes on to the other half of a pair at the bottom, if there is one, that
// nothing is read any more; the peer of a socket learns it from the system.
func (c *Conn) stopReading() {
	c.bev.lock()
	bottom := c.bev.lowest()
	c.bev.unlock()
	_, _ = bottom.Flush(event.Read, ModeFinished) // fails if there is no other half
}

// failRead notes why reading has ended. Read returns it after what has arrived.
func (c *Conn) failRead(err error) {
	if c.read != nil {
		return
	}
	c.read = err
	if c.bev.Input().Len() == 0 {
		c.input.End(err)
	}
}

// failWrite notes why nothing can be written any more. Where that is only that it has
// failed before, the reason is the bufferevent's.
func (c *Conn) failWrite(err error) {
	if errors.Is(err, ErrBroken) {
		err = cmp.Or(c.bev.Err(), err)
	}
	c.write = cmp.Or(c.write, err)
	c.output.End(err)
	_ = c.taken.Free() // owned by no other object
}

// onEvent is called for everything but data.
func (c *Conn) onEvent(b *Bufferevent, what Events) {
	err := cmp.Or(b.Err(), io.ErrUnexpectedEOF)
	switch outcome := what.Outcome(); {
	case outcome == NothingEnded:
	case outcome == ConnectionMade:
		c.noteAddresses()
	case outcome == InputEnded:
		c.failRead(io.EOF)
	case outcome == TimedOut && what&EventReading != 0:
		c.failRead(cmp.Or(c.write, err))
	case outcome == OutputFailed && failedHere(err):
		// The peer goes on waiting for what is lost, as would a
		// Read of its answer: Write may have returned long ago.
		c.failWrite(err)
		c.failRead(err)
	case outcome == OutputFailed, outcome == TimedOut:
		c.failWrite(err)
		if _, tcp := c.remote.(*net.TCPAddr); tcp && evutil.IsDisconnect(err) {
			c.awaitLastWords()
		}
	default:
		c.failRead(err)
		c.failWrite(err)
	}
}

// awaitLastWords lets what has arrived be read, and then ends the reading with the
// reason that has ended the writing: the system may have reported the reset only
// once.
func (c *Conn) awaitLastWords() {
	read, write := c.bev.Timeouts()
	if read == 0 || read > connLastWords {
		_ = c.bev.SetTimeouts(connLastWords, write) // fails only for one that was freed
	}
}

// failedHere reports whether a system call has failed for another reason than
// that the peer is gone.
func failedHere(err error) bool {
	_, system := errors.AsType[syscall.Errno](err)
	return system && !evutil.IsDisconnect(err)
}
