package bufferevent

import (
	"errors"
	"io"
	"sync"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
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
		return opError(op, event.ErrNil)
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
	if b.rare != nil && b.rare.brokenBy != nil {
		return opError(op, b.rare.brokenBy)
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
		return opError(op, event.ErrNil)
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
