package evnethttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A recorder is a server that notes what it is sent: the lines of heads in order
// of the alphabet, and bodies.
type recorder struct {
	addr string
	seen chan string
}

func startRecorder(t testing.TB) *recorder {
	s := &recorder{seen: make(chan string, 1)}
	s.addr = servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, head string) {
		for ok := true; ok; head, ok = servertest.ReadHead(in) {
			r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head), in)))
			if err != nil {
				s.seen <- "no request: " + head
				return
			}
			lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
			for i, line := range lines {
				lines[i] = strings.TrimRight(line, " ")
			}
			lines = slices.DeleteFunc(lines, func(line string) bool { // what Transport adds of its own
				return line == "User-Agent: Go-http-client/1.1"
			})
			slices.Sort(lines[1:])
			body, err := io.ReadAll(r.Body)
			s.seen <- strings.ReplaceAll(fmt.Sprintf("%s\n\n%s %v %v", strings.Join(lines, "\n"), body, err, r.Trailer), c.LocalAddr().String(), "ADDR")
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			if r.Body != http.NoBody {
				return // what was read ahead is lost
			}
		}
	})
	return s
}

// roundTrip makes a request and returns what the server has seen, or the error if
// there was nothing to see.
func (s *recorder) roundTrip(t testing.TB, rt http.RoundTripper, r *http.Request) string {
	t.Helper()
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return "error"
	}
	resp.Body.Close()
	return servertest.Await(t, s.seen, "the request")
}

