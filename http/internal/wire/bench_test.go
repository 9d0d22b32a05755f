package wire

import (
	"bufio"
	"bytes"
	"net/http"
	"testing"
)

// typicalRequest is what a browser sends: ten fields.
const typicalRequest = "GET /articles/2026/11/an-event-loop?page=2&sort=date HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-US,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Referer: https://www.example.com/articles/2026/11/\r\n" +
	"Connection: keep-alive\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"Priority: u=0, i\r\n" +
	"\r\n"

// shortRequest is what load generators send.
const shortRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

const typicalResponse = "HTTP/1.1 200 OK\r\n" +
	"Date: Wed, 25 Nov 2026 02:30:00 GMT\r\n" +
	"Server: example\r\n" +
	"Content-Type: text/html; charset=utf-8\r\n" +
	"Content-Length: 12345\r\n" +
	"Last-Modified: Tue, 24 Nov 2026 10:00:00 GMT\r\n" +
	"Etag: \"5f3e-18c\"\r\n" +
	"Vary: Accept-Encoding\r\n" +
	"Cache-Control: max-age=3600\r\n" +
	"Accept-Ranges: bytes\r\n" +
	"Connection: keep-alive\r\n" +
	"\r\n"

func BenchmarkRequestHead(b *testing.B) {
	for _, bench := range []struct{ name, raw string }{
		{"ten fields", typicalRequest},
		{"one field", shortRequest},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var h RequestHead
			raw := []byte(bench.raw)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				h.Reset()
				if _, done, err := h.Parse(raw, nil); !done || err != nil {
					b.Fatal(done, err)
				}
			}
		})
	}
}

// BenchmarkRequestHeadInPieces has the head come in pieces of 64 bytes.
func BenchmarkRequestHeadInPieces(b *testing.B) {
	var h RequestHead
	raw := []byte(typicalRequest)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		h.Reset()
		for at := 0; at < len(raw); at += 64 {
			if _, _, err := h.Parse(raw[at:min(at+64, len(raw))], nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkResponseHead(b *testing.B) {
	var h ResponseHead
	raw := []byte(typicalResponse)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		h.Reset("GET")
		if _, done, err := h.Parse(raw, nil); !done || err != nil {
			b.Fatal(done, err)
		}
	}
}

// BenchmarkNetHTTP is net/http reading the same request.
func BenchmarkNetHTTP(b *testing.B) {
	raw := []byte(typicalRequest)
	in := bytes.NewReader(raw)
	r := bufio.NewReader(in)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(raw)
		r.Reset(in)
		if _, err := http.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunks(b *testing.B) {
	raw := bytes.Repeat([]byte("10\r\n0123456789abcdef\r\n"), 100)
	raw = append(raw, "0\r\n\r\n"...)
	var d ChunkDecoder
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset()
		for p := raw; !d.Done(); {
			n, err := d.Parse(p, nil)
			if err != nil {
				b.Fatal(err)
			}
			p = p[n:]
			if n := min(d.Data(), int64(len(p))); n > 0 {
				d.Took(n)
				p = p[n:]
			}
		}
	}
}
