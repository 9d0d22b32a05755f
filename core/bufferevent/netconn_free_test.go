package bufferevent_test

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// connTo returns a Conn and its peer.
func connTo(t *testing.T, base *event.Base) (*bufferevent.Conn, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err == nil {
		err = b.Connect(l.Addr().(*net.TCPAddr).AddrPort())
	}
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return bufferevent.NewConn(b), peer
}

// TestConnsEndWithTheirBase frees the base while others wait for what its loop would
// do. All end, and the peer learns that, too.
func TestConnsEndWithTheirBase(t *testing.T) {
	for name, wait := range map[string]func(c net.Conn) error{
		"reading": func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		"writing": func(c net.Conn) error {
			for {
				if _, err := c.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		},
		"copying": func(c net.Conn) error { _, err := io.Copy(io.Discard, c); return err },
	} {
		t.Run(name, func(t *testing.T) {
			base, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			c, peer := connTo(t, base)
			ended := make(chan error, 1)
			go func() { ended <- wait(c) }()
			for range 3 {
				if _, err := base.Loop(event.LoopNonblock); err != nil {
					t.Fatal(err)
				}
			}
			base.Free()
			if err := <-ended; !errors.Is(err, event.ErrFreed) {
				t.Errorf("error %v, want %v", err, event.ErrFreed)
			}
			if _, err := io.Copy(io.Discard, peer); err != nil {
				t.Errorf("the peer: %v", err)
			}
			if _, err := c.Write([]byte("x")); !errors.Is(err, event.ErrFreed) {
				t.Errorf("write: error %v", err)
			}
			c.Close()
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("read after Close: error %v", err)
			}
		})
	}
}
