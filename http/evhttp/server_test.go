package evhttp

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// patience is how long a test waits for what should come at once.
const patience = 20 * time.Second

// serve runs a server on a loop of its own, at a free port. on runs a function
// there, and waits for it. At the end no connection may be left.
func serve(t testing.TB) (s *Server, addr string, on func(func())) {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s = NewServer(base)
	b, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	s.Handle("/hello", func(r *Request) {
		r.OutputHeaders().Add("Content-Type", "text/plain")
		r.SendReplyBytes(200, "", []byte("Hello, world"))
	})
	s.Handle("/echo", func(r *Request) { r.SendReply(200, "", r.Input()) })
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

// isServed checks that a connection can have a request answered.
func isServed(t testing.TB, c net.Conn) {
	t.Helper()
	io.WriteString(c, get("/hello"))
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	if b := make([]byte, len("Hello, world")); !readFull(r, b) || string(b) != "Hello, world" {
		t.Fatalf("got %q", b)
	}
}

func readFull(r io.Reader, b []byte) bool {
	_, err := io.ReadFull(r, b)
	return err == nil
}

// TestMain checks that nothing is left behind.
func TestMain(m *testing.M) { os.Exit(evtest.Run(m)) }

const (
	ok200     = "HTTP/1.1 200 OK\r\n"
	plainText = "Content-Type: text/plain\r\n"
)

// hello is the reply to "/hello".
func hello(connection string) string {
	return ok200 + "Content-Length: 12\r\n" + plainText + connection + "\r\nHello, world"
}

func TestReplies(t *testing.T) {
	const kept, closed = "", "Connection: close\r\n"
	post := func(path, fields, body string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
	}
	for _, test := range []struct{ name, raw, want string }{
		{"one request", get("/hello"), hello(kept)},
		{"nothing", "", ""},
		{"an empty line and the end", "\r\n", ""},
		{"a head that does not end", "GET / HT", ""},
		{"pipelined", get("/hello") + get("/hello") + get("/hello"), hello(kept) + hello(kept) + hello(kept)},
		{"close", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/hello"), hello(closed)},
		{"1.0", "GET /hello HTTP/1.0\r\n\r\n" + get("/hello"), hello(closed)},
		{"1.0 keep-alive", "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + get("/hello"), hello("Connection: keep-alive\r\n") + hello(kept)},
		{"HEAD", "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"), ok200 + "Content-Length: 12\r\n" + plainText + "\r\n" + hello(kept)},
		{"escaped path", get("/%68ello?x=%"), hello(kept)},
		{"absolute form", "GET http://b/hello?y HTTP/1.1\r\nHost: b\r\n\r\n", hello(kept)},
		{"body", post("/hello", "Content-Length: 3\r\n", "abc") + get("/hello"), hello(kept) + hello(kept)},
		{"chunked body", post("/hello", "Transfer-Encoding: chunked\r\n", "3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n") + get("/hello"), hello(kept) + hello(kept)},
		{"body that ends early", post("/hello", "Content-Length: 3\r\n", "ab"), ""},
		{"expects to go on", post("/hello", "Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"), hello(kept)},
		{"204", get("/204"), "HTTP/1.1 204 No Content\r\n\r\n"},
		{"304", get("/304"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"},
		{"reason", get("/reason"), "HTTP/1.1 299 Fine indeed\r\nContent-Length: 0\r\n\r\n"},
		{"chunks", get("/chunks"), ok200 + "Transfer-Encoding: chunked\r\n" + plainText + "\r\n1\r\na\r\n2\r\nbc\r\n0\r\nT: u\r\n\r\n"},
		{"chunks for HEAD", "HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n" + get("/204"), ok200 + "Transfer-Encoding: chunked\r\n" + plainText + "\r\nHTTP/1.1 204 No Content\r\n\r\n"},
		{"chunks for 1.0", "GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ok200 + plainText + closed + "\r\nabc"},
		{"announced", get("/announced") + get("/204"), ok200 + "Content-Length: 3\r\n" + plainText + "\r\nabcHTTP/1.1 204 No Content\r\n\r\n"},
		{"announced more", get("/more") + get("/204"), ok200 + "Content-Length: 9\r\n" + plainText + "\r\nabc"},
		{"announced less", get("/less") + get("/204"), ok200 + "Content-Length: 2\r\n" + plainText + "\r\na"},
		{"announced something else", get("/lie"), ok200 + "Content-Length: 3\r\n" + plainText + "\r\nabc"},
		{"user closes", get("/close") + get("/204"), ok200 + "Content-Length: 0\r\n" + closed + "\r\n"},
		{"default type", get("/type"), ok200 + "Content-Type: " + DefaultContentType + "\r\nContent-Length: 1\r\n\r\nx"},
		{"early hints", get("/hints"), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok200 + "Content-Length: 0\r\nLink: </a>\r\n\r\n"},
		{"no early hints for 1.0", "GET /hints HTTP/1.0\r\n\r\n", ok200 + "Content-Length: 0\r\nLink: </a>\r\n" + closed + "\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, addr, on := serve(t)
			on(func() { repliers(t, s) })
			if got := talk(t, addr, test.raw); got != test.want {
				t.Errorf("got\n%q, want\n%q", got, test.want)
			}
		})
	}
}

// repliers adds handlers that answer in all ways.
func repliers(t *testing.T, s *Server) {
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	start := func(r *Request, fields ...string) {
		r.OutputHeaders().Add("Content-Type", "text/plain")
		for i := 0; i < len(fields); i += 2 {
			check(r.OutputHeaders().Add(fields[i], fields[i+1]))
		}
		check(r.SendReplyStart(200, ""))
	}
	chunk := func(r *Request, text string) error {
		r.Output().AddString(text)
		return r.SendReplyChunk(r.Output())
	}
	for path, fn := range map[string]Handler{
		"/204": func(r *Request) { check(r.SendReply(204, "", nil)) },
		"/304": func(r *Request) {
			r.OutputHeaders().Add("Content-Length", "7")
			check(r.SendReply(304, "", nil))
		},
		"/reason": func(r *Request) { check(r.SendReply(299, "Fine indeed", nil)) },
		"/chunks": func(r *Request) {
			start(r)
			check(chunk(r, "a"))
			check(chunk(r, ""))
			check(chunk(r, "bc"))
			check(r.OutputTrailers().Add("T", "u"))
			check(r.SendReplyEnd())
		},
		"/announced": func(r *Request) {
			start(r, "Content-Length", "3")
			check(chunk(r, "a"))
			check(chunk(r, "bc"))
			check(r.SendReplyEnd())
		},
		"/more": func(r *Request) {
			start(r, "Content-Length", "9")
			check(r.SendReplyChunkFunc(bufferOf("abc"), func() { wantErr(t, r.SendReplyEnd(), ErrLength) }))
		},
		"/less": func(r *Request) {
			start(r, "Content-Length", "2")
			check(chunk(r, "a"))
			wantErr(t, chunk(r, "bc"), ErrLength)
			r.Output().Drain(10)
			r.SendReplyChunkFunc(bufferOf(""), func() { wantErr(t, r.SendReplyEnd(), ErrLength) })
		},
		"/lie": func(r *Request) {
			r.OutputHeaders().Add("Content-Type", "text/plain")
			r.OutputHeaders().Add("Content-Length", "77")
			r.OutputHeaders().Add("Transfer-Encoding", "chunked")
			r.Output().AddString("a")
			check(r.SendReply(200, "", bufferOf("bc")))
		},
		"/close": func(r *Request) {
			r.OutputHeaders().Add("Connection", "close")
			check(r.SendReply(200, "", nil))
		},
		"/type": func(r *Request) { check(r.SendReply(200, "", bufferOf("x"))) },
		"/hints": func(r *Request) {
			r.OutputHeaders().Add("Link", "</a>")
			check(r.SendInformational(103))
			check(r.SendReply(200, "", nil))
		},
	} {
		check(s.Handle(path, fn))
	}
}
