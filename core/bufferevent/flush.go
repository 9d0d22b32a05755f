package bufferevent

import (
	"errors"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

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
