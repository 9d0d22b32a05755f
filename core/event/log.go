package event

import (
	"log/slog"

	"github.com/go-libevent/libevent/core/internal/evlog"
)

// LogSeverity says how serious a log message is.
type LogSeverity = evlog.Severity

const (
	// LogDebug is for messages that EnableDebugLogging turns on
	// (EVENT_LOG_DEBUG).
	LogDebug = evlog.Debug
	// LogMsg is for information (EVENT_LOG_MSG).
	LogMsg = evlog.Msg
	// LogWarn is for what went wrong but can be lived with (EVENT_LOG_WARN).
	LogWarn = evlog.Warn
	// LogErr is for what cannot (EVENT_LOG_ERR).
	LogErr = evlog.Err
)

// Logger returns the logger of the library: all modules write to it what is
// no caller's error, and programs may. Its records go to the log callback, or without
// one to slog's default logger as it is at that moment. Those below
// slog.LevelInfo are discarded unless EnableDebugLogging asks for them. It may be
// used from any goroutine.
func Logger() *slog.Logger { return evlog.Logger() }

// SetLogCallback redirects the library's log messages to fn, for all bases and
// all modules. With nil they go to log/slog's default logger, as they do from the
// start. msg is a record's message followed by its attributes as
// slog.TextHandler writes them: "cannot accept error=...".
//
// fn may be called from any goroutine, with locks of the library held. What fn
// itself logs with Logger goes to slog's default logger. If fn panics, the panic
// is logged there, with the message, and ends; the library goes on. fn may
// delete and free whatever callbacks may, except that a base is not freed while
// its loop runs (event_set_log_callback).
func SetLogCallback(fn func(sev LogSeverity, msg string)) { evlog.SetSink(fn) }

// SetFatalCallback sets what to do about an error from which the library
// cannot go on, such as misuse that debug mode found. The default logs the
// error and panics with it. If fn returns, the offending call returns the
// error, too, where it can (event_set_fatal_callback).
func SetFatalCallback(fn func(err error)) { evlog.SetFatal(fn) }

// EnableDebugLogging turns log messages of severity LogDebug on or off, for
// all bases. They are off by default and slow when on
// (event_enable_debug_logging).
func EnableDebugLogging(on bool) { evlog.EnableDebug(on) }
