package evhttp

import (
	"errors"
	"math"
	"syscall"
	"testing"
	"time"
)

func TestClientConnAfterFree(t *testing.T) {
	c, err := NewClientConn(newTestBase(t), "host", 80, nil)
	must(t, err)
	c.Free()
	for _, err := range []error{
		c.SetRetries(1), c.SetFlags(0), c.SetTimeout(1), c.FreeOnCompletion(), c.SetLocalPort(1), c.SetFamily(syscall.AF_INET),
		c.MakeRequest(NewRequest(nil), MethodGet, "/"),
	} {
		if !errors.Is(err, ErrDone) {
			t.Errorf("error %v", err)
		}
	}
}

// TestRequestsOfServersCannotBeSent forwards a server's request as it is, where another one
// has to be made.
func TestRequestsOfServersCannotBeSent(t *testing.T) {
	s := newMemoryServer(t)
	c, err := NewClientConn(s.base, "host", 80, nil)
	must(t, err)
	defer c.Free()
	asked := 0
	s.Handle("/it", func(r *Request) {
		asked++
		if err := c.MakeRequest(r, MethodGet, "/"); !errors.Is(err, ErrNotClient) {
			t.Errorf("error %v", err)
		}
		if conn := r.ServerConn(); conn == nil || conn.Server() != s.Server || r.ClientConn() != nil || &conn.Conn != r.Conn() {
			t.Error("not the server's connection")
		}
		r.SetInformationalCallback(func(*Request, int, *Header) { t.Error("a server's request was informed") })
		r.SendReplyBytes(200, "", nil)
	})
	s.connect().send([]byte(get("/it")))
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestConnConfigDefaults(t *testing.T) {
	base := newTestBase(t)
	forever := -time.Second
	for _, test := range []struct {
		name string
		cfg  *ConnConfig
		want ConnConfig
		body int64 // as Conn has it
	}{
		{"none", nil, ConnConfig{
			ConnectTimeout: DefaultConnectTimeout, ReadTimeout: DefaultResponseTimeout, WriteTimeout: DefaultResponseTimeout,
			ContinueTimeout: DefaultContinueTimeout, InitialRetry: DefaultInitialRetry, MaxQueue: DefaultMaxQueue,
		}, defaultMaxBody},
		{"no limits", &ConnConfig{
			ConnectTimeout: forever, ReadTimeout: forever, WriteTimeout: forever, ContinueTimeout: forever, IdleTimeout: forever,
			InitialRetry: forever, Retries: -1, MaxQueue: -1, MaxBody: -1,
		}, ConnConfig{InitialRetry: 1, Retries: -1, MaxQueue: DefaultMaxQueue, MaxBody: -1}, 0},
		{"all set", &ConnConfig{
			Family: syscall.AF_INET6, ConnectTimeout: 1, ReadTimeout: 2, WriteTimeout: 3, ContinueTimeout: 4, IdleTimeout: 5,
			Retries: 6, InitialRetry: 7, MaxQueue: 8, MaxBody: math.MaxInt64, MaxHeaders: 9, Flags: allConnFlags,
		}, ConnConfig{
			Family: syscall.AF_INET6, ConnectTimeout: 1, ReadTimeout: 2, WriteTimeout: 3, ContinueTimeout: 4, IdleTimeout: 5,
			Retries: 6, InitialRetry: 7, MaxQueue: 8, MaxBody: math.MaxInt64, MaxHeaders: 9, Flags: allConnFlags,
		}, math.MaxInt64},
	} {
		c, err := NewClientConn(base, "host", 80, test.cfg)
		must(t, err)
		got := *c.cfg
		if got.Stream == nil {
			t.Errorf("%s: no streams", test.name)
		}
		got.Stream = nil
		if show := func(c ConnConfig) [14]any {
			return [14]any{c.LocalAddr, c.Family, c.ConnectTimeout, c.ReadTimeout, c.WriteTimeout, c.ContinueTimeout, c.IdleTimeout,
				c.Retries, c.InitialRetry, c.MaxQueue, c.MaxBody, c.MaxHeaders, c.Flags, c.Resolver}
		}; show(got) != show(test.want) {
			t.Errorf("%s: %v, want %v", test.name, show(got), show(test.want))
		}
		if c.maxBody != test.body || c.limits.Header != test.want.MaxHeaders {
			t.Errorf("%s: limits %d and %d", test.name, c.maxBody, c.limits.Header)
		}
		c.Free()
	}
	for name, cfg := range map[string]*ConnConfig{"family": {Family: 99}, "flags": {Flags: 1 << 30}} {
		if _, err := NewClientConn(base, "host", 80, cfg); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
