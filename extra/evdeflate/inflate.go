package evdeflate

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// Defaults of an InflateConfig.
const (
	// DefaultMaxRatio is how many times as large as what has come the inflated data may
	// become. Deflate can do 1032 times.
	DefaultMaxRatio = 200
	// DefaultRatioSlack is how many bytes may come out before the ratio counts.
	DefaultRatioSlack = 1 << 20
)

// An InflateConfig says what an Inflater accepts. The zero value is raw deflate with the
// default limits. It is copied.
type InflateConfig struct {
	// Format is what is around the deflated data.
	Format Format
	// WindowBits bounds how far back matches may refer, to 2^WindowBits bytes, from 9 to
	// 15, which is the default. What refers beyond that is corrupt.
	WindowBits int
	// Messages says that the data are messages of permessage-deflate, which are raw deflate
	// that has no end: after a block that says it is the last one another follows, with the
	// same window, from the next byte on (RFC 7692, section 7.2.1).
	Messages bool
	// MaxSize bounds what all the data become, in bytes. There is no limit by default, as
	// what is inflated at a time is bounded by Inflate.
	MaxSize int64
	// MaxRatio bounds how many times as large as what has come the inflated data become, once
	// they have RatioSlack bytes; by default DefaultMaxRatio and DefaultRatioSlack.
	// A negative number is no limit.
	MaxRatio, RatioSlack int64
}

// check fills in defaults.
func (c InflateConfig) check() (InflateConfig, error) {
	if c.WindowBits == 0 {
		c.WindowBits = maxWindowBits
	}
	if c.MaxRatio == 0 {
		c.MaxRatio = DefaultMaxRatio
	}
	if c.RatioSlack == 0 {
		c.RatioSlack = DefaultRatioSlack
	}
	switch {
	case c.Format > Gzip:
		return c, fmt.Errorf("%w: %v", ErrConfig, c.Format)
	case c.WindowBits < minWindowBits || c.WindowBits > maxWindowBits:
		return c, fmt.Errorf("%w: WindowBits %d", ErrConfig, c.WindowBits)
	case c.Messages && c.Format != Raw:
		return c, fmt.Errorf("%w: Messages in %v", ErrConfig, c.Format)
	case c.MaxSize < 0:
		return c, fmt.Errorf("%w: MaxSize %d", ErrConfig, c.MaxSize)
	}
	return c, nil
}

// An Inflater inflates a stream that comes in pieces, of any size, and goes on where the last
// one has ended. It keeps the window, as much of it as the stream has filled, and within
// a block its trees; neither before the first byte, nor after the last one. It may be
// used by one goroutine at a time.
type Inflater struct {
	cfg   InflateConfig
	state state
	last  bool  // this block is the last one
	err   error // that has ended it

	bits   uint64 // of what has come, those that were not used yet
	nbits  uint   // how many
	window window
	trees  *trees    // of the block, or nil
	own    *ownTrees // those that the block has brought, or nil
	copy   match     // what is left of it
	stored int       // bytes of a stored block that are to come

	head    gzipHead
	skipped bool // zeros after a member
	sum     hash.Hash32
	member  uint64 // bytes of this member of gzip

	in, out int64

	// Of the call of Inflate.
	src    []byte // what is left of the first piece
	piece  int    // the length of that
	dst    *evbuffer.Buffer
	room   int  // how much may be given
	capped bool // by MaxSize
	full   bool // there was no room for what comes next
}

// A match is a part of what was inflated that comes again.
type match struct{ length, distance int }

// NewInflater makes an inflater. The error wraps ErrConfig. nil stands for the defaults.
func NewInflater(cfg *InflateConfig) (*Inflater, error) {
	var own InflateConfig
	if cfg != nil {
		own = *cfg
	}
	own, err := own.check()
	if err != nil {
		return nil, opError("new inflater", err)
	}
	d := &Inflater{cfg: own, sum: own.Format.newSum()}
	d.Reset()
	return d, nil
}

// Reset forgets the stream, and any error, and gives its memory back. The next data are the
// beginning of another one. An Inflater that is not needed any more has to be Reset, or its
// memory is left to the garbage collector.
func (d *Inflater) Reset() {
	d.dropTrees()
	d.window.maxBits = d.cfg.WindowBits
	d.window.reset()
	if d.sum != nil {
		d.sum.Reset()
	}
	*d = Inflater{cfg: d.cfg, sum: d.sum, window: d.window, state: first(d.cfg.Format)}
}

// first returns the state that a format begins with.
func first(f Format) state {
	switch f {
	case Zlib:
		return stateZlibHead
	case Gzip:
		return stateGzipHead
	}
	return stateBlock
}

