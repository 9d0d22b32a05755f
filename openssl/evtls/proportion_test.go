package evtls_test

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A peer that is slow to read makes data pile up before and after it is
// encrypted. The memory for that is in proportion, whatever the records are made
// of.
func TestMemoryForASlowReaderIsInProportion(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector uses memory, too")
	}
	const messages = 2000
	for _, flags := range []evtls.Flags{0, evtls.BatchWrite} {
		for name, add := range map[string]func(out, part *evbuffer.Buffer) error{
			"moved":  func(out, part *evbuffer.Buffer) error { return out.AddBuffer(part) },
			"copied": func(out, part *evbuffer.Buffer) error { p, err := part.Pullup(-1); out.Add(p); return err },
		} {
			t.Run(fmt.Sprint(name, " ", flags), func(t *testing.T) {
				base := newBase(t)
				client, server := plain(tls.VersionTLS13)
				server.Flags |= flags
				c, s := newTalk(t, base, client, server, bufferevent.CloseOnFree)
				ok(t, c.b.Disable(event.Read))
				settle(t, base)
				out := s.b.Output()
				before := liveHeap()
				for range messages {
					ok(t, out.AddString("400\r\n\r"))
					part := evbuffer.New()
					ok(t, part.AddString(strings.Repeat("x", 1024)))
					ok(t, add(out, part))
					ok(t, out.AddString("\r\n"))
				}
				settle(t, base)
				queued := out.Len() + s.b.Underlying().Output().Len() + c.b.Underlying().Input().Len()
				grown, most := liveHeap()-before, 2*queued+messages*1024+4*(64<<10)
				if queued < messages*1000 || grown > most {
					t.Errorf("%d bytes of memory for %d that wait, want at most %d", grown, queued, most)
				}
			})
		}
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
