package evtls_test

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// patience is how long something may take before the test counts as failed. It
// is never waited for by a test that passes.
const patience = 20 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails the test unless got is the value that is wanted; what says of what.
func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// wantError fails the test unless err wraps target; nil wants none.
func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got error %v, want %v", what, err, target)
	}
}

// newBase makes a base that is freed at the end of the test, which must not leave
// anything behind. It comes first in a test.
var newBase = evtest.Base

// bareBase is newBase without the checks.
func bareBase(t testing.TB) *event.Base {
	t.Helper()
	base, err := event.NewBase()
	ok(t, err)
	t.Cleanup(base.Free)
	return base
}

// settle runs the loop until it has nothing to do any more, without waiting.
func settle(t testing.TB, base *event.Base) {
	t.Helper()
	evtest.Turn(t, base)
	for evtest.Turn(t, base); base.NumEvents(event.CountActive) > 0; {
		evtest.Turn(t, base)
	}
	evtest.Turn(t, base)
}

// An end is a TLS bufferevent that notes what its callbacks are told, and takes
// what it reads.
type end struct {
	b      *bufferevent.Bufferevent
	data   []byte   // what was read
	events []string // in order, writes and reads included if verbose
	errs   []error  // of EventError

	verbose bool
	react   func(what bufferevent.Events) // is called in the event callback
}

// newEnd makes an end over another bufferevent. It is freed at the end of the
// test at the latest.
func newEnd(t testing.TB, under *bufferevent.Bufferevent, state evtls.State, cfg *evtls.Config, opts bufferevent.Options) *end {
	t.Helper()
	b, err := evtls.NewFilter(under, state, cfg, opts|bufferevent.CloseOnFree)
	ok(t, err)
	e := watch(b)
	t.Cleanup(b.Free)
	ok(t, b.Enable(event.Read))
	return e
}

// watch has an end note what happens to b.
func watch(b *bufferevent.Bufferevent) *end {
	e := &end{b: b}
	b.SetCallbacks(e.onRead, e.onWrite, e.onEvent)
	return e
}

func (e *end) onRead(b *bufferevent.Bufferevent) {
	p := make([]byte, b.Input().Len())
	n, _ := b.Input().Remove(p)
	e.data = append(e.data, p[:n]...)
	e.note("read")
}

func (e *end) onWrite(*bufferevent.Bufferevent) { e.note("write") }

func (e *end) note(what string) {
	if e.verbose {
		e.events = append(e.events, what)
	}
}

func (e *end) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	e.events = append(e.events, what.String())
	if what&bufferevent.EventError != 0 {
		e.errs = append(e.errs, b.Err())
	}
	if e.react != nil {
		e.react(what)
	}
}

// has reports whether the callbacks were told of something.
func (e *end) has(entry string) bool { return slices.Contains(e.events, entry) }

// failed reports whether there was an error.
func (e *end) failed() bool { return len(e.errs) > 0 }

// want fails the test unless these are all events, and clears them.
func (e *end) want(t testing.TB, events ...string) {
	t.Helper()
	if !slices.Equal(e.events, events) {
		t.Fatalf("events: %q (%v), want %q", e.events, e.errs, events)
	}
	e.events = nil
}

// wantData fails the test unless this is what was read, and clears it.
func (e *end) wantData(t testing.TB, data string) {
	t.Helper()
	if string(e.data) != data {
		t.Fatalf("read %d bytes %.40q, want %d bytes %.40q", len(e.data), e.data, len(data), data)
	}
	e.data = nil
}

// The events that tests wait for.
const (
	connected = "connected"
	eof       = "reading|EOF"
	cut       = "reading|error"
	failure   = "reading|writing|error"
)

// newPair makes a pair whose halves are freed at the end of the test at the
// latest.
func newPair(t testing.TB, base *event.Base, opts bufferevent.Options) (a, b *bufferevent.Bufferevent) {
	t.Helper()
	a, b, err := bufferevent.NewPair(base, opts)
	ok(t, err)
	t.Cleanup(a.Free)
	t.Cleanup(b.Free)
	return a, b
}

// newEnds makes a client and a server over a pair.
func newEnds(t testing.TB, base *event.Base, client, server *evtls.Config, opts bufferevent.Options) (c, s *end) {
	t.Helper()
	a, b := newPair(t, base, opts&bufferevent.ThreadSafe)
	s = newEnd(t, b, evtls.Accepting, server, opts)
	c = newEnd(t, a, evtls.Connecting, client, opts)
	return c, s
}

// newTalk makes a client and a server that are connected.
func newTalk(t testing.TB, base *event.Base, client, server *evtls.Config, opts bufferevent.Options) (c, s *end) {
	t.Helper()
	c, s = newEnds(t, base, client, server, opts)
	settle(t, base)
	c.want(t, connected)
	s.want(t, connected)
	return c, s
}

// plain returns configurations without anything special, for both sides.
func plain(version uint16) (client, server *evtls.Config) {
	return &evtls.Config{TLS: clientTLS(version)}, &evtls.Config{TLS: serverTLS(version)}
}

// write writes and insists on success.
func write(t testing.TB, b *bufferevent.Bufferevent, data string) {
	t.Helper()
	_, err := b.WriteString(data)
	ok(t, err)
}

// long returns a text of some length.
func long(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

// timers returns the number of timeouts that are running.
func timers(base *event.Base) (n int) {
	for ev := range base.Events() {
		if ev.Pending(event.Timeout) != 0 {
			n++
		}
	}
	return n
}

// expire makes all timeouts pass that are running now.
func expire(base *event.Base) {
	for ev := range base.Events() {
		if ev.Pending(event.Timeout) != 0 {
			ev.Activate(event.Timeout)
		}
	}
}

// asksForCert makes a server's configuration ask for a client's certificate.
func asksForCert(cfg *tls.Config) *tls.Config {
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg
}
