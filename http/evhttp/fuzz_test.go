package evhttp

import (
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// FuzzServer sends anything to a server, in any pieces: nothing may panic, the
// server must understand the same whatever the pieces are, and it must never
// hold more than its limits allow.
func FuzzServer(f *testing.F) {
	for i, row := range strictTable(f, "requests.txt") {
		if len(row.raw) < 2000 {
			f.Add(row.raw, uint64(i), uint8(i))
		}
	}
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), uint64(1), uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64, way uint8) {
		whole := fuzzed(t, raw, way, func() int { return len(raw) })
		random := rand.New(rand.NewPCG(seed, 0))
		cut := fuzzed(t, raw, way, func() int { return 1 + random.IntN(1+random.IntN(64)) })
		if whole.said != cut.said || whole.closed != cut.closed || !slices.Equal(whole.codes, cut.codes) {
			t.Errorf("whole: %+v\nin pieces: %+v", whole, cut)
		}
		bytewise := fuzzed(t, raw, way, func() int { return 1 })
		if whole.said != bytewise.said || whole.closed != bytewise.closed || !slices.Equal(whole.codes, bytewise.codes) {
			t.Errorf("whole: %+v\nbyte by byte: %+v", whole, bytewise)
		}
	})
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 (\d{3}) `)

// Limits of the server that is fuzzed: small, so that they matter.
const (
	fuzzedHeader = 256
	fuzzedBody   = 512
)

// fuzzed sends raw in pieces whose size is next, and returns what comes of it. way
// chooses how requests are answered.
func fuzzed(t *testing.T, raw []byte, way uint8, next func() int) strictResult {
	s := newMemoryServer(t)
	defer s.Free()
	h := new(strictServer)
	h.record(t, s.Server)
	s.SetLimits(Limits{Line: 128, Header: fuzzedHeader, Fields: 8, Trailer: 64, Extensions: 32})
	s.SetMaxBodySize(fuzzedBody)
	switch way % 4 {
	case 1: // the body as it comes
		s.SetGenericStream(func(r *Request) {
			var body evbuffer.Buffer
			r.SetChunkCallback(func(r *Request) {
				r.Input().RemoveBuffer(&body, r.Input().Len())
				if r.Complete() {
					r.Input().AddBuffer(&body)
					h.handle(r)
				}
			})
			if r.Complete() {
				h.handle(r)
			}
		})
	case 2: // later
		s.SetGenericCallback(func(r *Request) { s.base.Post(func() { h.handle(r) }) })
	case 3: // in chunks, and with what was sent
		s.SetGenericCallback(func(r *Request) {
			body, _ := io.ReadAll(r.Input())
			h.said = append(h.said, fmt.Sprintf("%s %s %q", r.Method(), r.URI(), body))
			r.SendReplyStart(200, "")
			r.SendReplyChunk(bufferOf(string(body)))
			r.SendReplyEnd()
		})
	}
	c := s.connect()
	for rest := raw; len(rest) > 0; {
		n := min(next(), len(rest))
		c.send(rest[:n])
		rest = rest[n:]
		for _, conn := range h1Conns(s.Server) {
			held := conn.bev.Input().Len()
			if r := conn.x; r != nil {
				held += r.Input().Len()
			}
			if most := n + fuzzedBody + maxAhead; held > most {
				t.Fatalf("the server holds %d bytes, more than %d", held, most)
			}
		}
	}
	result := strictResult{said: fmt.Sprintf("%q", h.said), closed: c.closed()}
	if way%4 != 3 { // no request is sent back
		for _, line := range statusLine.FindAllSubmatch(c.got.Bytes(), -1) {
			code, _ := strconv.Atoi(string(line[1]))
			result.codes = append(result.codes, code)
		}
	}
	c.free()
	return result
}
