package evhttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// huge is more than the buffers of a connection hold.
const huge = 32 << 20

// TestClientsThatGoAreToldOf has a client go in every way, while a handler has
// something to send or not, and expects the callback that the handler has set.
func TestClientsThatGoAreToldOf(t *testing.T) {
	ways := []struct {
		name   string
		leave  func(t *testing.T, c *net.TCPConn)
		silent bool // the client only does not read
	}{
		{"reset", func(t *testing.T, c *net.TCPConn) { c.SetLinger(0); c.Close() }, false},
		{"close", func(t *testing.T, c *net.TCPConn) { c.Close() }, false},
		{"half close", func(t *testing.T, c *net.TCPConn) {
			if err := c.CloseWrite(); err != nil {
				t.Error(err)
			}
			io.Copy(io.Discard, c)
		}, false},
		{"silence", func(*testing.T, *net.TCPConn) {}, true},
	}
	answers := []struct {
		name    string
		begin   func(r *evhttp.Request)
		pending bool
	}{
		{"not begun", func(*evhttp.Request) {}, false},
		{"begun", func(r *evhttp.Request) { r.SendReplyStart(200, "") }, false},
		{"idle", func(r *evhttp.Request) { r.SendReplyStart(200, ""); r.SendReplyChunk(servertest.Text("x")) }, false},
		{"pending", func(r *evhttp.Request) {
			r.SendReplyStart(200, "")
			r.SendReplyChunk(servertest.Text(strings.Repeat("x", huge)))
		}, true},
		{"ended", func(r *evhttp.Request) {
			r.SetCompleteCallback(func(r *evhttp.Request) { r.Data.(func(string))("complete") })
			r.SendReply(200, "", servertest.Text(strings.Repeat("x", huge)))
		}, true},
	}
	watchers := []struct {
		name  string
		watch func(r *evhttp.Request, told func(what string))
	}{
		{"error callback", func(r *evhttp.Request, told func(string)) {
			r.SetErrorCallback(func(*evhttp.Request, error) { told("gone") })
		}},
		{"close callback", func(r *evhttp.Request, told func(string)) {
			r.Conn().SetCloseCallback(func(*evhttp.Conn) { told("gone") })
		}},
		{"both and a context", func(r *evhttp.Request, told func(string)) {
			both, context := 0, r.Context()
			count := func() {
				if both++; both == 2 && context.Err() != nil {
					told("gone")
				}
			}
			r.SetErrorCallback(func(*evhttp.Request, error) { count() })
			r.Conn().SetCloseCallback(func(*evhttp.Conn) { count() })
		}},
	}
	for _, way := range ways {
		for _, answer := range answers {
			if way.silent && !answer.pending {
				continue // waiting for an answer is no crime
			}
			for _, watcher := range watchers {
				t.Run(way.name+"/"+answer.name+"/"+watcher.name, func(t *testing.T) {
					l := servertest.NewLoop(t)
					begun, told := make(chan struct{}), make(chan string, 10)
					_, addr := l.Serve(func(s *evhttp.Server) {
						if way.silent {
							s.SetTimeouts(evhttp.Timeouts{Write: 50 * time.Millisecond})
						}
						s.SetGenericCallback(func(r *evhttp.Request) {
							tell := func(what string) { told <- what }
							r.Data = tell
							watcher.watch(r, tell)
							answer.begin(r)
							close(begun)
						})
					})
					c := servertest.Connect(t, addr)
					io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
					servertest.Await(t, begun, "the request")
					way.leave(t, c)
					what := servertest.Await(t, told, "the callback")
					if readAll := way.name == "half close" && answer.name == "ended"; what != "gone" && !readAll {
						t.Errorf("told that the client is %s", what)
					}
				})
			}
		}
	}
}

// TestStreamsGoOnForClientsThatOnlyEndTheirs has a client end its stream after the
// request, as simple ones do, and get all of an answer that nobody watches, or that
// always has more to send.
func TestStreamsGoOnForClientsThatOnlyEndTheirs(t *testing.T) {
	const pieces, piece = 100, "0123456789"
	name := filepath.Join(servertest.TempFolder(t), "file")
	if err := os.WriteFile(name, []byte(strings.Repeat(piece, pieces)), 0o644); err != nil {
		t.Fatal(err)
	}
	watch := func(r *evhttp.Request) { r.SetErrorCallback(func(*evhttp.Request, error) {}) }
	later := func(r *evhttp.Request, left int) {
		base := r.Conn().Base()
		var next func()
		next = func() {
			if left--; left < 0 {
				r.SendReplyEnd()
				return
			}
			r.SendReplyChunk(servertest.Text(piece))
			base.Post(next)
		}
		r.SendReplyStart(200, "")
		base.Post(next)
	}
	for _, test := range []struct {
		name   string
		answer evhttp.Handler
	}{
		{"unwatched", func(r *evhttp.Request) { later(r, pieces) }},
		{"piece by piece", func(r *evhttp.Request) {
			watch(r)
			left := pieces
			var next func()
			next = func() {
				if left--; left < 0 {
					r.SendReplyEnd()
					return
				}
				r.SendReplyChunkFunc(servertest.Text(piece), next)
			}
			r.SendReplyStart(200, "")
			next()
		}},
		{"file", func(r *evhttp.Request) {
			watch(r)
			f, err := os.Open(name)
			if err != nil {
				panic(err)
			}
			info, err := f.Stat()
			if err != nil {
				panic(err)
			}
			evfile.Send(r, f, info, "text/plain")
		}},
		{"net/http", evnethttp.Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			<-req.Context().Done()
			for range pieces {
				io.WriteString(w, piece)
				w.(http.Flusher).Flush()
			}
		}))},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			_, addr := l.Serve(func(s *evhttp.Server) { s.SetGenericStream(test.answer) })
			c := servertest.Connect(t, addr)
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if len(body) != pieces*len(piece) || err != nil {
				t.Errorf("%d bytes, %v", len(body), err)
			}
		})
	}
}
