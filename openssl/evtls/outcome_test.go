package evtls_test

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// What an event below means for the TLS stream is what Events.Outcome says,
// whatever bits it has.
func TestEventsBelowMeanWhatTheirOutcomeSays(t *testing.T) {
	const (
		R, W = bufferevent.EventReading, bufferevent.EventWriting
		E, Z = bufferevent.EventError, bufferevent.EventEOF
		T    = bufferevent.EventTimeout
	)
	refused := errors.New("refused")
	tests := []struct {
		below     bufferevent.Events
		err       error
		handshake []string // what is told during it
		open      []string // and after it
		is        error
	}{
		{R | E, refused, []string{failure}, []string{failure}, refused},
		{R | W | E, refused, []string{failure}, []string{failure}, refused},
		{R | W | E | Z, refused, []string{failure}, []string{failure}, refused},
		{E, refused, []string{failure}, []string{failure}, refused},
		{W | E, refused, nil, []string{"writing|error"}, refused},
		{W | Z, io.EOF, nil, []string{"writing|error"}, io.EOF},
		{R | Z, io.EOF, []string{failure}, []string{cut}, io.ErrUnexpectedEOF},
		{Z, io.EOF, []string{failure}, []string{cut}, io.ErrUnexpectedEOF},
		{R | T, os.ErrDeadlineExceeded, []string{"reading|timeout"}, []string{"reading|timeout"}, nil},
		{W | T, os.ErrDeadlineExceeded, []string{"writing|timeout"}, []string{"writing|timeout"}, nil},
	}
	for _, tt := range tests {
		for _, open := range []bool{false, true} {
			base := newBase(t)
			client, _ := plain(0)
			l := newLine(t, base, evtls.Connecting, client, serverTLS(0), (*tls.Conn).Handshake)
			told := tt.handshake
			settle(t, base)
			if open {
				l.run()
				l.ours.want(t, connected)
				told = tt.open
			}
			l.ours.b.Underlying().TriggerEvent(tt.below, tt.err, 0)
			settle(t, base)
			t.Logf("%v below, open %v", tt.below, open)
			errs := l.ours.errs
			l.ours.want(t, told...)
			if tt.is != nil && len(told) > 0 {
				wantError(t, "event", errs[0], tt.is)
			}
		}
	}
}

// A handshake that cannot write any more reads why: the alert of the peer, if
// there is one, or else what writing has failed with. It does not wait for a peer
// that says nothing.
func TestHandshakesThatCannotWriteReadTheReason(t *testing.T) {
	refused := errors.New("refused")
	alert := []byte{21, 3, 3, 0, 2, 2, 40}
	tests := []struct {
		name string
		peer func(l *line) // what it does, of which we do not know yet
		want func(err error) bool
	}{
		{"an alert is on its way", func(l *line) { l.wire.Write(alert) }, func(err error) bool { return alertIs(err, 40) }},
		{"the peer has gone", func(l *line) { l.wire.CloseWrite() }, func(err error) bool { return errors.Is(err, refused) }},
		{"what is below is cut off", func(l *line) {
			l.ours.b.Underlying().TriggerEvent(bufferevent.EventReading|bufferevent.EventError, io.ErrUnexpectedEOF, 0)
		}, func(err error) bool { return errors.Is(err, refused) }},
		{"the peer is silent", func(*line) {}, func(err error) bool { return errors.Is(err, refused) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t)
			client, _ := plain(0)
			l := newLine(t, base, evtls.Connecting, client, serverTLS(0), (*tls.Conn).Handshake)
			settle(t, base)
			l.ours.b.Underlying().TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, refused, 0)
			tt.peer(l)
			evtest.Await(t, base, "the failure", func() bool { return len(l.ours.errs) > 0 })
			err := l.ours.errs[0]
			l.ours.want(t, failure)
			if !tt.want(err) {
				t.Errorf("failed with %v", err)
			}
		})
	}
}
