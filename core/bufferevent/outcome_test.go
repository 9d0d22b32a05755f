package bufferevent_test

import (
	"testing"

	. "github.com/go-libevent/libevent/core/bufferevent"
)

func TestOutcomeOfEvents(t *testing.T) {
	tests := []struct {
		events Events
		want   Outcome
	}{
		{0, NothingEnded},
		{EventReading, NothingEnded},
		{EventConnected, ConnectionMade},
		{EventEOF, InputEnded},
		{EventReading | EventEOF, InputEnded},
		{EventReading | EventWriting | EventEOF, InputEnded},
		{EventWriting | EventEOF, OutputFailed},
		{EventWriting | EventError, OutputFailed},
		{EventReading | EventError, Failed},
		{EventReading | EventWriting | EventError, Failed},
		{EventReading | EventWriting | EventEOF | EventError, Failed},
		{EventError, Failed},
		{EventReading | EventTimeout, TimedOut},
		{EventWriting | EventTimeout, TimedOut},
	}
	for _, tt := range tests {
		if got := tt.events.Outcome(); got != tt.want {
			t.Errorf("Outcome of %v: %v, want %v", tt.events, got, tt.want)
		}
	}
}
