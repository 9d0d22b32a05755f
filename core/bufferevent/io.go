package bufferevent

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A Bufferevent is what Go's own writers are, and reads like them too, without
// ever waiting.
var _ interface {
	io.ReadWriter
	io.StringWriter
} = (*Bufferevent)(nil)

// Write appends a copy of p to the output buffer. It returns len(p), or an error:
// ErrFreed, ErrClosed after CloseWrite, or ErrBroken after an event that said
// that writing has failed (bufferevent_write).
func (b *Bufferevent) Write(p []byte) (int, error) {
	b.lock()
	defer b.unlock()
	if err := b.writable("write"); err != nil {
		return 0, err
	}
	return b.output.Write(p)
}

// WriteString is Write for a string.
func (b *Bufferevent) WriteString(s string) (int, error) {
	b.lock()
	defer b.unlock()
	if err := b.writable("write"); err != nil {
		return 0, err
	}
	return b.output.WriteString(s)
}

// WriteBuffer moves all data of buf to the output buffer, without copying it.
// The errors are those of Write (bufferevent_write_buffer).
func (b *Bufferevent) WriteBuffer(buf *evbuffer.Buffer) error {
	const op = "write buffer"
	if buf == nil {
		return opError(op, ErrNil)
	}
	if !b.locked() {
		return b.writeAll(op, buf)
	}
	return inParcel(
		func(parcel *evbuffer.Buffer) error { return parcel.AddBuffer(buf) },
		func(parcel *evbuffer.Buffer) error { return b.writeAll(op, parcel) },
		func(parcel *evbuffer.Buffer) error { return buf.PrependBuffer(parcel) },
	)
}

// parcels carry data between a bufferevent with a lock and a buffer that may
// have another one. So neither lock is waited for with the other one held, and
// goroutines can move data in opposite directions.
var parcels = sync.Pool{New: func() any { return new(evbuffer.Buffer) }}

// inParcel moves data to a parcel and from there on, or back if that fails. All of
// these call callbacks. If one panics, the parcel may have data and is not used
// again.
func inParcel(pack, deliver, giveBack func(parcel *evbuffer.Buffer) error) error {
	parcel := parcels.Get().(*evbuffer.Buffer)
	err := pack(parcel)
	if err == nil {
		if err = deliver(parcel); err != nil {
			err = errors.Join(err, giveBack(parcel), parcel.Free())
		}
	}
	parcels.Put(parcel)
	return err
}

func (b *Bufferevent) writeAll(op string, buf *evbuffer.Buffer) error {
	b.lock()
	defer b.unlock()
	if err := b.writable(op); err != nil {
		return err
	}
	return b.output.AddBuffer(buf)
}

// writable returns why nothing can be written any more, if so.
func (b *Bufferevent) writable(op string) error {
	switch {
	case b.refs == 0:
		return opError(op, ErrFreed)
	case b.closedWrite:
		return opError(op, ErrClosed)
	case b.brokenWrite:
		return opError(op, ErrBroken)
	}
	if b.extras != nil && b.extras.brokenBy != nil {
		return opError(op, b.extras.brokenBy)
	}
	return nil
}

// Read moves data from the input buffer to p. It does not wait: if there is
// none, the error is ErrNothingToRead, bare, io.EOF after the end of the
// stream, or ErrFreed (bufferevent_read).
func (b *Bufferevent) Read(p []byte) (int, error) {
	b.lock()
	defer b.unlock()
	n, err := b.input.Remove(p)
	if n > 0 || err != nil || len(p) == 0 {
		return n, err
	}
	return 0, b.noInput("read")
}

// ReadBuffer moves all data of the input buffer to the back of buf, without
// copying it (bufferevent_read_buffer).
func (b *Bufferevent) ReadBuffer(buf *evbuffer.Buffer) error {
	const op = "read buffer"
	if buf == nil {
		return opError(op, ErrNil)
	}
	if !b.locked() {
		return b.readAll(op, buf)
	}
	return inParcel(
		func(parcel *evbuffer.Buffer) error { return b.readAll(op, parcel) },
		buf.AddBuffer,
		func(parcel *evbuffer.Buffer) error {
			b.lock()
			defer b.unlock()
			return b.input.PrependBuffer(parcel)
		},
	)
}

