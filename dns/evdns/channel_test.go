package evdns

import (
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// Sockets are replaced when they are old or were used often, and closed when no
// answers are awaited on them.
func TestSocketsAreReplaced(t *testing.T) {
	for name, serve := range map[string]func(*udpSocket){
		"old":    func(u *udpSocket) { u.created -= maxAge + 1 },
		"used":   func(u *udpSocket) { u.uses = maxUses },
		"full":   func(u *udpSocket) { u.n = maxPerChannel },
		"at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			loop, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			defer loop.Free()
			b, err := NewBase(loop, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Free(false)
			if err := b.AddNameserverString("127.0.0.1"); err != nil {
				t.Fatal(err)
			}
			b.config.Ports = 1
			socket := func() *udpSocket {
				u, err := b.servers.list[0].socket(b.now())
				if err != nil {
					t.Fatal(err)
				}
				return u
			}
			first := socket()
			if serve != nil {
				serve(first)
			}
			if replaced := socket() != first; replaced != (serve != nil) {
				t.Fatalf("replaced: %t", replaced)
			}
			waits := first.n > 0
			b.EndIteration()
			if (first.state == udpClosed) != (serve != nil && !waits) {
				t.Errorf("state %d", first.state)
			}
			first.n = 0
			if waits {
				first.flush()
				if first.state != udpClosed {
					t.Error("not closed after the last answer")
				}
			}
		})
	}
}

// A connection with as many requests as it can have is kept for them, and another
// one made for the next.
func TestConnectionThatIsFull(t *testing.T) {
	loop, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Free()
	b, err := NewBase(loop, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free(false)
	if err := b.AddNameserverString("127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	s := b.servers.list[0]
	connection := func() *connection {
		c, err := s.connection()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := connection()
	first.n = maxPerChannel - 1
	if connection() != first {
		t.Error("another one though there is a place")
	}
	first.n = maxPerChannel
	second := connection()
	if second == first || first.closed || len(s.full) != 1 {
		t.Errorf("the same one: %t, closed: %t, %d full ones", second == first, first.closed, len(s.full))
	}
	first.n = 0
	first.flush()
	if !first.closed || len(s.full) != 0 || connection() != second {
		t.Errorf("after the last answer: closed: %t, %d full ones", first.closed, len(s.full))
	}
}
