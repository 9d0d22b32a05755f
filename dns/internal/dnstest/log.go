package dnstest

import (
	"log/slog"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// LogTo has all messages logged by h until the end of the test, those for debugging
// included if h is enabled for them.
func LogTo(t testing.TB, h slog.Handler) {
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	event.EnableDebugLogging(h.Enabled(t.Context(), slog.LevelDebug))
	t.Cleanup(func() {
		slog.SetDefault(before)
		event.EnableDebugLogging(false)
	})
}
