package evdeflate

import (
	"errors"
	"fmt"
	"hash"
	"math"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// Levels of compression, besides 1, the fastest, to 9, the smallest.
const (
	DefaultLevel = 0  // as good as is cheap
	HuffmanOnly  = -2 // no matches: fast, and nothing to keep
	Stored       = -3 // no compression
)

// A DeflateConfig says how a Deflater compresses. The zero value is raw deflate with the
// defaults. It is copied.
type DeflateConfig struct {
	// Format is what is around the deflated data.
	Format Format
	// Level is from 1 to 9, DefaultLevel, HuffmanOnly or Stored. Windows smaller than 32 kB
	// have one level only, which is in the middle.
	Level int
	// WindowBits bounds how far back matches refer, to 2^WindowBits bytes, from 9 to 15, which
	// is the default.
	WindowBits int
	// Context is how many bytes of what was compressed are kept while a stream rests after a
	// sync flush, for matches in what comes next; no more than the window has. By
	// default none are, so that a stream that rests keeps no memory.
	Context int
}

// check fills in defaults.
func (c DeflateConfig) check() (DeflateConfig, error) {
	if c.WindowBits == 0 {
		c.WindowBits = maxWindowBits
	}
	switch {
	case c.Format > Gzip:
		return c, fmt.Errorf("%w: %v", ErrConfig, c.Format)
	case c.Level < Stored || c.Level == -1 || c.Level > 9:
		return c, fmt.Errorf("%w: Level %d", ErrConfig, c.Level)
	case c.WindowBits < minWindowBits || c.WindowBits > maxWindowBits:
		return c, fmt.Errorf("%w: WindowBits %d", ErrConfig, c.WindowBits)
	case c.Context < 0 || c.Context > 1<<c.WindowBits:
		return c, fmt.Errorf("%w: Context %d with a window of %d", ErrConfig, c.Context, 1<<c.WindowBits)
	}
	return c, nil
}

// A Flush says what a Deflater is to do after what it was given.
type Flush uint8

const (
	// NoFlush lets it keep what may become smaller together with what comes next.
	NoFlush Flush = iota
	// SyncFlush has all that came before be inflated from what is given. It ends with the
	// bytes 00 00 ff ff, and costs five bytes.
	SyncFlush
	// MessageFlush is SyncFlush without those four bytes, as messages of
	// permessage-deflate end (RFC 7692, section 7.2.1). One that is empty has a byte. While
	// the end of a message has yet to fit, it asks for that, and not for another message.
	MessageFlush
	// Finish ends the stream.
	Finish
)

// A Deflater compresses a stream that comes in pieces. What compresses, up to a megabyte, is
// borrowed from those that all Deflaters have in common, with the first byte, and given
// back with a sync flush. It may be used by one goroutine at a time.
type Deflater struct {
	cfg     DeflateConfig
	writer  *writer // or nil
	context []byte  // see DeflateConfig
	sum     hash.Hash32
	size    uint64
	begun   bool // the header was given
	done    bool // the end was
	ended   bool // the message was, though not all of it may have fit
	err     error
	out     evbuffer.Buffer // what did not fit
}

// NewDeflater makes a deflater. The error wraps ErrConfig. nil stands for the defaults.
func NewDeflater(cfg *DeflateConfig) (*Deflater, error) {
	var own DeflateConfig
	if cfg != nil {
		own = *cfg
	}
	own, err := own.check()
	if err != nil {
		return nil, opError("new deflater", err)
	}
	return &Deflater{cfg: own, sum: own.Format.newSum()}, nil
}

// Reset forgets the stream, and any error, and gives its memory back. What comes next begins
// another stream. A Deflater that is not needed any more has to be Reset, or its memory is
// left to the garbage collector.
func (d *Deflater) Reset() {
	d.dropWriter()
	d.context = nil
	if d.sum != nil {
		d.sum.Reset()
	}
	d.size, d.begun, d.done, d.ended, d.err = 0, false, false, false, nil
	_ = d.out.Drain(d.out.Len()) // it is ours alone
}

// Deflate takes from src, and adds what that becomes to dst: no more than limit bytes, if
// that is not negative. What does not fit is kept, see Pending, and less may be taken
// from src then; a message or the stream ends when all was taken. The error wraps ErrFinished
// for more after the end, or is that of the buffers.
func (d *Deflater) Deflate(src, dst *evbuffer.Buffer, limit int, flush Flush) error {
	const op = "deflate"
	if d.err != nil {
		return d.err
	}
	if limit < 0 {
		limit = math.MaxInt
	}
	if d.done && src.Len() > 0 {
		return opError(op, ErrFinished)
	}
	if err := d.deflate(src, limit, flush); err != nil {
		d.err = opError(op, err)
		d.dropWriter()
		return d.err
	}
	if d.out.Len() <= limit {
		return dst.AddBuffer(&d.out)
	}
	_, err := d.out.RemoveBuffer(dst, limit)
	return err
}

// Pending reports whether there is more to give that did not fit.
func (d *Deflater) Pending() bool { return d.out.Len() > 0 }

// Finished reports whether the end of the stream was given, after which nothing may follow
// without Reset.
func (d *Deflater) Finished() bool { return d.done }

// deflate compresses into d.out.
func (d *Deflater) deflate(src *evbuffer.Buffer, limit int, flush Flush) error {
	var piece [1][]byte
	for src.Len() > 0 {
		if d.out.Len() >= limit {
			return d.rest(flush)
		}
		if _, err := src.Peek(-1, nil, piece[:]); err != nil {
			return err
		}
		p := piece[0][:min(len(piece[0]), maxPiece)]
		if err := d.begin(); err != nil {
			return err
		}
		if _, err := d.writer.Write(p); err != nil {
			return err
		}
		d.note(p)
		if err := src.Drain(len(p)); err != nil {
			return err
		}
	}
	switch {
	case flush == Finish && !d.done:
		return d.finish()
	case flush == SyncFlush && d.writer != nil:
		return d.flush()
	case flush == MessageFlush && !d.done && (!d.ended || d.out.Len() == 0):
		return d.endMessage()
	}
	return nil
}

// rest flushes what was taken, if a flush was asked for that comes when the rest was, so that
// a stream that has to wait holds no compressor.
func (d *Deflater) rest(flush Flush) error {
	if flush == NoFlush || d.writer == nil {
		return nil
	}
	return d.flush()
}

func (d *Deflater) flush() error {
	err := d.writer.Flush()
	d.dropWriter()
	return err
}

// endMessage flushes, and takes the end of that off again.
func (d *Deflater) endMessage() error {
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.writer.Flush(); err != nil {
		return err
	}
	front := &d.writer.spare
	if _, err := d.out.RemoveBuffer(front, d.out.Len()-len(syncTail)); err != nil {
		return err
	}
	if err := errors.Join(d.out.Drain(len(syncTail)), d.out.AddBuffer(front)); err != nil {
		return err
	}
	d.dropWriter()
	d.ended = true
	return nil
}

// maxPiece is how much is compressed before the limit is looked at.
const maxPiece = 16 << 10

// begin borrows a writer, and writes the header.
func (d *Deflater) begin() error {
	if d.ended = false; d.writer != nil {
		return nil
	}
	d.writer = borrow(&d.cfg, &d.out, d.context)
	if d.begun {
		return nil
	}
	d.begun = true
	if d.cfg.Format == Raw {
		return nil
	}
	return d.out.Add(d.cfg.Format.appendHead(nil, d.cfg.WindowBits))
}

// note counts what was compressed, and keeps the end of it.
func (d *Deflater) note(p []byte) {
	d.size += uint64(len(p))
	if d.sum != nil {
		d.sum.Write(p)
	}
	if d.cfg.Context == 0 {
		return
	}
	p = p[max(0, len(p)-d.cfg.Context):]
	if over := len(d.context) + len(p) - d.cfg.Context; over > 0 {
		d.context = d.context[:copy(d.context, d.context[over:])]
	}
	d.context = append(d.context, p...)
}

// finish ends the stream.
func (d *Deflater) finish() error {
	if err := d.begin(); err != nil {
		return err
	}
	if err := d.writer.Close(); err != nil {
		return err
	}
	d.dropWriter()
	d.context, d.done = nil, true
	if d.cfg.Format == Raw {
		return nil
	}
	return d.out.Add(d.cfg.Format.appendTail(nil, d.sum, d.size))
}

// dropWriter gives the writer back.
func (d *Deflater) dropWriter() {
	if d.writer != nil {
		d.writer.free()
		d.writer = nil
	}
}
