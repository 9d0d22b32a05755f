package evnethttp_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// serve runs a server on a loop of its own, at a free port. on runs a function
// there, and waits for it. At the end no connection may be left.
func serve(t testing.TB) (s *evhttp.Server, addr string, on func(func())) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s = evhttp.NewServer(base)
	b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	s.Handle("/hello", func(r *evhttp.Request) {
		r.OutputHeaders().Add("Content-Type", "text/plain")
		r.SendReplyBytes(200, "", []byte("Hello, world"))
	})
	s.Handle("/echo", func(r *evhttp.Request) { r.SendReply(200, "", r.Input()) })
	addr = b.AddrPort().String()
	done := make(chan struct{})
	on = func(fn func()) {
		t.Helper()
		c := make(chan struct{})
		if err := base.Post(func() { fn(); close(c) }); err != nil {
			t.Fatal(err)
		}
		select {
		case <-c:
		case <-time.After(patience):
			t.Fatal("the loop hangs")
		}
	}
	base.AddVirtual() // the loop goes on when nothing is left
	go func() {
		base.Dispatch()
		close(done)
	}()
	t.Cleanup(func() {
		on(func() {
			s.Free()
			base.LoopExit(0)
		})
		<-done
		base.Free()
		if n := s.ConnectionCount(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	return s, addr, on
}

// dial connects, with a deadline for all that follows.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	network := "tcp"
	if filepath.IsAbs(addr) {
		network = "unix"
	}
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// closeWrite ends our half of a connection.
func closeWrite(c net.Conn) { c.(interface{ CloseWrite() error }).CloseWrite() }

// readAll reads up to the end, which may be a reset.
func readAll(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Fatalf("no end after %q", b)
	}
	return string(b)
}

// soon is a time that a test waits for.
const soon = 50 * time.Millisecond

// fills reports whether all of b could be read.
func fills(r io.Reader, b []byte) bool {
	_, err := io.ReadFull(r, b)
	return err == nil
}

var dateField = regexp.MustCompile(`Date: [^\r]*\r\n`)

// talk sends raw, ends our half of the connection, and returns what comes, without
// Date.
func talk(t testing.TB, addr, raw string) string {
	t.Helper()
	c := dial(t, addr)
	go func() {
		io.WriteString(c, raw)
		closeWrite(c)
	}()
	return dateField.ReplaceAllString(readAll(t, c), "")
}

// get is the shortest request for a path.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// TestMain fails if the tests leave goroutines or descriptors behind.
func TestMain(m *testing.M) { os.Exit(evtest.Run(m)) }

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantSame(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%q, want\n%q", what, got, want)
	}
}

func wantPart(t testing.TB, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q has no %q", what, got, want)
	}
}

// unixPath returns a path for a Unix socket, or skips the test where the system
// has none.
func unixPath(t testing.TB) string {
	t.Helper()
	path := filepath.Join(servertest.TempFolder(t), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	l.Close()
	return path
}
