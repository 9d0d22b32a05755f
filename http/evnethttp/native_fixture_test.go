package evnethttp_test

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// A loop is a base whose loop runs in a goroutine of its own.
type loop struct {
	t    testing.TB
	base *event.Base
}

// newLoop starts a loop, which ends with the test.
func newLoop(t testing.TB) *loop {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{t, base}
	l.run()
	return l
}

// run has the loop run until the end of the test.
func (l *loop) run() {
	ended := make(chan error)
	l.base.AddVirtual()
	go func() { ended <- l.base.Dispatch() }()
	l.t.Cleanup(func() {
		if err := l.base.LoopExit(0); err != nil {
			l.t.Error(err)
		}
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
		l.base.Free()
	})
}

// do runs a function on the loop, and waits for it.
func (l *loop) do(fn func()) {
	l.t.Helper()
	done := make(chan struct{})
	if err := l.base.Post(func() { defer close(done); fn() }); err != nil {
		l.t.Fatal(err)
	}
	await(l.t, done, "the loop")
}

// serve makes a server at a free port, which setup prepares.
func (l *loop) serve(setup func(s *evhttp.Server)) (s *evhttp.Server, addr string) {
	l.t.Helper()
	var err error
	l.do(func() {
		s = evhttp.NewServer(l.base)
		var bound *evhttp.Bound
		if bound, err = s.Bind(netip.MustParseAddrPort("127.0.0.1:0")); err == nil {
			addr = bound.AddrPort().String()
			setup(s)
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { l.do(s.Free) })
	return s, addr
}

// await waits for a channel.
func await[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// connect connects to a server, with a deadline for all that follows.
func connect(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// text returns a buffer with s.
func text(s string) *evbuffer.Buffer {
	b := evbuffer.New()
	b.AddString(s)
	return b
}

// tempFolder makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func tempFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "evhttp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
