package evfilter

import (
	"fmt"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evdeflate"
)

// A CompressConfig says what a compressed stream has in each direction. It is copied.
type CompressConfig struct {
	// In is what is read, and Out what is written. Nil is a direction without
	// compression; one of them has to be set.
	In  *evdeflate.InflateConfig
	Out *evdeflate.DeflateConfig
	// Manual leaves it to the program when what it has written is flushed, by
	// Bufferevent.Flush. Otherwise that happens at the end of each iteration of the loop
	// in which something was written.
	Manual bool
}

// Gzip, Zlib and Deflate return the configuration of streams that are compressed in both
// directions, with the defaults of evdeflate.
func Gzip() *CompressConfig    { return both(evdeflate.Gzip) }
func Zlib() *CompressConfig    { return both(evdeflate.Zlib) }
func Deflate() *CompressConfig { return both(evdeflate.Raw) }

func both(f evdeflate.Format) *CompressConfig {
	return &CompressConfig{In: &evdeflate.InflateConfig{Format: f}, Out: &evdeflate.DeflateConfig{Format: f}}
}

// batch is how much is compressed at once without waiting for the end of the iteration. As a
// stream borrows its compressor for that long only, there are no more than loops, however
// many streams are written to.
const batch = 32 << 10

// compressed is the filter.
type compressed struct {
	above     *bufferevent.Bufferevent
	in        *evdeflate.Inflater
	out       *evdeflate.Deflater
	format    evdeflate.Format // of the output
	manual    bool
	scheduled bool // EndIteration will be called
	ending    bool // it runs
	freed     bool
}

// NewCompressed makes a bufferevent that compresses what is written and inflates what is read,
// over under, which belongs to it as with bufferevent.NewFilter. What is written goes out,
// compressed, at the end of the iteration, or with [CompressConfig.Manual] when it
// is flushed; CloseWrite and FreeWhenWritten end the compressed stream, and so does Flush
// with ModeFinished, after which more may follow with gzip only. The end of a compressed
// stream that is read, of zlib or raw deflate, is the end of the stream: what follows it is
// left below. If the stream below ends before that, the event callback gets EventError, with
// io.ErrUnexpectedEOF, and for other faults the errors of evdeflate.
//
// A stream that rests has no memory of a compressor, and of an inflater the window, which is
// no larger than what has come. It is called where the loop's objects are used; the errors
// are those of NewFilter and wrap evdeflate.ErrConfig or [ErrConfig].
func NewCompressed(under *bufferevent.Bufferevent, cfg *CompressConfig, opts bufferevent.Options) (*bufferevent.Bufferevent, error) {
	c, err := newCompressed(cfg)
	if err != nil {
		if under != nil && opts&bufferevent.CloseOnFree != 0 {
			under.Free()
		}
		return nil, fmt.Errorf("evfilter: new compressed: %w", err)
	}
	var in, out bufferevent.Filter
	if c.in != nil {
		in = c.inflate
	}
	if c.out != nil {
		out = c.deflate
	}
	c.above, err = bufferevent.NewFilter(under, in, out, opts, c.free)
	if err != nil {
		return nil, err
	}
	return c.above, nil
}

func newCompressed(cfg *CompressConfig) (c *compressed, err error) {
	if cfg == nil || cfg.In == nil && cfg.Out == nil {
		return nil, fmt.Errorf("%w: neither direction is compressed", ErrConfig)
	}
	c = &compressed{manual: cfg.Manual}
	if cfg.In != nil {
		if c.in, err = evdeflate.NewInflater(cfg.In); err != nil {
			return nil, err
		}
	}
	if cfg.Out != nil {
		c.format = cfg.Out.Format
		if c.out, err = evdeflate.NewDeflater(cfg.Out); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// inflate is the filter of what is read.
func (c *compressed) inflate(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	had, gave := src.Len(), dst.Len()
	if err := c.in.Inflate(src, dst, limit); err != nil {
		return err
	}
	switch {
	case mode == bufferevent.ModeFinished:
		return c.inputEnded()
	case src.Len() == had && dst.Len() == gave && !c.in.Pending():
		return bufferevent.ErrNeedMore
	}
	return nil
}

// inputEnded looks whether the stream may end here. One on which nothing has come may.
func (c *compressed) inputEnded() error {
	if in, _ := c.in.Total(); in == 0 {
		return nil
	}
	return c.in.Finish()
}

// deflate is the filter of what is written.
func (c *compressed) deflate(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	had, gave := src.Len(), dst.Len()
	if had > 0 && c.out.Finished() && c.format == evdeflate.Gzip {
		c.out.Reset() // another member begins
	}
	flush := evdeflate.NoFlush
	switch {
	case mode == bufferevent.ModeFinished:
		flush = evdeflate.Finish
	case mode == bufferevent.ModeFlush, !c.manual && (c.ending || had >= batch):
		flush = evdeflate.SyncFlush
	case !c.manual && had > 0:
		c.schedule()
		return bufferevent.ErrNeedMore
	}
	if err := c.out.Deflate(src, dst, limit, flush); err != nil {
		return err
	}
	if src.Len() == had && dst.Len() == gave && !c.out.Pending() {
		return bufferevent.ErrNeedMore
	}
	return nil
}

// schedule has EndIteration called.
func (c *compressed) schedule() {
	if !c.scheduled && c.above != nil {
		c.scheduled = c.above.Base().AtIterationEnd(c)
	}
}

// EndIteration implements event.IterationEnder: it compresses what was written, as far as there
// is room below.
func (c *compressed) EndIteration() {
	if c.scheduled = false; c.freed {
		return
	}
	c.ending = true
	_, _ = c.above.Flush(event.Write, bufferevent.ModeNormal) // the event callback is told of errors
	c.ending = false
}

// free gives the memory back.
func (c *compressed) free() {
	c.freed = true
	if c.in != nil {
		c.in.Reset()
	}
	if c.out != nil {
		c.out.Reset()
	}
}
