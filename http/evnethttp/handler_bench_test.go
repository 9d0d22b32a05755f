package evnethttp_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// BenchmarkHello measures handlers of net/http without the system: over a pair.
func BenchmarkHello(b *testing.B) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, world")
	})
	for _, bench := range []struct {
		name    string
		handler evhttp.Handler
	}{
		{"goroutine", evnethttp.Handler(hello)},
		{"inline", evnethttp.InlineHandler(hello)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			base, err := event.NewBase()
			if err != nil {
				b.Fatal(err)
			}
			defer base.Free()
			s := evhttp.NewServer(base)
			defer s.Free()
			s.SetGenericCallback(bench.handler)
			ours, theirs, err := bufferevent.NewPair(base, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer theirs.Free()
			theirs.Enable(event.Read)
			if err := s.Serve(ours); err != nil {
				b.Fatal(err)
			}
			request := []byte("GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
			b.ReportAllocs()
			for b.Loop() {
				theirs.Write(request)
				for theirs.Input().Len() == 0 {
					base.Loop(event.LoopOnce)
				}
				theirs.Input().Drain(1 << 20)
			}
		})
	}
}