func (b *Bufferevent) readAll(op string, buf *evbuffer.Buffer) error {
	b.lock()
	defer b.unlock()
	if b.refs == 0 {
		return opError(op, ErrFreed)
	}
	return buf.AddBuffer(b.Input())
}

func (b *Bufferevent) noInput(op string) error {
	switch {
	case b.refs == 0:
		return opError(op, ErrFreed)
	case b.sawEOF:
		return io.EOF
	}
	return ErrNothingToRead
}

// A FlushMode says how urgent a Flush is (enum bufferevent_flush_mode).
type FlushMode uint8

const (
	// ModeNormal moves what the watermarks allow (BEV_NORMAL).
	ModeNormal FlushMode = iota
	// ModeFlush moves all there is (BEV_FLUSH).
	ModeFlush
	// ModeFinished moves all there is and says that no more will come
	// (BEV_FINISHED).
	ModeFinished
)

// Flush makes filters process what they have, and pairs hand it over, in the
// directions of what. It reports whether that has moved anything. A socket does
// nothing: it writes whatever it can anyway (bufferevent_flush).
func (b *Bufferevent) Flush(what event.What, mode FlushMode) (moved bool, err error) {
	if err := checkWhat("flush", what); err != nil {
		return false, err
	}
	if mode > ModeFinished {
		return false, opError("flush", ErrRange)
	}
	if !b.begin() {
		return false, opError("flush", ErrFreed)
	}
	defer b.end()
	return b.transport.Flush(what, mode)
}

// CloseWrite ends the stream that is written, once the output buffer is empty;
// reading goes on. A socket sends a FIN then, and the other half of a pair gets
// an EventEOF. More writes are errors. Without it the stream ends when the
// descriptor is closed. The error wraps errors.ErrUnsupported if the transport
// cannot do it, as over a pipe or a terminal: then nothing has changed, and Free
// is the way to end the stream.
func (b *Bufferevent) CloseWrite() error {
	const op = "close write"
	if !b.begin() {
		return opError(op, ErrFreed)
	}
	defer b.end()
	w, ok := b.transport.(WriteCloser)
	if !ok {
		return opError(op, errors.ErrUnsupported)
	}
	if b.closedWrite {
		return nil
	}
	b.closedWrite = true
	b.output.Freeze(evbuffer.Back)
	err := w.CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) {
		b.closedWrite = false
		b.output.Unfreeze(evbuffer.Back)
		return opError(op, err)
	}
	return err
}

// FD returns the descriptor that the bufferevent stands on, directly or not, or
// -1 (bufferevent_getfd).
func (b *Bufferevent) FD() int {
	b.lock()
	defer b.unlock()
	if _, t, ok := find[Describer](b); ok && b.refs > 0 {
		return t.FD()
	}
	return -1
}

// SetFD changes the descriptor; -1 is none. What is in the buffers stays there,
// and the old descriptor open. The new one must be non-blocking. The error
// wraps errors.ErrUnsupported if the bufferevent stands on none
// (bufferevent_setfd).
func (b *Bufferevent) SetFD(fd int) error {
	const op = "set descriptor"
	at, t, err := beginAt[Describer](b)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	return t.SetFD(fd)
}

// ReplaceFD is SetFD, and closes the old descriptor, if there is one, before
// (bufferevent_replacefd).
func (b *Bufferevent) ReplaceFD(fd int) error {
	const op = "replace descriptor"
	at, t, err := beginAt[Describer](b)
	if err != nil {
		return opError(op, err)
	}
	defer at.end()
	old := t.FD()
	if err := t.SetFD(evutil.InvalidSocket); err != nil {
		return err
	}
	if old >= 0 {
		if err := sysio.CloseSocket(old); err != nil {
			return opError(op, fmt.Errorf("close fd %d: %w", old, err))
		}
	}
	return t.SetFD(fd)
}

// Underlying returns the bufferevent that this one stands on, or nil
// (bufferevent_get_underlying).
func (b *Bufferevent) Underlying() *Bufferevent {
	b.lock()
	defer b.unlock()
	return b.wrapped()
}

func (b *Bufferevent) wrapped() *Bufferevent {
	if t, ok := b.transport.(Wrapper); ok {
		return t.Underlying()
	}
	return nil
}
