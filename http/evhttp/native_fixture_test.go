package evhttp_test

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
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

// A script is what a server does with a connection whose request has come up to
// the end of its head.
type script func(c net.Conn, in *bufio.Reader, head string)

// startScript runs a server that knows nothing of HTTP but where a head ends.
func startScript(t testing.TB, serve script) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				if head, ok := readHead(in); ok {
					serve(c, in, head)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// readHead reads a head to its end.
func readHead(in *bufio.Reader) (head string, ok bool) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return b.String(), false
		}
		if b.WriteString(line); line == "\r\n" {
			return b.String(), true
		}
	}
}

// freeable runs a base whose loop the test ends, and frees, before it is over.
func freeable(t *testing.T) (base *event.Base, do func(fn func()), free func()) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := base.Loop(event.LoopNoExitOnEmpty); err != nil {
			t.Error(err)
		}
	}()
	do = func(fn func()) {
		done := make(chan struct{})
		if err := base.Post(func() { defer close(done); fn() }); err != nil {
			t.Fatal(err)
		}
		await(t, done, "the loop")
	}
	return base, do, func() {
		do(func() { base.LoopBreak() })
		<-ended
		base.Free()
	}
}
