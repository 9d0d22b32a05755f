package evdns

import (
	"context"
	"log/slog"
)

// SetLogger has the resolver's messages go to l; with nil they go to slog's
// default logger, as they do from the start. The logger is called with the lock
// held, if there is one, and must not call the resolver (evdns_set_log_fn, for
// one base).
func (b *Base) SetLogger(l *slog.Logger) {
	b.lock()
	b.log = l
	b.unlock()
}

func (b *Base) logger() *slog.Logger {
	if b.log == nil {
		return slog.Default()
	}
	return b.log
}

// debugging says whether messages for debugging are wanted, so that others pay
// nothing for them.
func (b *Base) debugging() bool {
	return b.logger().Enabled(context.Background(), slog.LevelDebug)
}

// debug, info and warn write a message; the arguments are those of slog.
func (b *Base) debug(msg string, args ...any) { b.logger().Debug("evdns: "+msg, args...) }

func (b *Base) info(msg string, args ...any) { b.logger().Info("evdns: "+msg, args...) }

func (b *Base) warn(doing string, err error) {
	b.logger().Warn("evdns: "+doing, "error", err)
}