// TestRequestsAreThoseOfTransport compares what reaches a server.
func TestRequestsAreThoseOfTransport(t *testing.T) {
	body := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	set := func(h http.Header, name string, values ...string) { h[name] = values }
	for _, tt := range []struct {
		name string
		edit func(r *http.Request)
	}{
		{"nothing else", func(r *http.Request) {}},
		{"no User-Agent", func(r *http.Request) { set(r.Header, "User-Agent") }},
		{"an empty User-Agent", func(r *http.Request) { set(r.Header, "User-Agent", "") }},
		{"a User-Agent", func(r *http.Request) { set(r.Header, "User-Agent", "me/1") }},
		{"two User-Agents", func(r *http.Request) { set(r.Header, "User-Agent", "me/1", "me/2") }},
		{"an empty User-Agent and another", func(r *http.Request) { set(r.Header, "User-Agent", "", "me/2") }},
		{"a User-Agent of spaces", func(r *http.Request) { set(r.Header, "User-Agent", "  ") }},
		{"an empty field", func(r *http.Request) { set(r.Header, "X-Empty", "") }},
		{"fields that are ours to set", func(r *http.Request) {
			set(r.Header, "Host", "other")
			set(r.Header, "Content-Length", "7")
			set(r.Header, "Transfer-Encoding", "chunked")
			set(r.Header, "Trailer", "X")
		}},
		{"a value with spaces around it", func(r *http.Request) { set(r.Header, "X-A", " \ta \t") }},
		{"a value with an end of line", func(r *http.Request) { set(r.Header, "X-A", "a\r\nX-B: b") }},
		{"a name with a colon", func(r *http.Request) { set(r.Header, "X:", "a") }},

		{"Host", func(r *http.Request) { r.Host = "other.example:81" }},
		{"Host in capitals", func(r *http.Request) { r.Host = "OTHER.example" }},
		{"Host in Unicode", func(r *http.Request) { r.Host = "bücher.example:81" }},
		{"Host that is a path", func(r *http.Request) { r.Host = "/var/run/socket" }},
		{"Host with a path", func(r *http.Request) { r.Host = "other.example/path" }},
		{"Host with a space", func(r *http.Request) { r.Host = "other.example x" }},
		{"Host with an end of line", func(r *http.Request) { r.Host = "other.example\r\nX-B: b" }},
		{"Host with a NUL", func(r *http.Request) { r.Host = "other\x00" }},
		{"Host with a name", func(r *http.Request) { r.Host = "me@other.example" }},
		{"Host with a zone", func(r *http.Request) { r.Host = "[fe80::1%eth0]:80" }},
		{"Host that is an address", func(r *http.Request) { r.Host = "[::1]" }},
		{"Host that is too much for IDNA", func(r *http.Request) { r.Host = "\u200d.example" }},

		{"a method of its own", func(r *http.Request) { r.Method = "PURGE" }},
		{"QUERY with a body", func(r *http.Request) { r.Method, r.Body, r.ContentLength = "QUERY", body("q"), 1 }},
		{"POST without a body", func(r *http.Request) { r.Method = "POST" }},
		{"POST of nothing", func(r *http.Request) { r.Method, r.Body = "POST", http.NoBody }},
		{"POST of unknown length", func(r *http.Request) { r.Method, r.Body, r.ContentLength = "POST", body("x"), -1 }},
		{"POST without a length", func(r *http.Request) { r.Method, r.Body = "POST", body("x") }},
		{"POST of unknown length that is 0", func(r *http.Request) { r.Method, r.Body, r.ContentLength = "POST", body(""), -1 }},
		{"GET of unknown length", func(r *http.Request) { r.Body, r.ContentLength = body("x"), -1 }},
		{"GET of unknown length that is 0", func(r *http.Request) { r.Body, r.ContentLength = body(""), -1 }},
		{"DELETE without a length that is 0", func(r *http.Request) { r.Method, r.Body = "DELETE", body("") }},
		{"PATCH without a length that is 0", func(r *http.Request) { r.Method, r.Body = "PATCH", body("") }},
		{"a length without a body", func(r *http.Request) { r.Method, r.ContentLength = "POST", 3 }},
		{"an unknown length without a body", func(r *http.Request) { r.Method, r.ContentLength = "POST", -1 }},
		{"a length and too little", func(r *http.Request) { r.Method, r.Body, r.ContentLength = "POST", body("x"), 2 }},
		{"trailers", func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "POST", body("x"), -1
			r.Trailer = http.Header{"X-A": {"1", "2"}, "X-B": nil}
		}},
		{"Close", func(r *http.Request) { r.Close = true }},
		{"Connection: close", func(r *http.Request) { set(r.Header, "Connection", "close") }},
		{"Connection: close and Close", func(r *http.Request) { set(r.Header, "Connection", "close"); r.Close = true }},
		{"Connection: keep-alive", func(r *http.Request) { set(r.Header, "Connection", "keep-alive") }},

		{"a name and a password", func(r *http.Request) { r.URL.User = url.UserPassword("a b", "c:d") }},
		{"an opaque URL", func(r *http.Request) { r.URL.Opaque = "//other/a%2fb" }},
		{"a fragment", func(r *http.Request) { r.URL.Fragment = "f" }},
		{"an empty query", func(r *http.Request) { r.URL.ForceQuery = true }},
		{"no path", func(r *http.Request) { r.URL.Path = "" }},
		{"OPTIONS *", func(r *http.Request) { r.Method, r.URL.Path, r.URL.RawQuery = "OPTIONS", "*", "" }},
		{"a scheme in capitals", func(r *http.Request) { r.URL.Scheme = "HTTP" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make(map[string]string)
			withEachTransport(t, func(t *testing.T, rt http.RoundTripper) {
				s := startRecorder(t)
				r, err := http.NewRequest("GET", "http://"+s.addr+"/path?query", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Accept-Encoding", "identity")
				tt.edit(r)
				got[t.Name()] = s.roundTrip(t, rt, r)
			})
			if ours, theirs := got[t.Name()+"/ours"], got[t.Name()+"/net/http"]; ours != theirs {
				t.Errorf("ours\n%s\nand net/http's\n%s", ours, theirs)
			}
		})
	}
}

