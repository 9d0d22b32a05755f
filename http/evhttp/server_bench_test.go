package evhttp

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// BenchmarkHello measures the server without the system: over a pair.
func BenchmarkHello(b *testing.B) {
	checkTransitions = false // which costs what programs do not pay
	defer func() { checkTransitions = true }()
	for _, bench := range []struct {
		name, path string
		pipelined  int
	}{
		{"exact", "/hello", 1}, {"buffer", "/buffer", 1}, {"reference", "/reference", 1}, {"pattern", "/items/1", 1}, {"pipelined", "/hello", 16},
	} {
		b.Run(bench.name, func(b *testing.B) {
			base, err := event.NewBase()
			if err != nil {
				b.Fatal(err)
			}
			defer base.Free()
			s := NewServer(base)
			defer s.Free()
			body := []byte("Hello, world")
			s.Handle("/hello", func(r *Request) {
				r.OutputHeaders().Add("Content-Type", "text/plain")
				r.SendReplyBytes(200, "", body)
			})
			s.Handle("/buffer", func(r *Request) {
				r.Output().Add(body)
				r.SendReply(200, "", nil)
			})
			s.Handle("/reference", func(r *Request) {
				r.Output().AddReference(body, nil)
				r.SendReply(200, "", nil)
			})
			s.HandlePattern("GET /items/{id}", func(r *Request) { r.SendReplyBytes(200, "", body) })
			ours, theirs, err := bufferevent.NewPair(base, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer theirs.Free()
			theirs.Enable(event.Read)
			s.SetStreamFunc(func(*event.Base, int) (*bufferevent.Bufferevent, error) { return ours, nil })
			s.accept(&Bound{}, -1, netip.AddrPort{})
			request := bytes.Repeat([]byte("GET "+bench.path+" HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"), bench.pipelined)
			b.ReportAllocs()
			for n := 0; n < b.N; n += bench.pipelined {
				theirs.Write(request)
				for theirs.Input().Len() == 0 {
					base.Loop(event.LoopOnce)
				}
				theirs.Input().Drain(1 << 20)
			}
		})
	}
}
