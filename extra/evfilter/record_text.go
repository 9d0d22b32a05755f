package evfilter

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// A LogRecorder writes a line to a log for what passes: the stream, the direction, how much,
// and the beginning of it.
type LogRecorder struct {
	logger *slog.Logger
	level  slog.Level
	most   int
}

// NewLogRecorder makes a recorder for a logger, at a level; most is how many bytes of what
// passes at a time the log gets to see.
func NewLogRecorder(logger *slog.Logger, level slog.Level, most int) *LogRecorder {
	return &LogRecorder{logger, level, max(most, 0)}
}

// Record implements Recorder.
func (r *LogRecorder) Record(s *Stream, at time.Time, d Direction, p []byte) {
	ctx := context.Background()
	if !r.logger.Enabled(ctx, r.level) {
		return
	}
	attrs := []slog.Attr{slog.Uint64("stream", s.Number), slog.String("peer", s.Remote.String()), slog.String("direction", d.String()), slog.Int("bytes", len(p))}
	if r.most > 0 {
		attrs = append(attrs, slog.String("data", fmt.Sprintf("%q", p[:min(len(p), r.most)])))
	}
	r.logger.LogAttrs(ctx, r.level, "data", attrs...)
}

// End implements Recorder.
func (r *LogRecorder) End(s *Stream, at time.Time) {
	r.logger.LogAttrs(context.Background(), r.level, "end", slog.Uint64("stream", s.Number))
}

// An output is where a recorder writes. Once that has failed, nothing more is written.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// write writes all of p at once.
func (o *output) write(p []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(p)
	}
}

// Err returns why nothing is written any more, or nil. It may be called from any goroutine.
func (o *output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// A HexRecorder writes what passes in hexadecimal digits and as text, sixteen bytes a line.
type HexRecorder struct{ output }

// NewHexRecorder makes a recorder that writes to w, from one goroutine at a time.
func NewHexRecorder(w io.Writer) *HexRecorder { return &HexRecorder{output{w: w}} }

// Record implements Recorder.
func (r *HexRecorder) Record(s *Stream, at time.Time, d Direction, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Appendf(nil, "%s stream %d %v %v, %d bytes\n", at.UTC().Format("15:04:05.000000"), s.Number, d, s.Remote, len(p))
	r.write(append(text, hex.Dump(p)...))
}

// End implements Recorder.
func (r *HexRecorder) End(s *Stream, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(fmt.Appendf(nil, "%s stream %d end\n", at.UTC().Format("15:04:05.000000"), s.Number))
}
