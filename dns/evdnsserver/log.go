package evdnsserver

import "github.com/go-libevent/libevent/core/event"

// logDebug and logWarn write a message; the arguments are those of slog.
func logDebug(msg string, args ...any) { event.Logger().Debug("evdnsserver: "+msg, args...) }

func logWarn(msg string, args ...any) { event.Logger().Warn("evdnsserver: "+msg, args...) }
