package datagram_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// Whether neighbours go as one message or not, they arrive as they are.
func TestSegments(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		var lengths []int
		for _, group := range [][]int{{40, 40, 40}, {20}, {0, 0}, {40, 40, 30, 40, 40, 50, 50, 0, 7}, {1500, 1500, 1232, 1232, 1233}} {
			lengths = append(lengths, group...)
		}
		for range 150 { // more than go as one
			lengths = append(lengths, 100)
		}
		one, other := listen(t, at, 0), listen(t, at, 0)
		connected, client := dial(t, addrOf(t, one)), listen(t, at, 0)
		out := datagram.NewBatch(200, 0)
		out.AllowSegments()
		in := datagram.NewBatch(8, 2000)
		for _, s := range []struct {
			name string
			fd   int
			peer func(i int) int
		}{
			{"connected", connected, func(int) int { return one }},
			{"one peer", client, func(int) int { return one }},
			{"two peers", client, func(i int) int { return []int{one, other}[i/3%2] }},
		} {
			t.Run(s.name, func(t *testing.T) {
				var messages []datagram.Message
				expected := map[int][]string{}
				for i, length := range lengths {
					text := strings.Repeat(string(rune('a'+i%26)), length)
					m := datagram.Message{Data: []byte(text)}
					if s.fd != connected {
						m.Addr = addrOf(t, s.peer(i))
					}
					messages = append(messages, m)
					expected[s.peer(i)] = append(expected[s.peer(i)], text)
				}
				base := evtest.Base(t)
				arrived := 0
				for fd := range expected {
					ev, err := base.NewEvent(fd, event.Read|event.Persist, func(*event.Event, event.What) {
						rest := receiveSome(t, in, fd, expected[fd])
						arrived += len(expected[fd]) - len(rest)
						expected[fd] = rest
					})
					ok(t, err)
					defer ev.Free()
					ok(t, ev.Add())
				}
				for sent := 0; sent < len(messages); { // in pieces for which there is room
					part := messages[sent:min(sent+100, len(messages))]
					n, err := out.Send(s.fd, part)
					ok(t, err)
					want(t, "messages sent", n, len(part))
					sent += n
					evtest.Await(t, base, "messages", func() bool { return arrived == sent })
				}
			})
		}
	})
}

// receiveSome takes what has arrived, and returns what has yet to.
func receiveSome(t *testing.T, in *datagram.Batch, fd int, expected []string) []string {
	t.Helper()
	for {
		got, err := in.Recv(fd)
		ok(t, err)
		for i, m := range got {
			if i >= len(expected) || string(m.Data) != expected[i] {
				t.Fatalf("received %q, want %q", m.Data, expected[min(i, len(expected)-1)])
			}
		}
		expected = expected[len(got):]
		if len(got) < in.Limit() {
			return expected
		}
	}
}
