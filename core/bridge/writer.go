package bridge

import (
	"io"
	"os"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A Writer is a pipe from goroutines that write to the loop: Write adds data, Take
// takes it on the loop, and Ack says that it has been consumed. Init makes it ready
// for use.
type Writer struct{ Pipe }

var _ io.WriteCloser = (*Writer)(nil)

// Init makes the pipe ready. It comes before all other calls.
func (w *Writer) Init(base *event.Base, cfg Config) { w.init(base, cfg, true) }

// Write copies p into the pipe, and waits for room where there is none (io.Writer).
// What several goroutines write at the same time is not mixed. The errors are
// ErrClosed after Close, os.ErrDeadlineExceeded, and the reason that the loop has
// given to End; the result says how much of p is in the pipe nevertheless. Any
// goroutine may call it but that of the loop.
func (w *Writer) Write(p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.unlock()
	if err := w.begin(); err != nil {
		return 0, err
	}
	defer w.done()
	for n < len(p) {
		if err := w.awaitRoom(); err != nil {
			return n, err
		}
		part := p[n:min(len(p), n+w.room())]
		if err := w.buf.Add(part); err != nil {
			return n, err
		}
		n += len(part)
		w.added()
	}
	return n, nil
}

// WriteBuffer moves all of src into the pipe as soon as that is not full, however
// much it is, without copying. The errors are those of Write, and then nothing was
// moved. Callbacks of src must not call the pipe. Any goroutine may call it but that of the loop.
func (w *Writer) WriteBuffer(src *evbuffer.Buffer) error {
	w.mu.Lock()
	defer w.unlock()
	if err := w.begin(); err != nil {
		return err
	}
	defer w.done()
	if src.Len() == 0 {
		return nil
	}
	if err := w.awaitRoom(); err != nil {
		return err
	}
	if err := w.buf.AddBuffer(src); err != nil {
		return err
	}
	w.added()
	return nil
}

// Flush waits until the loop has acknowledged everything that was written. The errors
// are those of Write, but a pipe may be flushed after Close, and an end that comes later
// than the acknowledgement does not matter. Any goroutine may call
// it but that of the loop.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.pending() == 0 && !w.lost:
			return nil
		case w.ended != nil:
			return w.ended
		case w.deadline.passed():
			return os.ErrDeadlineExceeded
		}
		w.wait()
	}
}

// unlock releases the lock. If notifying the loop has shown that the base was freed,
// what was written is discarded.
func (w *Writer) unlock() {
	if w.ended != nil && w.buf.Len() > 0 {
		w.finish(true)
		return
	}
	w.mu.Unlock()
}

// begin waits until no other goroutine writes.
func (w *Writer) begin() error {
	for {
		if err := w.mayWrite(); err != nil {
			return err
		}
		if !w.writing {
			w.writing = true
			return nil
		}
		w.wait()
	}
}

func (w *Writer) done() {
	w.writing = false
	w.changed.Broadcast()
}

// awaitRoom waits while the pipe is full.
func (w *Writer) awaitRoom() error {
	for {
		if err := w.mayWrite(); err != nil {
			return err
		}
		if !w.full {
			return nil
		}
		w.wait()
	}
}

// mayWrite returns why nothing can be written now, or nil.
func (w *Writer) mayWrite() error {
	switch {
	case w.closed != nil:
		return ErrClosed
	case w.deadline.passed():
		return os.ErrDeadlineExceeded
	}
	return w.ended
}

// room is how much there is until the pipe is full, and positive if it is not.
func (w *Writer) room() int { return max(w.high-int(w.pending()), 1) }

func (w *Writer) added() {
	w.full = w.pending() >= int64(w.high)
	w.post()
}

// Close says that no more will be written: Write fails with ErrClosed from now on,
// also if it waits already, and Take returns io.EOF with the last data. The error is
// ErrClosed if the pipe was closed before. Any goroutine may call it.
func (w *Writer) Close() error { return w.close(io.EOF) }

// CloseWithError is Close with another error for Take; nil means io.EOF.
func (w *Writer) CloseWithError(err error) error {
	if err == nil {
		err = io.EOF
	}
	return w.close(err)
}

// Take moves everything in the pipe to dst, and returns how much that was; it counts
// as being in the pipe until Ack. The error is nil while more may come, otherwise
// that of Close, which is io.EOF, or CloseWithError: dst then has the last of the
// data. It is called on the loop.
func (w *Writer) Take(dst *evbuffer.Buffer) (n int, err error) {
	w.mu.Lock()
	n = w.buf.Len()
	w.unacked += int64(n)
	if n > 0 {
		_ = w.staged.AddBuffer(&w.buf) // neither is frozen
	}
	err = w.closed
	w.mu.Unlock()
	if n > 0 { // without the lock, as callbacks of dst may call the pipe
		if failed := dst.AddBuffer(&w.staged); failed != nil {
			w.End(failed)
			return 0, failed
		}
	}
	return n, err
}

// Ack says that n more bytes of those that were taken have been consumed, which makes
// room for others. It is called on the loop.
func (w *Writer) Ack(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unacked -= int64(n)
	if w.full && w.pending() <= int64(w.low) {
		w.full = false
	}
	w.release()
	w.changed.Broadcast()
}

// End says that the loop takes no more: calls that wait and later ones fail with err,
// which must not be nil, and what is in the pipe is discarded. Only the first call has
// an effect. It is called on the loop.
func (w *Writer) End(err error) { w.end(err) }
