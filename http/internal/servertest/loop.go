package servertest

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A Loop is a base whose loop runs in a goroutine of its own.
type Loop struct {
	T    testing.TB
	Base *event.Base
}

// NewLoop starts a loop, which ends with the test. Cleanups that are registered later
// run before it ends. Leaks are the package's to check (evtest.Run), as what the test
// has made before may end after the loop.
func NewLoop(t testing.TB) *Loop {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := base.Loop(event.LoopNoExitOnEmpty)
		ended <- err
	}()
	t.Cleanup(func() {
		if err := base.LoopExit(0); err != nil {
			t.Error(err)
		}
		if err := Await(t, ended, "the end of the loop"); err != nil {
			t.Error(err)
		}
		base.Free()
	})
	return On(t, base)
}

// On returns the Loop of a base that the test runs itself.
func On(t testing.TB, base *event.Base) *Loop { return &Loop{t, base} }

// Do runs a function on the loop, and waits for it.
func (l *Loop) Do(fn func()) {
	l.T.Helper()
	evtest.Do(l.T, l.Base, fn)
}

// Serve makes a server at a free port, which setup prepares, and which is freed when
// the test ends.
func (l *Loop) Serve(setup func(s *evhttp.Server)) (s *evhttp.Server, addr string) {
	l.T.Helper()
	var err error
	l.Do(func() {
		s = evhttp.NewServer(l.Base)
		var bound *evhttp.Bound
		if bound, err = s.Bind(netip.MustParseAddrPort("127.0.0.1:0")); err == nil {
			addr = bound.AddrPort().String()
			setup(s)
		}
	})
	if err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() { l.Do(s.Free) })
	return s, addr
}

// Await waits for a channel. what says what for.
func Await[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(evtest.Patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// Connect connects to a server, with a deadline for all that follows.
func Connect(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	if err := c.SetDeadline(time.Now().Add(evtest.Patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// Text returns a buffer with s.
func Text(s string) *evbuffer.Buffer {
	b := evbuffer.New()
	if err := b.AddString(s); err != nil {
		panic(err) // only a length beyond that of an int would be an error
	}
	return b
}

// TempFolder makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func TempFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evhttp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
