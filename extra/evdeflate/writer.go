package evdeflate

import (
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A writer is a compressor that goes from Deflater to Deflater.
type writer struct {
	*flate.Writer
	out   sink
	spare evbuffer.Buffer // empty, except within endMessage
	pool  *sync.Pool      // that it belongs to
}

// A sink is what a compressor writes to, for as long as a Deflater has it.
type sink struct{ to *evbuffer.Buffer }

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) { return s.to.Write(p) }

// writers are the compressors that no Deflater has, those of each level and each smaller window
// for themselves.
var writers [levels + maxWindowBits - minWindowBits]sync.Pool

// levels is how many levels there are, from Stored on.
const levels = 9 - Stored + 1

// borrow returns a compressor that writes to a buffer, and knows what came before.
func borrow(c *DeflateConfig, to *evbuffer.Buffer, context []byte) *writer {
	pool := &writers[c.Level-Stored]
	if c.hasWindow() {
		pool = &writers[levels+c.WindowBits-minWindowBits]
	}
	w, ok := pool.Get().(*writer)
	if !ok {
		w = &writer{Writer: c.newWriter(), pool: pool}
	}
	w.out.to = to
	w.ResetDict(&w.out, context)
	return w
}

// hasWindow reports whether the compressor has to be one for a smaller window.
func (c *DeflateConfig) hasWindow() bool {
	return c.WindowBits < maxWindowBits && c.Level != HuffmanOnly && c.Level != Stored
}

func (c *DeflateConfig) newWriter() *flate.Writer {
	if c.hasWindow() {
		w, _ := flate.NewWriterWindow(nil, 1<<c.WindowBits) // the size is one that it takes
		return w
	}
	level := c.Level
	switch level {
	case DefaultLevel:
		level = flate.DefaultCompression
	case HuffmanOnly:
		level = flate.HuffmanOnly
	case Stored:
		level = flate.NoCompression
	}
	w, _ := flate.NewWriter(nil, level) // the level is one that it takes
	return w
}

// free gives the compressor back.
func (w *writer) free() {
	w.out.to = nil
	_ = w.spare.Drain(w.spare.Len()) // fails only for one that is frozen
	w.pool.Put(w)
}