// Inflate takes from src what it can, and adds what that becomes to dst: no more than limit
// bytes, if that is not negative. It returns nil when all of src was taken, or the limit was
// reached; what follows then may give more even without more in src, see Pending. io.EOF says
// that the stream has ended here: what follows it is left in src. Gzip goes on with another
// member, if one follows, and never ends so. Other errors wrap ErrCorrupt, ErrChecksum,
// ErrDictionary, ErrTooLarge, or are those of the buffers; what was inflated
// before has been given.
func (d *Inflater) Inflate(src, dst *evbuffer.Buffer, limit int) error {
	if d.err != nil {
		return d.err
	}
	d.open(dst, limit)
	return d.close(d.inflate(src))
}

// open notes where what is inflated goes, and how much of it.
func (d *Inflater) open(dst *evbuffer.Buffer, limit int) {
	if limit < 0 {
		limit = math.MaxInt
	}
	d.dst, d.room, d.capped = dst, limit, false
	if left := d.cfg.MaxSize - d.out; d.cfg.MaxSize > 0 && left <= int64(limit) {
		d.room, d.capped = int(left), true
	}
}

// close forgets that, and has the stream end if there is an error.
func (d *Inflater) close(err error) error {
	d.dst, d.src = nil, nil
	switch {
	case err == nil:
		return nil
	case err != io.EOF:
		err = opError("inflate", err)
	}
	d.err = err
	d.dropTrees()
	d.window.reset()
	return err
}

// Pending reports whether there is more to give that has come already, as after an Inflate
// that has reached its limit.
func (d *Inflater) Pending() bool { return d.full && d.err == nil }

// Finish says that nothing comes any more. The error is io.ErrUnexpectedEOF if the stream has
// not ended, or that which Inflate has returned.
func (d *Inflater) Finish() error {
	switch {
	case d.err == io.EOF, d.state == stateMember && d.nbits == 0, d.state == stateBlock && d.nbits == 0 && d.cfg.Messages:
		return nil
	case d.err != nil:
		return d.err
	}
	return opError("finish", io.ErrUnexpectedEOF)
}

// FlushTail inflates the end of a sync flush, four bytes, which messages of permessage-deflate
// come without (RFC 7692, section 7.2.2), after Inflate has given all that has come. limit and
// errors are those of Inflate; a message that goes beyond limit with these bytes is corrupt, as
// they are the end of it.
func (d *Inflater) FlushTail(dst *evbuffer.Buffer, limit int) error {
	if d.err != nil {
		return d.err
	}
	d.open(dst, limit)
	taken, err := d.take(syncTail)
	if err == nil && taken < len(syncTail) {
		err = corrupt("a message without its end")
	}
	return d.close(err)
}

// syncTail is the end of the empty stored block that a sync flush consists of.
var syncTail = []byte{0, 0, 0xff, 0xff}

// Total returns how many bytes have come, and how many were given.
func (d *Inflater) Total() (in, out int64) { return d.in, d.out }

// errShort says that there is not enough input to go on, and errFull that there is no room.
var (
	errShort = errors.New("more input is needed")
	errFull  = errors.New("the limit is reached")
)

// inflate goes through the pieces of src.
func (d *Inflater) inflate(src *evbuffer.Buffer) error {
	var piece [1][]byte
	for {
		piece[0] = nil
		if _, err := src.Peek(-1, nil, piece[:]); err != nil {
			return err
		}
		taken, err := d.take(piece[0])
		if err2 := src.Drain(taken); err2 != nil {
			return err2
		}
		switch {
		case err == io.EOF:
			return d.unread(src, err)
		case err != nil, d.full, src.Len() == 0:
			return err
		}
	}
}

// take inflates a piece, and returns how much of it was taken: all, unless there was no room
// for what that becomes, or the error says why.
func (d *Inflater) take(p []byte) (taken int, err error) {
	d.src, d.piece = p, len(p)
	err = d.run()
	if err2 := d.window.give(d); err2 != nil {
		return 0, err2
	}
	taken = d.piece - len(d.src)
	d.in += int64(taken)
	d.full = err == errFull
	switch {
	case d.full && d.capped:
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, d.cfg.MaxSize)
	case d.full, err == errShort:
		err = nil
	}
	return taken, err
}

// unread puts back what was taken beyond the end.
func (d *Inflater) unread(src *evbuffer.Buffer, end error) error {
	var p []byte
	for ; d.nbits >= 8; d.nbits -= 8 {
		p = append(p, byte(d.bits))
		d.bits >>= 8
	}
	d.in -= int64(len(p))
	if err := src.Prepend(p); err != nil {
		return err
	}
	return end
}

// given implements taker.
func (d *Inflater) given(p []byte) error {
	if d.sum != nil {
		d.sum.Write(p)
	}
	d.member += uint64(len(p))
	d.out += int64(len(p))
	if err := d.dst.Add(p); err != nil {
		return err
	}
	come := d.in + int64(d.piece-len(d.src))
	if d.cfg.MaxRatio > 0 && d.out > d.cfg.RatioSlack && d.out/d.cfg.MaxRatio > come {
		return fmt.Errorf("%w: more than %d times as much as has come", ErrTooLarge, d.cfg.MaxRatio)
	}
	return nil
}
