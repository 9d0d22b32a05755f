package evhttp

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// TestWhatARequestBelongsTo asks requests for their base and connection from before they are
// sent until they are over.
func TestWhatARequestBelongsTo(t *testing.T) {
	s := newRaw(t, keepsAlive)
	base := newTestBase(t)
	c := newTestClient(t, base, ClientConfig{MaxPerHost: 1})
	wantTo := func(name string, r *Request, ofBase *event.Base, connected bool) {
		t.Helper()
		if r.Base() != ofBase || (r.Conn() != nil) != connected || (r.ClientConn() != nil) != connected {
			t.Errorf("%s: base %p, connection %p, of a client %p", name, r.Base(), r.Conn(), r.ClientConn())
		}
	}
	first, second := expectOutcome(), expectOutcome()
	wantTo("not sent", first.r, nil, false)
	must(t, c.MakeRequest(first.r, MethodGet, s.url()))
	must(t, c.MakeRequest(second.r, MethodGet, s.url()))
	wantTo("on a connection", first.r, base, true)
	wantTo("waits for one", second.r, base, false)
	second.r.SetErrorCallback(func(r *Request, _ error) { wantTo("failed", r, nil, false) })
	second.r.Cancel()
	wantTo("cancelled", second.r, nil, false)
	first.await(t, base)
	wantTo("answered", first.r, nil, false)

	conn := connTo(t, base, s.addr())
	must(t, conn.MakeRequest(first.r, MethodGet, "/"))
	must(t, conn.MakeRequest(second.r, MethodGet, "/"))
	wantTo("second of a connection", second.r, base, true)
	conn.Free()
	wantTo("of a connection that was freed", second.r, nil, false)
}

func TestHostFieldIsWithoutTheDefaultPort(t *testing.T) {
	for _, test := range []struct {
		secure bool
		host   string
		port   int
		want   string
	}{
		{false, "host", 80, "host"}, {false, "host", 443, "host:443"}, {false, "host", 8080, "host:8080"},
		{true, "host", 443, "host"}, {true, "host", 80, "host:80"}, {true, "host", 8443, "host:8443"},
		{false, "::1", 80, "[::1]"}, {false, "::1", 81, "[::1]:81"}, {true, "::1", 443, "[::1]"},
	} {
		if got := hostField(test.secure, test.host, test.port); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// TestHostFieldOfAConnection has connections of HTTP to the port of either scheme.
func TestHostFieldOfAConnection(t *testing.T) {
	base := newTestBase(t)
	for port, want := range map[int]string{80: "a.example", 443: "a.example:443", 8080: "a.example:8080"} {
		ours, theirs, err := bufferevent.NewPair(base, bufferevent.CloseOnFree)
		must(t, err)
		s, got := NewServer(base), ""
		s.SetGenericCallback(func(r *Request) {
			got = r.InputHeaders().Get("Host")
			r.SendReplyBytes(204, "", nil)
		})
		must(t, s.Serve(theirs))
		c, err := NewClientConn(base, "a.example", port, &ConnConfig{Stream: func(*event.Base) (*bufferevent.Bufferevent, error) {
			return nil, errors.New("it is connected already")
		}})
		must(t, err)
		clientStates.step(&c.state, connecting)
		c.attach(ours)
		c.established()
		askOn(t, c, "/").want(t, "204 No Content ")
		if got != want {
			t.Errorf("port %d: %s, want %s", port, got, want)
		}
		c.Free()
		s.Free()
	}
}
