package evlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
)

// A Severity says how serious a log message is.
type Severity int

// Severities, from the least to the most serious.
const (
	Debug Severity = iota
	Msg
	Warn
	Err
)

var (
	sink      atomic.Pointer[func(Severity, string)]
	fatal     atomic.Pointer[func(error)]
	debugging atomic.Bool
	logger    = slog.New(handler{})
)

// SetSink redirects log messages to fn; nil restores the default, slog.
func SetSink(fn func(Severity, string)) {
	if fn == nil {
		sink.Store(nil)
		return
	}
	sink.Store(&fn)
}

// SetFatal redirects fatal errors to fn; nil restores the default, which logs
// the error and panics with it.
func SetFatal(fn func(error)) {
	if fn == nil {
		fatal.Store(nil)
		return
	}
	fatal.Store(&fn)
}

// EnableDebug turns Debug messages on or off. They are off by default.
func EnableDebug(on bool) { debugging.Store(on) }

// Logger returns the one logger of the library.
func Logger() *slog.Logger { return logger }

// Logf formats a message and logs it.
func Logf(sev Severity, format string, args ...any) {
	if l := level(sev); logger.Enabled(context.Background(), l) {
		logger.Log(context.Background(), l, fmt.Sprintf(format, args...))
	}
}

// Fatal reports an error that the library cannot continue from: misuse found
// by debug mode, or a broken invariant. If a user's callback returns, so does
// Fatal, and the caller must leave everything in a usable state.
func Fatal(err error) {
	if fn := fatal.Load(); fn != nil {
		(*fn)(err)
		return
	}
	Logf(Err, "fatal: %v", err)
	panic(err)
}

func level(sev Severity) slog.Level {
	switch sev {
	case Debug:
		return slog.LevelDebug
	case Msg:
		return slog.LevelInfo
	case Warn:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

func severity(l slog.Level) Severity {
	switch {
	case l < slog.LevelInfo:
		return Debug
	case l < slog.LevelWarn:
		return Msg
	case l < slog.LevelError:
		return Warn
	default:
		return Err
	}
}
