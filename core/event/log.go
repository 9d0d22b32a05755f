package event

import "github.com/go-libevent/libevent/core/internal/evlog"

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

// SetLogCallback redirects the library's log messages to fn, for all bases.
// With nil they go to log/slog's default logger, as they do from the start. fn
// may be called from any goroutine and must not call the library
// (event_set_log_callback).
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
