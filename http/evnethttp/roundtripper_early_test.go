package evnethttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A closableBody is a body that waits for being closed, and then fails.
type closableBody struct {
	some   io.Reader // what can be read before
	err    error
	once   sync.Once
	closed chan struct{}
	failed chan struct{} // closed when Read is about to fail
}

func newClosableBody(some string, err error) *closableBody {
	return &closableBody{some: strings.NewReader(some), err: err, closed: make(chan struct{}), failed: make(chan struct{})}
}

func (b *closableBody) Read(p []byte) (int, error) {
	if n, _ := b.some.Read(p); n > 0 {
		return n, nil
	}
	<-b.closed
	b.once.Do(func() { close(b.failed) })
	return 0, b.err
}

func (b *closableBody) Close() error {
	defer func() { recover() }() // as often as one likes
	close(b.closed)
	return nil
}

// TestEarlyAnswersCount has a server answer before the body of the request has
// come, which then cannot be read any more, as is with most bodies that were
// closed. The answer is complete all the same.
func TestEarlyAnswersCount(t *testing.T) {
	const size = 40_000 // less than is held for a reader, so that the exchange ends without one
	page := strings.Repeat("x", size)
	for what, err := range map[string]error{
		"a file that was closed":    os.ErrClosed,
		"a pipe that was closed":    io.ErrClosedPipe,
		"a body that was closed":    http.ErrBodyReadAfterClose,
		"a disk that is broken":     errors.New("disk on fire"),
		"a body that ends too soon": io.EOF,
	} {
		for how, field := range map[string]string{"that closes": "Connection: close\r\n", "that does not close": ""} {
			t.Run(what+", and a server "+how, func(t *testing.T) {
				addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
					in.Peek(len("the beginning")) // more is being read
					fmt.Fprintf(c, "HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\n%s\r\n%s", size, field, page)
					if field != "" {
						c.(*net.TCPConn).CloseWrite()
					}
					io.Copy(io.Discard, in)
				})
				l, rt := newTransport(t, nil)
				for range 3 {
					body := newClosableBody("the beginning", err)
					req, _ := http.NewRequest("POST", "http://"+addr+"/", body)
					req.ContentLength = 1000
					resp, err := rt.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					body.Close()
					servertest.Await(t, body.failed, "reading the body")
					for range 10 { // the loop gets to know
						l.Do(func() {})
					}
					got, err := io.ReadAll(resp.Body)
					if resp.Body.Close(); string(got) != page || err != nil || resp.StatusCode != 413 {
						t.Fatalf("%s, %d bytes of %d, error %v", resp.Status, len(got), size, err)
					}
				}
			})
		}
	}
}

// TestBodiesStayOpenUntilTheAnswerWasRead has the answer end while the body is still
// being read. The body is closed only when the caller has come to the end of the
// answer: while it is a proxy, a server whose request the body is of must not lose it
// before the proxy's handler has returned.
func TestBodiesStayOpenUntilTheAnswerWasRead(t *testing.T) {
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		in.Peek(len("the beginning"))
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\ntext")
		io.Copy(io.Discard, in)
	})
	for what, finish := range map[string]func(body io.ReadCloser){
		"read":   func(body io.ReadCloser) { io.Copy(io.Discard, body) },
		"closed": func(body io.ReadCloser) { body.Close() },
	} {
		t.Run(what, func(t *testing.T) {
			l, rt := newTransport(t, nil)
			body := newClosableBody("the beginning", io.ErrClosedPipe)
			req, _ := http.NewRequest("POST", "http://"+addr+"/", body)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			for range 10 { // the exchange is over
				l.Do(func() {})
			}
			select {
			case <-body.closed:
				t.Error("the body was closed while the answer was being read")
			default:
			}
			finish(resp.Body)
			servertest.Await(t, body.closed, "the end of the body")
			resp.Body.Close()
		})
	}
}

// TestAnswersUnderWayCount closes the body while its answer is still coming, as a
// proxy does whose client is not to send more.
func TestAnswersUnderWayCount(t *testing.T) {
	const size = 1 << 20
	goOn := make(chan struct{})
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		in.Peek(len("the beginning")) // of a chunk, but that is as good
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
		<-goOn
		io.WriteString(c, strings.Repeat("x", size))
		io.Copy(io.Discard, in)
	})
	_, rt := newTransport(t, nil)
	body := newClosableBody("the beginning", http.ErrBodyReadAfterClose)
	req, _ := http.NewRequest("POST", "http://"+addr+"/", body)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body.Close()
	servertest.Await(t, body.failed, "reading the body")
	close(goOn)
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes of %d, error %v", n, size, err)
	}
}

// TestBodiesThatFailAreErrors does not take a request for sent whose body fails
// before there is an answer, or while an answer is made of it.
func TestBodiesThatFailAreErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		if r.URL.Path == "/duplex" {
			http.NewResponseController(w).Flush()
		}
		if n, err := io.Copy(w, r.Body); err == nil {
			t.Errorf("%d bytes are a whole request", n)
		}
	})
	addr := startTheirs(t, echo, nil)
	withEachTransport(t, func(t *testing.T, rt http.RoundTripper) {
		for _, path := range []string{"/", "/duplex"} {
			body := newClosableBody("the beginning", broken)
			req, _ := http.NewRequest("POST", "http://"+addr+path, body)
			if path == "/" {
				body.Close()
			}
			resp, err := rt.RoundTrip(req)
			if path == "/duplex" && err == nil {
				body.Close()
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Errorf("%s: no error", path)
			}
		}
	})
}

// TestAnswersToAllThatWasAnnouncedKeepTheConnection has a server answer as soon as
// it has all of a body, whose end the client has yet to see.
func TestAnswersToAllThatWasAnnouncedKeepTheConnection(t *testing.T) {
	connections := make(chan struct{}, 9)
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, _ string) {
		connections <- struct{}{}
		for ok := true; ok; _, ok = servertest.ReadHead(in) {
			if _, err := io.CopyN(io.Discard, in, 4); err != nil {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	_, rt := newTransport(t, nil)
	for range 3 {
		body := newClosableBody("body", io.EOF) // which does not end before it is closed
		req, _ := http.NewRequest("POST", "http://"+addr+"/", body)
		req.ContentLength = 4
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if n := len(connections); n != 1 {
		t.Errorf("%d connections for 3 requests", n)
	}
}