// TestAProxyGetsNoEmptyHost refuses to send a proxy what it cannot send on.
func TestAProxyGetsNoEmptyHost(t *testing.T) {
	s := startRecorder(t)
	proxy := &url.URL{Scheme: "http", Host: s.addr}
	_, ours := newTransport(t, &evhttp.ClientConfig{Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }})
	theirs := &http.Transport{Proxy: http.ProxyURL(proxy)}
	defer theirs.CloseIdleConnections()
	for _, host := range []string{"", "other.example", "/var/run/socket", "other example"} {
		var got [2]string
		for i, rt := range []http.RoundTripper{ours, theirs} {
			r, _ := http.NewRequest("GET", "http://name.example/path", nil)
			r.Header.Set("Accept-Encoding", "identity")
			r.Host = host
			got[i] = s.roundTrip(t, rt, r)
		}
		if got[0] != got[1] {
			t.Errorf("host %q: ours\n%s\nand net/http's\n%s", host, got[0], got[1])
		}
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// silentResolver never answers for a name.
type silentResolver struct{}

func (silentResolver) GetAddrInfo(string, string, *evutil.AddrInfoHints, func([]evutil.AddrInfo, error)) (cancel func()) {
	return func() {}
}

// TestTimeoutsAreNetErrors has each of the times run out that a client has.
func TestTimeoutsAreNetErrors(t *testing.T) {
	silent := servertest.StartScript(t, func(_ net.Conn, in *bufio.Reader, _ string) { io.Copy(io.Discard, in) })
	stops := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome")
		io.Copy(io.Discard, in)
	})
	done := make(chan struct{})
	busy := servertest.StartScript(t, func(net.Conn, *bufio.Reader, string) { <-done })
	t.Cleanup(func() { close(done) })
	const soon = 50 * time.Millisecond
	for _, tt := range []struct {
		name  string
		addr  string
		setUp func(c *evhttp.ClientConn) error
	}{
		{"no answer", silent, func(c *evhttp.ClientConn) error { return c.SetReadTimeout(soon) }},
		{"no more of an answer", stops, func(c *evhttp.ClientConn) error { return c.SetReadTimeout(soon) }},
		{"a request that is not taken", busy, func(c *evhttp.ClientConn) error { return c.SetWriteTimeout(soon) }},
		{"no connection", "name.example:80", func(c *evhttp.ClientConn) error { return c.SetConnectTimeout(soon) }},
		{"no time in the context", silent, nil},
		{"no time in the context for the body", stops, nil},
		{"no time in the client", silent, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := &evhttp.ClientConfig{SetUp: tt.setUp}
			if tt.name == "no connection" {
				cfg.Resolver = silentResolver{}
			}
			_, rt := newTransport(t, cfg)
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			client := &http.Client{Transport: rt}
			switch {
			case strings.HasPrefix(tt.name, "no time in the context"):
				ctx, cancel = context.WithTimeout(ctx, soon)
			case tt.name == "no time in the client":
				client.Timeout = soon
			}
			defer cancel()
			method, body := "GET", io.Reader(nil)
			if tt.name == "a request that is not taken" {
				method, body = "POST", endless{}
			}
			r, err := http.NewRequestWithContext(ctx, method, "http://"+tt.addr+"/", body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(r)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			var e net.Error
			if !errors.As(err, &e) || !e.Timeout() {
				t.Errorf("error %v (%T) is no timeout", err, err)
			}
			if tt.setUp != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("error %v is not os.ErrDeadlineExceeded", err)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v is not context.DeadlineExceeded", err)
			}
		})
	}
}

// TestTheWayToAnotherProtocolDoesNotClose compares whether an answer closes the
// connection, for one that leaves it to another protocol.
func TestTheWayToAnotherProtocolDoesNotClose(t *testing.T) {
	for _, head := range []string{
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n",
	} {
		addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) { io.WriteString(c, head); io.Copy(c, in) })
		got := make(map[string]string)
		withEachTransport(t, func(t *testing.T, rt http.RoundTripper) {
			r, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
			r.Header.Set("Connection", "Upgrade")
			r.Header.Set("Upgrade", "x")
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got[t.Name()] = fmt.Sprint(resp.Status, resp.Header, resp.Close, resp.ContentLength, resp.TransferEncoding, resp.Uncompressed)
		})
		if ours, theirs := got[t.Name()+"/ours"], got[t.Name()+"/net/http"]; ours != theirs {
			t.Errorf("%q: ours %s, net/http's %s", head, ours, theirs)
		}
	}
}
