package evhttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/servertest"
)

// answer answers with a streamed body.
func answer(r *evhttp.Request) {
	r.SendReplyStart(200, "")
	r.SendReplyChunk(servertest.Text("first, "))
	r.SendReplyChunk(servertest.Text("last"))
	r.SendReplyEnd()
}

// TestAnswersThatEndTheConnectionSayClose answers before the body of the request
// has come, in every way. A server that does not say "Connection: close" serves
// the next request (RFC 9112, sections 9.3 and 9.6).
func TestAnswersThatEndTheConnectionSayClose(t *testing.T) {
	file := filepath.Join(servertest.TempFolder(t), "file")
	if err := os.WriteFile(file, []byte("first, last"), 0o600); err != nil {
		t.Fatal(err)
	}
	early := func(answer evhttp.Handler) func(s *evhttp.Server) {
		return func(s *evhttp.Server) { s.SetGenericStream(answer) }
	}
	answers := []struct {
		name  string
		setup func(s *evhttp.Server)
	}{
		{"streamed", early(answer)},
		{"whole", early(func(r *evhttp.Request) { r.SendReply(200, "", servertest.Text("first, last")) })},
		{"of announced length", early(func(r *evhttp.Request) {
			r.OutputHeaders().Set("Content-Length", "11")
			answer(r)
		})},
		{"from a file", early(func(r *evhttp.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			info, err := f.Stat()
			if err != nil {
				panic(err)
			}
			evfile.Send(r, f, info, "text/plain")
		})},
		{"streamed later", early(func(r *evhttp.Request) {
			base := r.Conn().Base()
			r.SendReplyStart(200, "")
			base.Post(func() {
				r.SendReplyChunk(servertest.Text("first, "))
				base.Post(func() { r.SendReplyChunk(servertest.Text("last")); r.SendReplyEnd() })
			})
		})},
		{"at a part of the body", early(func(r *evhttp.Request) {
			r.SetChunkCallback(func(r *evhttp.Request) {
				r.SetChunkCallback(nil)
				answer(r)
			})
		})},
		{"from the callback for new requests", func(s *evhttp.Server) {
			s.SetNewRequestCallback(func(r *evhttp.Request) bool { answer(r); return true })
		}},
		{"whole, from the callback for new requests", func(s *evhttp.Server) {
			s.SetNewRequestCallback(func(r *evhttp.Request) bool {
				r.SendReply(200, "", servertest.Text("first, last"))
				return true
			})
		}},
		{"from the header callback", func(s *evhttp.Server) {
			s.SetNewRequestCallback(func(r *evhttp.Request) bool {
				r.SetHeaderCallback(func(r *evhttp.Request) bool { answer(r); return true })
				return true
			})
		}},
		{"of a server with a small limit", func(s *evhttp.Server) {
			s.SetMaxBodySize(10)
			s.SetNewRequestCallback(func(r *evhttp.Request) bool { answer(r); return true })
		}},
	}
	bodies := []struct{ name, fields, begin, rest string }{
		{"none", "", "", ""},
		{"short", "Content-Length: 1000\r\n", "x", strings.Repeat("x", 999)},
		{"long", "Content-Length: 1000000\r\n", "x", strings.Repeat("x", 999_999)},
		{"chunked", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n", "0\r\n\r\n"},
		{"awaited", "Expect: 100-continue\r\nContent-Length: 1\r\n", "", "x"},
	}
	for _, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			l := servertest.NewLoop(t)
			_, addr := l.Serve(a.setup)
			for _, body := range bodies {
				t.Run(body.name, func(t *testing.T) {
					c := servertest.Connect(t, addr)
					in := bufio.NewReader(c)
					fmt.Fprintf(c, "GET /it HTTP/1.1\r\nHost: a\r\n%s\r\n%s", body.fields, body.begin)
					rest := body.rest
					kept := readAnswer(t, in, func() {
						io.WriteString(c, rest)
						rest = ""
					})
					if !kept {
						if more, err := io.ReadAll(in); len(more) > 0 || err != nil {
							t.Errorf("after an answer with Connection: close came %q, %v", more, err)
						}
						return
					}
					fmt.Fprintf(c, "%sGET /it HTTP/1.1\r\nHost: a\r\n\r\n", rest)
					readAnswer(t, in, nil)
				})
			}
		})
	}
}

// readAnswer reads an answer, and reports whether the connection can be used for
// another request. A server that asks for the body gets it from goOn.
func readAnswer(t *testing.T, in *bufio.Reader, goOn func()) (kept bool) {
	t.Helper()
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("body %q, %v", body, err)
		}
		if resp.StatusCode == 100 {
			goOn()
			continue
		}
		if string(body) != "first, last" {
			t.Fatalf("%s, %q", resp.Status, body)
		}
		return !resp.Close
	}
}

// TestClientsReadTheLastAnswerAfterSending has a client that reads nothing before
// all of its request has left, which nobody wants, and an answer that does not fit
// into the buffers of the system.
func TestClientsReadTheLastAnswerAfterSending(t *testing.T) {
	const request, reply = 8 << 20, 16 << 20
	for _, streamed := range []bool{false, true} {
		t.Run(fmt.Sprintf("streamed=%t", streamed), func(t *testing.T) {
			l := servertest.NewLoop(t)
			_, addr := l.Serve(func(s *evhttp.Server) {
				s.SetGenericStream(func(r *evhttp.Request) {
					body := servertest.Text(strings.Repeat("x", reply))
					if !streamed {
						r.SendReply(200, "", body)
						return
					}
					r.SendReplyStart(200, "")
					r.SendReplyChunk(body)
					r.SendReplyEnd()
				})
			})
			c := servertest.Connect(t, addr)
			fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", request)
			if _, err := c.Write(make([]byte, request)); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if n != reply || err != nil || !resp.Close {
				t.Errorf("%d bytes of %d, %v, close %t", n, reply, err, resp.Close)
			}
		})
	}
}

// TestClientsThatBreakOffReadTheAnswer ends the client's stream within a body that
// was answered.
func TestClientsThatBreakOffReadTheAnswer(t *testing.T) {
	l := servertest.NewLoop(t)
	_, addr := l.Serve(func(s *evhttp.Server) { s.SetGenericStream(answer) })
	c := servertest.Connect(t, addr)
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, bufio.NewReader(c), nil)
}
