package evlog

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// handler is the slog.Handler of the library's logger. A record goes to the log
// callback, if there is one, or else to slog's default logger. A record that is
// logged while a callback or a default handler is being called for another one,
// on the same goroutine, goes one step further: from the callback to slog's
// default logger, and from that to standard error. So neither can call itself
// without end, not even if slog's default logger is the one of the library.
type handler struct {
	// with holds the attributes and groups that were added, in order. They are
	// applied to the handler that a record goes to, which may be another one
	// for each record.
	with []addition
}

// An addition is a group, or attributes if it has no name.
type addition struct {
	group string
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
//
// Messages for debugging are wanted if EnableDebug says so, the others if what
// they go to wants them.
func (h handler) Enabled(ctx context.Context, l slog.Level) bool {
	if severity(l) == Debug && !debugging.Load() {
		return false
	}
	if sink.Load() != nil {
		return true
	}
	return defaultEnabled(ctx, l)
}

// asking is the key of a context with which slog's default handler is asked
// whether it is enabled.
type asking struct{}

// defaultEnabled reports whether slog's default handler wants messages of a
// level. If the question comes back, it is the one of the library or asks it, and
// the messages go to standard error, which wants all.
func defaultEnabled(ctx context.Context, l slog.Level) bool {
	if ctx.Value(asking{}) != nil {
		return true
	}
	return slog.Default().Handler().Enabled(context.WithValue(ctx, asking{}, true), l)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return handler{append(slices.Clip(h.with), addition{attrs: attrs})}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return handler{append(slices.Clip(h.with), addition{group: name})}
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	inCallback, inDefault := nesting()
	if fn := sink.Load(); fn != nil && !inCallback {
		h.toCallback(ctx, *fn, r)
		return nil
	}
	if _, own := slog.Default().Handler().(handler); own || inDefault {
		return h.toStderr(ctx, r)
	}
	return h.toDefault(ctx, r)
}

// toCallback calls the log callback. The library logs in the middle of its
// work, so a panic of the callback ends here: it is logged with the message that
// the callback was called for.
//
//go:noinline
func (h handler) toCallback(ctx context.Context, fn func(Severity, string), r slog.Record) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		failure := slog.NewRecord(r.Time, slog.LevelError, "log callback panicked", r.PC)
		failure.Add("panic", p, "message", r.Message, "stack", string(debug.Stack()))
		// This goes to the default logger, as the callback is being called. There is
		// nowhere to report that it has failed.
		_ = h.Handle(ctx, failure)
	}()
	fn(severity(r.Level), h.text(r))
}

// toDefault passes a record to slog's default logger.
//
//go:noinline
func (h handler) toDefault(ctx context.Context, r slog.Record) error {
	if !defaultEnabled(ctx, r.Level) {
		return nil // a message that was meant for the callback
	}
	return h.apply(slog.Default().Handler()).Handle(ctx, r)
}

// toStderr writes a record that nothing else can be trusted with.
func (h handler) toStderr(ctx context.Context, r slog.Record) error {
	return h.apply(slog.NewTextHandler(os.Stderr, nil)).Handle(ctx, r)
}

// apply gives a handler the attributes and groups of h.
func (h handler) apply(to slog.Handler) slog.Handler {
	for _, w := range h.with {
		if w.group != "" {
			to = to.WithGroup(w.group)
		} else {
			to = to.WithAttrs(w.attrs)
		}
	}
	return to
}

// text returns a record's message with its attributes as slog.TextHandler writes
// them: "listener failed fd=7".
func (h handler) text(r slog.Record) string {
	if r.NumAttrs() == 0 && len(h.with) == 0 {
		return r.Message
	}
	var out bytes.Buffer
	attrs := r.Clone()
	attrs.Time, attrs.Message = time.Time{}, ""
	to := h.apply(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: dropHead}))
	if err := to.Handle(context.Background(), attrs); err != nil {
		return r.Message // an attribute's, as a buffer cannot fail
	}
	return strings.TrimSpace(r.Message + " " + out.String())
}

// dropHead removes the level and the empty message that a text handler writes
// first.
func dropHead(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	_, isLevel := a.Value.Any().(slog.Level)
	if a.Key == slog.LevelKey && isLevel || a.Key == slog.MessageKey && a.Value.String() == "" {
		return slog.Attr{}
	}
	return a
}

// The functions that nesting looks for.
const (
	callbackFrame = "github.com/go-libevent/libevent/core/internal/evlog.handler.toCallback"
	defaultFrame  = "github.com/go-libevent/libevent/core/internal/evlog.handler.toDefault"
)

// nesting reports whether the log callback, or slog's default handler, is being
// called on this goroutine. Its stack tells, as neither gets anything that it
// would have to pass on.
func nesting() (inCallback, inDefault bool) {
	var pcs [64]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for more := n > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			switch f.Function {
			case callbackFrame:
				inCallback = true
			case defaultFrame:
				inDefault = true
			}
		}
		if n < len(pcs) {
			return inCallback, inDefault
		}
	}
}
