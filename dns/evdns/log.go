package evdns

import (
	"context"
	"log/slog"

	"github.com/go-libevent/libevent/core/event"
)

// debugging says whether messages for debugging are wanted, so that others pay
// nothing for them.
func debugging() bool { return event.Logger().Enabled(context.Background(), slog.LevelDebug) }

// logDebug, logInfo and logWarn write a message; the arguments are those of slog.
func logDebug(msg string, args ...any) { event.Logger().Debug("evdns: "+msg, args...) }

func logInfo(msg string, args ...any) { event.Logger().Info("evdns: "+msg, args...) }

func logWarn(msg string, args ...any) { event.Logger().Warn("evdns: "+msg, args...) }
