package bridge

import (
	"io"
	"os"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Reader is a pipe from the loop to goroutines that read: Put adds data on the
// loop, Read takes it. Init makes it ready for use.
type Reader struct{ Pipe }

var _ io.ReadCloser = (*Reader)(nil)

// Init makes the pipe ready. It comes before all other calls.
func (r *Reader) Init(base *event.Base, cfg Config) { r.init(base, cfg, false) }

// Read waits until there is data, and takes up to len(p) bytes of it (io.Reader). Once
// all was read of a pipe that the loop has ended, it returns the reason, which is
// io.EOF for a regular end. The other errors are that of Close or CloseWithError, and
// os.ErrDeadlineExceeded, both of which come before data. Any goroutine may call it
// but that of the loop.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.closed != nil:
			return 0, r.closed
		case r.deadline.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case r.buf.Len() > 0:
			n, err := r.buf.Remove(p)
			r.taken()
			return n, err
		case r.ended != nil:
			return 0, r.ended
		}
		r.wait()
	}
}

// taken notifies the loop when there is room again.
func (r *Reader) taken() {
	if r.full && r.buf.Len() <= r.low {
		r.full = false
		r.post()
	}
}

// Close ends the reading: Read fails with ErrClosed, also if it waits already, what
// was not read is discarded, and Ready is called. The error is ErrClosed if the pipe
// was closed before. Any goroutine may call it.
func (r *Reader) Close() error { return r.close(ErrClosed) }

// CloseWithError is Close with another error for Read; nil means ErrClosed.
func (r *Reader) CloseWithError(err error) error {
	if err == nil {
		err = ErrClosed
	}
	return r.close(err)
}

// Put moves data from src into the pipe, up to its high mark, and reports whether
// there is room for more. If there is none, what is left stays in src, and Ready is
// called when it is time for the next Put, which may have nothing to move. A pipe that
// was closed or has ended takes nothing, and has no room. It is called on the loop.
//
// The lock is not held while src changes, so that callbacks of src may call the
// pipe.
func (r *Reader) Put(src *evbuffer.Buffer) (more bool) {
	for {
		room, open := r.room(src)
		if !open || room <= 0 || src.Len() == 0 {
			return open && room > 0
		}
		if _, err := src.RemoveBuffer(&r.staged, room); err != nil {
			r.end(err) // src is frozen: its data cannot be taken
			return false
		}
		r.add()
	}
}

// room returns how much may be added, and whether the pipe is open at all. From here
// on, a pipe without room is full: Read notifies the loop.
func (r *Reader) room(src *evbuffer.Buffer) (room int, open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room = r.high - r.buf.Len()
	r.full = room <= 0
	return room, !r.over()
}

// add moves what is staged into the pipe, or discards it if that was closed meanwhile.
func (r *Reader) add() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed != nil {
		_ = r.staged.Drain(r.staged.Len()) // not frozen
		return
	}
	_ = r.buf.AddBuffer(&r.staged) // neither is frozen
	r.changed.Broadcast()
}

// End says that no more data will come: Read returns err when it has taken what is
// there. A nil err means io.EOF. Only the first call has an effect. It is called on
// the loop.
func (r *Reader) End(err error) {
	if err == nil {
		err = io.EOF
	}
	r.end(err)
}
