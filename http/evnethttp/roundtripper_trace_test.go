package evnethttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/internal/servertest"
)

// A record is what a trace was told.
type record struct {
	mu     sync.Mutex
	events []string
}

func (r *record) note(event ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprint(event...))
}

// trace returns a trace that is noted down, with addr for the server's address.
func (r *record) trace(addr string) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(hostPort string) { r.note("get ", hostPort == addr) },
		GotConn: func(i httptrace.GotConnInfo) {
			r.note("got ", i.Conn.RemoteAddr().String() == addr, i.Conn.LocalAddr() != nil, i.Reused, i.WasIdle)
		},
		WroteHeaders:         func() { r.note("headers") },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { r.note("request ", i.Err) },
		Wait100Continue:      func() { r.note("wait") },
		Got100Continue:       func() { r.note("continue") },
		GotFirstResponseByte: func() { r.note("byte") },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			r.note(code, " ", h.Get("Link"))
			return nil
		},
	}
}

// TestTraces compares what traces are told, by both transports.
func TestTraces(t *testing.T) {
	addr := servertest.StartScript(t, func(c net.Conn, in *bufio.Reader, head string) {
		for ok := true; ok; head, ok = servertest.ReadHead(in) {
			switch {
			case strings.Contains(head, "/hints "):
				io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
			case strings.Contains(head, "100-continue"):
				io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			case strings.Contains(head, "/other "):
				io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
				io.Copy(io.Discard, in)
				return
			}
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
			if err != nil {
				return
			}
			if r.ContentLength > 0 {
				io.CopyN(io.Discard, in, r.ContentLength)
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	type step struct {
		method, path, expect string
		body                 func() io.Reader
	}
	memory := func() io.Reader { return strings.NewReader("body") }
	stream := func() io.Reader { return io.LimitReader(strings.NewReader("body"), 4) }
	for name, steps := range map[string][]step{
		"one":              {{"GET", "/", "", nil}},
		"another":          {{"GET", "/", "", nil}, {"GET", "/", "", nil}},
		"a body":           {{"POST", "/", "", memory}},
		"a stream":         {{"POST", "/", "", stream}, {"POST", "/", "", stream}},
		"hints":            {{"GET", "/hints", "", nil}},
		"expecting":        {{"POST", "/", "100-continue", memory}},
		"expecting more":   {{"POST", "/", "100-continue", stream}},
		"another protocol": {{"GET", "/other", "", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			_, ours := newTransport(t, nil)
			theirs := &http.Transport{ExpectContinueTimeout: patience}
			defer theirs.CloseIdleConnections()
			var all [2][]string
			for i, rt := range []http.RoundTripper{ours, theirs} {
				for _, step := range steps {
					var body io.Reader
					if step.body != nil {
						body = step.body()
					}
					r, err := http.NewRequest(step.method, "http://"+addr+step.path, body)
					if err != nil {
						t.Fatal(err)
					}
					if body != nil {
						r.ContentLength = 4
					}
					if step.expect != "" {
						r.Header.Set("Expect", step.expect)
					}
					if step.path == "/other" {
						r.Header.Set("Connection", "Upgrade")
						r.Header.Set("Upgrade", "x")
					}
					var rec record
					r = r.WithContext(httptrace.WithClientTrace(r.Context(), rec.trace(addr)))
					resp, err := rt.RoundTrip(r)
					if err != nil {
						t.Fatal(err)
					}
					if resp.StatusCode != 101 {
						io.Copy(io.Discard, resp.Body)
					}
					resp.Body.Close()
					for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // some are told when it is over
						rec.mu.Lock()
						done := slices.Contains(rec.events, "request <nil>")
						rec.mu.Unlock()
						if done || time.Now().After(late) {
							break
						}
					}
					if i == 0 {
						inOrder(t, rec.events, "get", "got", "headers", "byte")
					}
					slices.Sort(rec.events)
					all[i] = append(all[i], strings.Join(rec.events, ", "))
				}
			}
			if !slices.Equal(all[0], all[1]) {
				t.Errorf("ours\n%q, net/http's\n%q", all[0], all[1])
			}
		})
	}
}

// inOrder checks that events that begin so have come in this order.
func inOrder(t *testing.T, events []string, prefixes ...string) {
	t.Helper()
	at := -1
	for _, prefix := range prefixes {
		i := slices.IndexFunc(events, func(e string) bool { return strings.HasPrefix(e, prefix) })
		if i <= at {
			t.Errorf("%q are not in order", events)
		}
		at = i
	}
}
