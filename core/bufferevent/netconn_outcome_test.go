package bufferevent_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// What an event means for the two directions of a Conn is what its outcome says.
func TestEventsMeanForAConnWhatTheirOutcomeSays(t *testing.T) {
	refused := errors.New("refused")
	const (
		R, W = bufferevent.EventReading, bufferevent.EventWriting
		E, Z = bufferevent.EventError, bufferevent.EventEOF
		T    = bufferevent.EventTimeout
	)
	tests := []struct {
		what        bufferevent.Events
		err         error
		read, write error
	}{
		{R | Z, io.EOF, io.EOF, nil},
		{Z, io.EOF, io.EOF, nil},
		{R | W | Z, io.EOF, io.EOF, nil},
		{W | Z, io.EOF, nil, io.EOF},
		{W | E, refused, nil, refused},
		{R | E, refused, refused, refused},
		{R | W | E, refused, refused, refused},
		{E, refused, refused, refused},
		{R | T, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, nil},
		{W | T, os.ErrDeadlineExceeded, nil, os.ErrDeadlineExceeded},
		{R, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.what.String(), func(t *testing.T) {
			base := newBase(t)
			b, _ := newTCP(t, base, 0)
			c := bufferevent.NewConn(b)
			running(t, base)
			onLoop(t, base, func() { b.TriggerEvent(tt.what, tt.err, 0) })
			onLoop(t, base, func() {}) // the callback is deferred
			if tt.read == nil {
				ok(t, c.SetReadDeadline(time.Unix(1, 0))) // nothing has come, and the reading goes on
				_, err := c.Read(make([]byte, 1))
				wantError(t, "read", err, os.ErrDeadlineExceeded)
			} else {
				_, err := c.Read(make([]byte, 1))
				wantError(t, "read", err, tt.read)
			}
			_, err := c.Write([]byte("x"))
			wantError(t, "write", err, tt.write)
			ok(t, c.Close())
		})
	}
}

// What an event of a stream below means for a filter's user is the same.
func TestEventsPassFiltersWithTheirOutcome(t *testing.T) {
	refused := errors.New("refused")
	for what := range bufferevent.Events(0x80) {
		if what == 0 {
			continue
		}
		base := newBase(t)
		under, _ := newTCP(t, base, 0)
		b := overFilter(t, under)
		ok(t, b.SetTimeouts(0, 0))
		outcomes := map[bufferevent.Outcome]int{}
		b.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) { outcomes[what.Outcome()]++ })
		ok(t, b.Enable(event.Read))
		under.TriggerEvent(what, refused, 0)
		settle(t, base)
		if outcomes[what.Outcome()] != 1 || len(outcomes) != 1 {
			t.Errorf("%v below: the user is told %v, want %v", what, outcomes, what.Outcome())
		}
	}
}
