package evnethttp_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/http/internal/servertest"
)

// unreaders are handlers that leave some of a body unread, or may do so.
var unreaders = map[string]http.HandlerFunc{
	"nothing":        func(w http.ResponseWriter, r *http.Request) {},
	"a short answer": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "no") },
	"an error":       func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 403) },
	"an answer of announced length": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		io.WriteString(w, "no")
	},
	"a long answer": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("no", 10_000)) },
	"a flushed answer": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "no")
		w.(http.Flusher).Flush()
		io.WriteString(w, "no")
	},
	"204":              func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) },
	"closing the body": func(w http.ResponseWriter, r *http.Request) { r.Body.Close(); io.WriteString(w, "no") },
	"reading a byte": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") == "" {
			io.ReadFull(r.Body, make([]byte, 1))
		}
		io.WriteString(w, "no")
	},
	"a limit": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			return
		}
		_, err := io.ReadFull(http.MaxBytesReader(w, r.Body, 0), make([]byte, 1))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, strings.Repeat("too large ", 1000), 413)
		}
	},
}

// TestUnreadBodiesAndTheNextRequest has handlers answer while the body of the
// request is under way. Either the answer says that it is the connection's last one,
// and it is, or the next request is answered (RFC 9112, sections 9.3 and 9.6).
func TestUnreadBodiesAndTheNextRequest(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	bodies := []struct{ name, fields, begin, rest string }{
		{"short", "Content-Length: 1000\r\n", "x", large[:999]},
		{"as much as is read unwanted", "Content-Length: 262144\r\n", "x", large[:262143]},
		{"large", "Content-Length: 1048576\r\n", "x", large[1:]},
		{"large and complete", "Content-Length: 1048576\r\n", large, ""},
		{"chunked", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n", "0\r\n\r\n"},
		{"large and chunked", "Transfer-Encoding: chunked\r\n", "100000\r\n" + large[:1000], large[1000:] + "\r\n0\r\n\r\n"},
		{"complete and chunked", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n", ""},
		{"not asked for", "Expect: 100-continue\r\nContent-Length: 1\r\n", "", ""},
		{"not asked for, but sent", "Expect: 100-continue\r\nContent-Length: 4\r\n", "", "body"},
		{"chunked and not asked for", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "", "1\r\nx\r\n0\r\n\r\n"},
	}
	for name, h := range unreaders {
		t.Run(name, func(t *testing.T) {
			addr := startOurs(t, h, nil)
			for _, body := range bodies {
				t.Run(body.name, func(t *testing.T) {
					c := servertest.Connect(t, addr)
					in := bufio.NewReader(c)
					fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", body.fields)
					go io.WriteString(c, body.begin) // which the server may not take
					resp := readUnread(t, in)
					if resp.Close {
						if more, err := io.ReadAll(in); len(more) > 0 || err != nil && !isReset(err) {
							t.Errorf("after an answer with Connection: close came %d bytes, %v", len(more), err)
						}
						return
					}
					if body.name == "not asked for" {
						t.Fatal("nobody knows whether the body follows")
					}
					go fmt.Fprintf(c, "%sGET / HTTP/1.1\r\nHost: a\r\n\r\n", body.rest)
					readUnread(t, in)
				})
			}
		})
	}
}

func isReset(err error) bool { var op *net.OpError; return errors.As(err, &op) && !op.Timeout() }

func readUnread(t *testing.T, in *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatalf("%d bytes of a body, %v", n, err)
	}
	return resp
}

// TestUnreadBodiesKeepConnectionsAsTheyDoInNetHTTP has the whole body come before
// the handler runs, so that there is nothing to wait for.
func TestUnreadBodiesKeepConnectionsAsTheyDoInNetHTTP(t *testing.T) {
	bodies := map[string]string{
		"short":                 "Content-Length: 4\r\n\r\nbody",
		"of 100 kB":             "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000),
		"of 1 MB":               "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1_000_000),
		"chunked":               "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"awaited":               "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n",
		"awaited and chunked":   "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
		"of nothing":            "Content-Length: 0\r\n\r\n",
		"of nothing in chunks":  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"of the last request":   "Connection: close\r\nContent-Length: 4\r\n\r\nbody",
		"with a field of hop":   "Connection: X-Hop\r\nContent-Length: 4\r\n\r\nbody",
		"with trailers of hers": "Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n4\r\nbody\r\n0\r\nA: 1\r\n\r\n",
	}
	for name, h := range unreaders {
		if name == "closing the body" || name == "a limit" {
			continue // net/http closes for what it cannot tell us of
		}
		t.Run(name, func(t *testing.T) {
			got := make(map[string]string)
			onEachServer(t, func(t *testing.T, start func(http.Handler) string) {
				addr := start(h)
				for name, body := range bodies {
					c := servertest.Connect(t, addr)
					go io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\n"+body)
					resp := readUnread(t, bufio.NewReader(c))
					got[t.Name()+name] = fmt.Sprint(resp.Status, resp.ContentLength, resp.TransferEncoding, " close ", resp.Close)
				}
			})
			for body := range bodies {
				if ours, theirs := got[t.Name()+"/ours"+body], got[t.Name()+"/net/http"+body]; ours != theirs {
					t.Errorf("a body %s: ours %s, net/http's %s", body, ours, theirs)
				}
			}
		})
	}
}

// TestDuplexHandlersKeepTheConnection reads the body to its end while the answer is
// sent, which a handler has to say that it does.
func TestDuplexHandlersKeepTheConnection(t *testing.T) {
	onEachServer(t, func(t *testing.T, start func(http.Handler) string) {
		c := servertest.Connect(t, start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
				t.Error(err)
			}
			w.(http.Flusher).Flush()
			io.Copy(w, r.Body)
		})))
		in := bufio.NewReader(c)
		for range 3 {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n")
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "4\r\nmore\r\n0\r\n\r\n")
			if b, err := io.ReadAll(resp.Body); string(b) != "bodymore" || err != nil || resp.Close {
				t.Fatalf("%q, %v, close %v", b, err, resp.Close)
			}
		}
	})
}

// TestKeptConnectionsUnderLoad sends bodies that nobody reads over connections that
// are kept where the server has not said otherwise. No request may fail.
func TestKeptConnectionsUnderLoad(t *testing.T) {
	sizes := []int{10, 70_000, 300_000, 1 << 20}
	for name, h := range unreaders {
		t.Run(name, func(t *testing.T) {
			addr := startOurs(t, h, nil)
			rt := &http.Transport{MaxIdleConnsPerHost: 8}
			defer rt.CloseIdleConnections()
			client := &http.Client{Transport: rt}
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					for j := range 8 {
						body := io.Reader(bytes.NewReader(make([]byte, sizes[(i+j)%len(sizes)])))
						if j%3 == 0 {
							body = io.MultiReader(body) // in chunks
						}
						resp, err := client.Post("http://"+addr, "x/y", body)
						if err != nil {
							t.Error(err)
							continue
						}
						if _, err := io.Copy(io.Discard, resp.Body); err != nil {
							t.Error(err)
						}
						resp.Body.Close()
					}
				})
			}
			all.Wait()
		})
	}
}
