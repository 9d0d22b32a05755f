package httptls

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// An accident is what befalls a connection, and the reason that a request on it
// must fail with.
type accident struct {
	name   string
	server func(cfg *tls.Config)              // the server's configuration, or nil
	befall func(c *tls.Conn, r *bufio.Reader) // after the handshake, or nil
	is     func(err error) bool
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func reset(c *tls.Conn) {
	c.NetConn().(*net.TCPConn).SetLinger(0)
	c.NetConn().Close()
}

// head reads the head of a request.
func head(r *bufio.Reader) {
	for {
		if line, err := r.ReadString('\n'); err != nil || line == "\r\n" {
			return
		}
	}
}

var accidents = []accident{
	{"a client certificate is wanted", func(cfg *tls.Config) { cfg.ClientAuth = tls.RequireAnyClientCert }, nil,
		as[tls.AlertError]},
	{"a client certificate is wanted and the stream reset", func(cfg *tls.Config) { cfg.ClientAuth = tls.RequireAnyClientCert },
		func(c *tls.Conn, _ *bufio.Reader) { reset(c) },
		func(err error) bool { return as[tls.AlertError](err) || isReset(err) }},
	{"a bad record", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		c.NetConn().Write(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...))
	}, as[tls.AlertError]},
	{"plain text", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c.NetConn(), "HTTP/1.1 400 Bad Request\r\n\r\n")
	}, as[tls.RecordHeaderError]},
	{"a reset before the answer", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		reset(c)
	}, isReset},
	{"a reset in the answer's head", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-")
		time.Sleep(10 * time.Millisecond) // so that it has arrived; it does not matter if not
		reset(c)
	}, isReset},
	{"a reset in the body", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		time.Sleep(10 * time.Millisecond)
		reset(c)
	}, isReset},
	{"a reset in a chunked body", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
		time.Sleep(10 * time.Millisecond)
		reset(c)
	}, isReset},
	{"a bad record in the body", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		c.NetConn().Write(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...))
	}, as[tls.AlertError]},
	{"an end without close_notify in the body", nil, func(c *tls.Conn, r *bufio.Reader) {
		head(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
		c.NetConn().(*net.TCPConn).CloseWrite()
	}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
}

// serve runs a server that an accident befalls on each connection.
func (a *accident) serve(t testing.TB, version uint16) (url string) {
	return "https://" + listen(t, func(raw net.Conn) {
		cfg := serverTLS(version)
		if a.server != nil {
			a.server(cfg)
		}
		c := tls.Server(raw, cfg)
		if c.Handshake() == nil && a.befall != nil {
			a.befall(c, bufio.NewReader(c))
		}
		io.Copy(io.Discard, raw)
	}) + "/"
}

// A fatal error ends a request at once, with its reason, whatever the client is
// doing at the moment and however it was asked.
func TestFatalErrorsEndRequestsWithTheirReason(t *testing.T) {
	upload := strings.Repeat(long, 4) // more than what the system takes
	ways := []struct {
		name string
		ask  func(t *testing.T, w *caller, url string) error
	}{
		{"GET", func(t *testing.T, w *caller, url string) error { return w.ask(t, url, nil).Err() }},
		{"upload", func(t *testing.T, w *caller, url string) error {
			over := make(chan error, 1)
			w.do(func() {
				r := evhttp.NewRequest(func(r *evhttp.Request) { over <- r.Err() })
				r.Output().AddString(upload)
				if err := w.c.MakeRequest(r, evhttp.MethodPost, url); err != nil {
					over <- err
				}
			})
			return receive(t, "the end of the upload", over)
		}},
		{"GET of net/http", func(t *testing.T, w *caller, url string) error {
			return roundTrip(t, w, http.MethodGet, url, nil)
		}},
		{"upload of net/http", func(t *testing.T, w *caller, url string) error {
			return roundTrip(t, w, http.MethodPost, url, io.MultiReader(strings.NewReader(upload)))
		}},
	}
	for _, version := range versions {
		for i := range accidents {
			for _, way := range ways {
				a := &accidents[i]
				t.Run(tls.VersionName(version)+", "+a.name+", "+way.name, func(t *testing.T) {
					w := newCaller(t, clientTLS(version), nil)
					err := way.ask(t, w, a.serve(t, version))
					if err == nil || !a.is(err) {
						t.Errorf("failed with %v (%T)", err, err)
					}
				})
			}
		}
	}
}

// roundTrip sends a request by net/http and reads its answer to the end.
func roundTrip(t *testing.T, w *caller, method, url string, body io.Reader) error {
	t.Helper()
	over := make(chan error, 1)
	go func() {
		req, err := http.NewRequest(method, url, body)
		if err != nil {
			over <- err
			return
		}
		resp, err := evnethttp.RoundTripper(w.c).RoundTrip(req)
		if err != nil {
			over <- err
			return
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		over <- err
	}()
	return receive(t, "the end of the request", over)
}
