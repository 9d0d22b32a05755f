package evdns

import (
	"log/slog"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// LogTo has everything that is logged go to h until the end of the test, messages
// for debugging included if h wants them.
func LogTo(t testing.TB, h slog.Handler) {
	before := slog.Default()
	slog.SetDefault(slog.New(h))
	event.EnableDebugLogging(h.Enabled(t.Context(), slog.LevelDebug))
	t.Cleanup(func() {
		slog.SetDefault(before)
		event.EnableDebugLogging(false)
	})
}
