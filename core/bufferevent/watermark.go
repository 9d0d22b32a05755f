package bufferevent

import (
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// A watermark is a pair of lengths; zero is none.
type watermark struct {
	low, high int
}

// bounds are how much a bufferevent reads, writes and holds.
type bounds struct {
	readMark, writeMark watermark
	maxRead, maxWrite   int // in one call
}

// defaultBounds are those of all bufferevents for which nothing was set, which
// may be very many.
var defaultBounds = bounds{maxRead: DefaultMaxSingleRead, maxWrite: DefaultMaxSingleWrite}

// ownBounds returns the bounds, to be changed.
func (b *Bufferevent) ownBounds() *bounds {
	if b.bounds == &defaultBounds {
		own := defaultBounds
		b.bounds = &own
	}
	return b.bounds
}

// SetWatermark sets lengths in bytes for Read, Write or both; zero is none.
//
// The read callback runs only when at least low bytes are in the input buffer,
// and reading rests while there are high bytes or more. The write callback
// runs only when at most low bytes are left in the output buffer. The high
// watermark for writing is for filters and other transports above: they put no
// more into the buffer while it has that many. The error is ErrRange for
// negative numbers, and for a low one above a high one: with less than low bytes
// the read callback would not run, and with high bytes nothing more would come
// (bufferevent_setwatermark).
func (b *Bufferevent) SetWatermark(what event.What, low, high int) error {
	const op = "set watermark"
	if err := checkWhat(op, what); err != nil {
		return err
	}
	if low < 0 || high < 0 || high > 0 && low > high {
		return opError(op, ErrRange)
	}
	if !b.begin() {
		return opError(op, ErrFreed)
	}
	defer b.end()
	if what&event.Write != 0 {
		b.ownBounds().writeMark = watermark{low, high}
	}
	if what&event.Read != 0 {
		b.ownBounds().readMark = watermark{low, high}
		b.checkHighMark()
	}
	return nil
}

// Watermark returns the lengths of Read or Write (bufferevent_getwatermark).
func (b *Bufferevent) Watermark(what event.What) (low, high int, err error) {
	b.lock()
	defer b.unlock()
	switch what {
	case event.Read:
		return b.bounds.readMark.low, b.bounds.readMark.high, nil
	case event.Write:
		return b.bounds.writeMark.low, b.bounds.writeMark.high, nil
	}
	return 0, 0, opError("watermark", ErrWhat)
}

// checkHighMark has reading rest while the input is at its high watermark.
func (b *Bufferevent) checkHighMark() {
	if b.inputFull() {
		b.suspend(event.Read, suspendMark)
	} else {
		b.resume(event.Read, suspendMark)
	}
}

// inputFull reports whether there is as much input as there may be. Few bufferevents
// have a bound at all, so that this much is for the compiler to inline.
func (b *Bufferevent) inputFull() bool {
	return (b.bounds.readMark.high != 0 || b.rare != nil) && b.atInputHigh()
}

func (b *Bufferevent) atInputHigh() bool {
	high := b.inputHigh()
	return high != 0 && b.inputToTake() >= high
}

// inputHigh returns how much input there may be at most: the high watermark, or the
// bound of the transport above if that is less. Zero is no bound.
func (b *Bufferevent) inputHigh() int {
	high := b.bounds.readMark.high
	if x := b.rare; x != nil && x.inHigh != 0 && (high == 0 || high > int(x.inHigh)) {
		return int(x.inHigh)
	}
	return high
}

// inputRoom returns how many bytes may be put into the input, or -1 for any
// number.
func (b *Bufferevent) inputRoom() int {
	high := b.inputHigh()
	if high == 0 {
		return -1
	}
	return max(high-b.inputToTake(), 0)
}

// outputFull reports whether the output buffer is at the high watermark for
// writing, so that a transport above should put no more into it.
func (b *Bufferevent) outputFull() bool {
	return b.bounds.writeMark.high != 0 && b.outputToWrite() >= b.bounds.writeMark.high
}

// outputRoom returns how many bytes may be put into the output buffer until it
// is at its high watermark, or -1 for any number.
func (b *Bufferevent) outputRoom() int {
	if b.bounds.writeMark.high == 0 {
		return -1
	}
	return max(b.bounds.writeMark.high-b.outputToWrite(), 0)
}

// The observers are the bufferevent as its two buffers see it.
type (
	inputObserver  Bufferevent
	outputObserver Bufferevent
)

// BufferChanged implements evbuffer.Observer.
func (o *inputObserver) BufferChanged(_ *evbuffer.Buffer, info evbuffer.CallbackInfo) {
	b := (*Bufferevent)(o)
	high := b.inputHigh()
	if info.Deleted == 0 && high == 0 || !b.begin() {
		return
	}
	defer b.end()
	if high != 0 {
		b.checkHighMark()
	}
	if info.Deleted > 0 {
		b.transport.InputRemoved()
	}
}

// BufferChanged implements evbuffer.Observer.
func (o *outputObserver) BufferChanged(_ *evbuffer.Buffer, info evbuffer.CallbackInfo) {
	b := (*Bufferevent)(o)
	if info.Added == 0 || b.corked() || !b.begin() {
		return
	}
	defer b.end()
	if b.wants(event.Write) {
		b.transport.OutputAdded()
	}
}
