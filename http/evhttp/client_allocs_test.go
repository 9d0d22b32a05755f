//go:build !race

package evhttp

import (
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// answers is a stream whose other end answers everything with an answer.
func answers(t testing.TB, base *event.Base, answer string) *ClientConn {
	t.Helper()
	ours, theirs, err := bufferevent.NewPair(base, 0)
	must(t, err)
	theirs.SetCallbacks(func(b *bufferevent.Bufferevent) {
		b.Input().Drain(b.Input().Len())
		b.WriteString(answer)
	}, nil, nil)
	theirs.Enable(event.Read)
	t.Cleanup(theirs.Free)
	c, err := NewClientConnReuse(ours, "host.example", nil)
	must(t, err)
	t.Cleanup(c.Free)
	return c
}

// A request that is used again costs no memory, whatever it is.
func TestRequestsThatAreUsedAgainDoNotAllocate(t *testing.T) {
	const requests = 2000
	for _, tt := range []struct {
		name, answer string
		body         string
	}{
		{"sized", helloAnswer, ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""},
		{"no content", "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", ""},
		{"post", helloAnswer, "a short body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := newTestBase(t)
			c := answers(t, base, tt.answer)
			left := 0
			var r *Request
			again := func() {
				method := MethodGet
				if tt.body != "" {
					method = MethodPost
					r.Output().AddString(tt.body)
				}
				must(t, c.MakeRequest(r, method, "/some/path?query"))
			}
			r = NewRequest(func(*Request) {
				if r.Err() != nil {
					t.Fatal(r.Err())
				}
				if left--; left > 0 {
					again()
				}
			})
			r.OutputHeaders().Add("Accept", "*/*")
			run := func(n int) uint64 {
				var before, after runtime.MemStats
				left = n
				again()
				runtime.ReadMemStats(&before)
				for left > 0 {
					base.Loop(event.LoopOnce)
				}
				runtime.ReadMemStats(&after)
				return after.Mallocs - before.Mallocs
			}
			run(requests)
			if n := run(requests); n > requests/10 {
				t.Errorf("%d allocations for %d requests", n, requests)
			}
		})
	}
}

func BenchmarkRequest(b *testing.B) {
	base := newTestBase(b)
	c := answers(b, base, helloAnswer)
	b.ReportAllocs()
	left := b.N
	var r *Request
	r = NewRequest(func(*Request) {
		if left--; left > 0 {
			c.MakeRequest(r, MethodGet, "/")
		}
	})
	c.MakeRequest(r, MethodGet, "/")
	for left > 0 {
		base.Loop(event.LoopOnce)
	}
}
