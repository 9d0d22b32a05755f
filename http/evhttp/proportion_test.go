package evhttp_test

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A client that asks for a long answer in chunks and does not read it has the
// server keep the answer, in proportion, however it was built.
func TestMemoryOfChunkedAnswersIsInProportion(t *testing.T) {
	const chunks = 2000
	tests := map[string]func(chunk *evbuffer.Buffer) error{
		"a byte":      func(chunk *evbuffer.Buffer) error { return chunk.AddString("x") },
		"a line":      func(chunk *evbuffer.Buffer) error { return chunk.AddString(strings.Repeat("x", 80)) },
		"a block":     func(chunk *evbuffer.Buffer) error { return chunk.AddString(strings.Repeat("x", 1024)) },
		"a reference": func(chunk *evbuffer.Buffer) error { return chunk.AddReference(make([]byte, 1024), nil) },
		"what is left": func(chunk *evbuffer.Buffer) error {
			if err := chunk.AddString(strings.Repeat("x", 60<<10)); err != nil {
				return err
			}
			return chunk.Drain(59 << 10)
		},
	}
	for name, fill := range tests {
		t.Run(name, func(t *testing.T) {
			base, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			defer base.Free()
			s := evhttp.NewServer(base)
			defer s.Free()
			var stream *bufferevent.Bufferevent
			s.SetStreamFunc(func(base *event.Base, fd int) (_ *bufferevent.Bufferevent, err error) {
				stream, err = bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
				return stream, err
			})
			grown, queued := 0, 0
			s.Handle("/", func(r *evhttp.Request) {
				before := liveHeap()
				if err := r.SendReplyStart(200, "OK"); err != nil {
					t.Error(err)
				}
				for range chunks {
					var chunk evbuffer.Buffer
					if err := fill(&chunk); err != nil {
						t.Error(err)
					}
					if err := r.SendReplyChunk(&chunk); err != nil {
						t.Error(err)
					}
				}
				queued = stream.Output().Len()
				grown = liveHeap() - before
				base.LoopBreak()
			})
			bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				t.Fatal(err)
			}
			client, err := net.Dial("tcp", bound.AddrPort().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			if err := base.Dispatch(); err != nil {
				t.Fatal(err)
			}
			if most := 2*queued + chunks*1024 + 64<<10; queued < chunks || grown > most {
				t.Errorf("%d bytes of memory for %d that wait, want at most %d", grown, queued, most)
			}
		})
	}
}

// liveHeap returns how much memory is in use. Pools forget what they have by the
// second collection.
func liveHeap() int {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
