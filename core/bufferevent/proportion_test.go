package bufferevent_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// heap returns how much memory is in use. Pools forget what they have by the
// second collection.
func heap() int {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A peer that is slow to read makes data pile up, in whatever pieces it was
// written and wherever in a stack of streams. The memory for that is in proportion.
func TestMemoryForASlowReaderIsInProportion(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector uses memory, too")
	}
	const messages = 1000
	pieces := map[string]func(t *testing.T, out *evbuffer.Buffer){
		"in one piece": func(t *testing.T, out *evbuffer.Buffer) { ok(t, out.AddString(strings.Repeat("x", 100))) },
		"moved": func(t *testing.T, out *evbuffer.Buffer) {
			ok(t, out.AddString("400\r\n\r"))
			ok(t, out.AddBuffer(buffer(t, strings.Repeat("x", 1024))))
			ok(t, out.AddString("\r\n"))
		},
		"moved, one byte": func(t *testing.T, out *evbuffer.Buffer) { ok(t, out.AddBuffer(buffer(t, "x"))) },
		"by reference": func(t *testing.T, out *evbuffer.Buffer) {
			ok(t, out.AddString("400\r\n\r"))
			ok(t, out.AddReference(make([]byte, 1024), nil))
			ok(t, out.AddString("\r\n"))
		},
	}
	// A stack returns the stream that is written to and all buffers that data can
	// wait in.
	stacks := map[string]func(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, []*evbuffer.Buffer){
		"socket": func(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, []*evbuffer.Buffer) {
			b, _ := newSocket(t, base, 0)
			ok(t, b.Disable(event.Write)) // some systems have room for all of it
			return b, []*evbuffer.Buffer{b.Output()}
		},
		"pair": func(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, []*evbuffer.Buffer) {
			a, b := pairOf(t, base)
			return a, []*evbuffer.Buffer{a.Output(), b.Input()}
		},
		"pair with a high mark": func(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, []*evbuffer.Buffer) {
			a, b := pairOf(t, base)
			ok(t, b.SetWatermark(event.Read, 0, 5000))
			ok(t, b.Enable(event.Read))
			return a, []*evbuffer.Buffer{a.Output(), b.Input()}
		},
		"filter over a pair": func(t *testing.T, base *event.Base) (*bufferevent.Bufferevent, []*evbuffer.Buffer) {
			a, b := pairOf(t, base)
			ok(t, a.SetWatermark(event.Write, 0, 5000))
			f, err := bufferevent.NewFilter(a, nil, nil, 0, nil)
			ok(t, err)
			t.Cleanup(f.Free)
			return f, []*evbuffer.Buffer{f.Output(), a.Output(), b.Input()}
		},
	}
	for piece, add := range pieces {
		for stack, build := range stacks {
			t.Run(fmt.Sprint(stack, ", ", piece), func(t *testing.T) {
				base := newBase(t)
				b, buffers := build(t, base)
				before := heap()
				for range messages {
					add(t, b.Output())
					evtest.Turn(t, base)
				}
				settle(t, base)
				queued := 0
				for _, buf := range buffers {
					queued += buf.Len()
				}
				grown, most := heap()-before, 2*queued+messages*1024+len(buffers)*(64<<10)
				if queued == 0 || grown > most {
					t.Errorf("%d bytes of memory for %d that wait, want at most %d", grown, queued, most)
				}
				runtime.KeepAlive(buffers)
			})
		}
	}
}

func pairOf(t *testing.T, base *event.Base) (a, b *bufferevent.Bufferevent) {
	t.Helper()
	a, b, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	t.Cleanup(func() { a.Free(); b.Free() })
	return a, b
}
