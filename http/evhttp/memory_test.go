package evhttp

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A memoryServer is a server whose clients are the other halves of pairs of
// bufferevents, on a loop that the test runs itself: it is certain in which
// pieces something comes, and when all of it has been dealt with.
type memoryServer struct {
	*Server
	t testing.TB
}

func newMemoryServer(t testing.TB) *memoryServer {
	t.Helper()
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(base)
	t.Cleanup(func() {
		s.Free()
		if n := s.ConnectionCount(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		base.Free()
	})
	return &memoryServer{s, t}
}

// settle runs the loop until there is nothing to do but to wait.
func (s *memoryServer) settle() {
	turns := 0
	for quiet := 0; quiet < 2; quiet++ {
		if turns++; turns > 100000 {
			s.t.Fatal("the loop is never quiet")
		}
		if _, err := s.base.Loop(event.LoopNonblock); err != nil {
			s.t.Fatal(err)
		}
		if s.base.NumEvents(event.CountActive) > 0 {
			quiet = 0
		}
	}
}

// A memoryClient is a client of a memoryServer.
type memoryClient struct {
	server *memoryServer
	bev    *bufferevent.Bufferevent
	got    bytes.Buffer
	ended  bool // the server sends no more
}

func (s *memoryServer) connect() *memoryClient {
	s.t.Helper()
	ours, theirs, err := bufferevent.NewPair(s.base, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &memoryClient{server: s, bev: ours}
	ours.SetCallbacks(
		func(b *bufferevent.Bufferevent) { b.Input().WriteTo(&c.got) }, nil,
		func(_ *bufferevent.Bufferevent, what bufferevent.Events) { c.ended = true })
	ours.Enable(event.Read)
	before := s.ConnectionCount()
	give := func(*event.Base, int) (*bufferevent.Bufferevent, error) { return theirs, nil }
	s.accept(&Bound{newStream: give}, -1, netip.AddrPort{})
	if s.ConnectionCount() != before+1 {
		s.t.Fatal("not accepted")
	}
	return c
}

// send gives the server one piece, and lets it do with it what it can.
func (c *memoryClient) send(piece []byte) {
	c.bev.Write(piece) // fails once the server has closed
	c.server.settle()
}

// sendPieces sends pieces of so many bytes.
func (c *memoryClient) sendPieces(raw []byte, size int) {
	for len(raw) > 0 {
		n := min(size, len(raw))
		c.send(raw[:n])
		raw = raw[n:]
	}
}

// closed reports whether the server has ended the connection, or at least its
// half.
func (c *memoryClient) closed() bool { return c.ended || c.bev.Partner() == nil }

// free closes the connection as a client does that has had enough.
func (c *memoryClient) free() {
	c.bev.CloseWrite()
	c.server.settle()
	c.bev.Free()
	c.server.settle()
}

// statuses returns the status codes of all replies, which must be complete.
func (c *memoryClient) statuses() (codes []int) {
	c.server.t.Helper()
	r := bufio.NewReader(bytes.NewReader(c.got.Bytes()))
	for {
		if _, err := r.Peek(1); err != nil {
			return codes
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			c.server.t.Fatalf("%v in %q", err, c.got.Bytes())
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			c.server.t.Fatalf("%v in %q", err, c.got.Bytes())
		}
		codes = append(codes, resp.StatusCode)
	}
}

// TestStrictnessInAnyPieces sends all requests of the table, alone and between
// good ones, in pieces that end where the test wants: who is told what, and
// whether the connection goes on, must always be the same.
func TestStrictnessInAnyPieces(t *testing.T) {
	const (
		good   = "POST /good HTTP/1.1\r\nHost: good\r\nContent-Length: 4\r\n\r\ngood"
		isGood = `POST /good HTTP/1.1 host="good" body="good"`
	)
	for _, row := range strictTable(t, "requests.txt") {
		t.Run(row.name, func(t *testing.T) {
			s := newMemoryServer(t)
			h := new(strictServer)
			h.record(t, s.Server)
			alone := inPieces(s, h, row.raw, len(row.raw))
			alone.check(t, "whole", row.want)
			ways := map[string]struct{ raw, want string }{
				"alone":              {string(row.raw), row.want},
				"after a good one":   {good + string(row.raw), joinWants(isGood, row.want)},
				"before a good one":  {string(row.raw) + good, row.want},
				"between good ones":  {good + string(row.raw) + good, joinWants(isGood, row.want)},
				"between good pairs": {good + good + string(row.raw) + good + good, joinWants(isGood, isGood, row.want)},
			}
			for way, test := range ways {
				after := strings.Contains(way, "before") || strings.Contains(way, "between")
				incomplete := strings.HasSuffix(row.want, "more") || row.want == ""
				if after && incomplete {
					continue // what follows is another part of it
				}
				if after && !alone.closed {
					test.want = joinWants(test.want, isGood)
					if strings.Contains(way, "pairs") {
						test.want = joinWants(test.want, isGood)
					}
				}
				for _, size := range pieces(len(test.raw)) {
					if size < 4096 && size < len(test.raw) && len(test.raw) > 4000 {
						continue
					}
					got := inPieces(s, h, []byte(test.raw), size)
					got.check(t, way, test.want)
					if got.closed != alone.closed {
						t.Errorf("%s, in pieces of %d bytes: closed is %v, alone and whole %v", way, size, got.closed, alone.closed)
					}
				}
			}
		})
	}
}

// pieces returns the sizes of pieces that so many bytes are sent in.
func pieces(whole int) []int {
	if testing.Short() {
		return []int{whole, 7}
	}
	return []int{whole, 1, 2, 7, 4096}
}

// joinWants joins outcomes of requests that come one after the other.
func joinWants(wants ...string) string {
	var parts []string
	for _, w := range wants {
		if w != "" {
			parts = append(parts, w)
		}
	}
	return strings.Join(parts, " + ")
}

// A strictResult is what has become of a stream.
type strictResult struct {
	said   string // by the server
	codes  []int  // of its replies
	closed bool
}

func inPieces(s *memoryServer, h *strictServer, raw []byte, size int) strictResult {
	h.said = nil
	c := s.connect()
	if len(raw) > 0 {
		c.sendPieces(raw, size)
	}
	r := strictResult{strings.Join(h.said, " + "), c.statuses(), c.closed()}
	c.free()
	return r
}

// check compares a result with what the table wants.
func (r strictResult) check(t *testing.T, way, want string) {
	t.Helper()
	complete := strings.TrimSuffix(strings.TrimSuffix(want, "more"), " + ")
	if r.said != complete {
		t.Errorf("%s:\ngot  %s\nwant %s", way, r.said, complete)
		return
	}
	var codes []int
	for part := range strings.SplitSeq(complete, " + ") {
		if code := refusal(part); code != 0 {
			codes = append(codes, code)
			if !r.closed {
				t.Errorf("%s: the connection goes on after %s", way, part)
			}
		} else if part != "" {
			codes = append(codes, 200)
		}
	}
	if !slices.Equal(codes, r.codes) {
		t.Errorf("%s: replies %v, want %v", way, r.codes, codes)
	}
	if complete != want && r.closed {
		t.Errorf("%s: the connection is closed, though there could be more", way)
	}
}

// refusal returns the code of an outcome that is one, or 0.
func refusal(outcome string) (code int) {
	for i := range 3 {
		if len(outcome) < 4 || outcome[i] < '0' || outcome[i] > '9' {
			return 0
		}
		code = code*10 + int(outcome[i]-'0')
	}
	if outcome[3] != ' ' {
		return 0
	}
	return code
}

// h1Conns returns the connections of a server that speaks HTTP/1.1 alone.
func h1Conns(s *Server) []*h1ServerConn {
	conns := make([]*h1ServerConn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c.session().(*h1ServerConn))
	}
	return conns
}

// spare returns the exchanges of HTTP/1.1 that are kept to be used again.
func spare(s *Server) []*h1ServerExchange {
	session, err := s.protocols[0].newSession(s)
	if err != nil {
		panic(err)
	}
	return session.(*h1ServerConn).shared.spare
}
