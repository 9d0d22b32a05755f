package wire

import (
	"testing"

	"github.com/go-libevent/libevent/http/internal/message"
)

// TestAllocations checks that what happens for every message of a connection
// allocates nothing once its memory is there.
func TestAllocations(t *testing.T) {
	var request RequestHead
	var response ResponseHead
	var chunks ChunkDecoder
	var fields message.Fields
	var out []byte
	typical, answer, short := []byte(typicalRequest), []byte(typicalResponse), []byte(shortRequest)
	ipv6 := []byte("GET http://[2001:db8::1]:80/ HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n")
	body := []byte("5;a=b\r\nabcde\r\n0\r\nX: y\r\n\r\n")
	parse := func(raw []byte, pieces int) {
		request.Reset()
		size := (len(raw) + pieces - 1) / pieces
		for at := 0; at < len(raw); at += size {
			if _, _, err := request.Parse(raw[at:min(at+size, len(raw))], nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, f := range map[string]func(){
		"a request":              func() { parse(typical, 1) },
		"a short request":        func() { parse(short, 1) },
		"a request in two parts": func() { parse(typical, 2) },
		"a request byte by byte": func() { parse(typical, len(typical)) },
		"an IPv6 address":        func() { parse(ipv6, 1) },
		"a response": func() {
			response.Reset("GET")
			if _, done, err := response.Parse(answer, nil); !done || err != nil {
				t.Fatal(done, err)
			}
		},
		"a chunked body": func() {
			chunks.Reset()
			for p := body; !chunks.Done(); {
				n, err := chunks.Parse(p, nil)
				if err != nil {
					t.Fatal(err)
				}
				data := chunks.Data()
				chunks.Took(data)
				p = p[n+int(data):]
			}
		},
		"looking": func() {
			parse(typical, 1)
			h := &request.Header
			if h.Get("cookie") == nil || h.Get("X") != nil || !h.HasToken("connection", "keep-alive") ||
				string(request.Method()) != "GET" || len(request.Path()) == 0 || len(request.Host()) == 0 {
				t.Fatal("not found")
			}
			for name, value := range h.All() {
				if len(name) == 0 || len(value) == 0 {
					t.Fatal("empty")
				}
			}
		},
		"writing": func() {
			fields.Reset()
			fields.Add("Content-Type", "text/plain")
			fields.Set("Content-Type", "text/html; charset=utf-8")
			out, _ = AppendStatusLine(out[:0], 200, "")
			out = fields.AppendTo(out)
			out = AppendContentLength(out, 5)
			out, _ = AppendField(out, "Server", "test")
			out = append(out, CRLF...)
			out = AppendChunkSize(out, 5)
			out, _ = AppendLastChunk(out, nil)
		},
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
