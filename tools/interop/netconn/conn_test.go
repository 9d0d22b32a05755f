package netconn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
	"golang.org/x/net/nettest"
)

// A stack makes two connected bufferevents.
type stack struct {
	name string
	make func(base *event.Base) (a, b *bufferevent.Bufferevent, err error)
}

func pair(base *event.Base) (a, b *bufferevent.Bufferevent, err error) {
	return bufferevent.NewPair(base, 0)
}

func sockets(base *event.Base) (a, b *bufferevent.Bufferevent, err error) {
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	return overFDs(base, fds)
}

func loopback(base *event.Base) (a, b *bufferevent.Bufferevent, err error) {
	fds, err := evutil.LoopbackPair()
	if err != nil {
		return nil, nil, err
	}
	return overFDs(base, fds)
}

func overFDs(base *event.Base, fds [2]int) (a, b *bufferevent.Bufferevent, err error) {
	for i := range fds {
		err = errors.Join(err, evutil.SetNonblock(fds[i]))
	}
	a, err1 := bufferevent.NewSocket(base, fds[0], bufferevent.CloseOnFree)
	b, err2 := bufferevent.NewSocket(base, fds[1], bufferevent.CloseOnFree)
	return a, b, errors.Join(err, err1, err2)
}

// filtered puts filters over both ends.
func filtered(below func(*event.Base) (a, b *bufferevent.Bufferevent, err error)) func(*event.Base) (a, b *bufferevent.Bufferevent, err error) {
	return func(base *event.Base) (a, b *bufferevent.Bufferevent, err error) {
		a, b, err = below(base)
		if err != nil {
			return nil, nil, err
		}
		a, err1 := bufferevent.NewFilter(a, nil, nil, bufferevent.CloseOnFree, nil)
		b, err2 := bufferevent.NewFilter(b, nil, nil, bufferevent.CloseOnFree, nil)
		return a, b, errors.Join(err1, err2)
	}
}

// secured puts TLS over both ends.
func secured(below func(*event.Base) (a, b *bufferevent.Bufferevent, err error)) func(*event.Base) (a, b *bufferevent.Bufferevent, err error) {
	return func(base *event.Base) (a, b *bufferevent.Bufferevent, err error) {
		a, b, err = below(base)
		if err != nil {
			return nil, nil, err
		}
		client, server := configs()
		a, err1 := evtls.NewFilter(a, evtls.Connecting, client, bufferevent.CloseOnFree)
		b, err2 := evtls.NewFilter(b, evtls.Accepting, server, bufferevent.CloseOnFree)
		return a, b, errors.Join(err1, err2)
	}
}

// configs returns the two sides' configurations, with the certificate that
// httptest has for example.com.
var configs = sync.OnceValues(func() (client, server *evtls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &evtls.Config{TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}},
		&evtls.Config{TLS: &tls.Config{Certificates: s.TLS.Certificates}}
})

var stacks = []stack{
	{"pair", pair},
	{"socketpair", sockets},
	{"TCP", loopback},
	{"filter over pair", filtered(pair)},
	{"filter over TCP", filtered(loopback)},
	{"filter over filter over pair", filtered(filtered(pair))},
	{"TLS over pair", secured(pair)},
	{"TLS over TCP", secured(loopback)},
	{"TLS over filter over pair", secured(filtered(pair))},
	{"filter over TLS over TCP", filtered(secured(loopback))},
}

// serve runs a loop in a goroutine, until stop is called.
func serve() (base *event.Base, stop func(), err error) {
	base, err = event.NewBase()
	if err != nil {
		return nil, nil, err
	}
	base.AddVirtual()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = base.Dispatch()
		base.Free()
	}()
	return base, func() {
		base.LoopBreak()
		<-ended
	}, nil
}

// conns makes both ends of a stack net.Conns of a loop in a goroutine.
func (s stack) conns() (a, b *bufferevent.Conn, stop func(), err error) {
	base, stop, err := serve()
	if err != nil {
		return nil, nil, nil, err
	}
	made := make(chan error)
	err = base.Post(func() {
		x, y, err := s.make(base)
		if err == nil {
			a, b = bufferevent.NewConn(x), bufferevent.NewConn(y)
		}
		made <- err
	})
	if err == nil {
		err = <-made
	}
	return a, b, stop, err
}

func TestConnsAreWhatNetExpects(t *testing.T) {
	for _, s := range stacks {
		t.Run(s.name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				a, b, stop, err := s.conns()
				if err != nil {
					return nil, nil, nil, err
				}
				return a, b, func() {
					_ = a.Close()
					_ = b.Close()
					stop()
				}, nil
			})
		})
	}
}

// Close is seen by the other end: what was written before it arrives, then the end;
// and who writes learns that nobody reads.
func TestCloseIsSeenByTheOtherEnd(t *testing.T) {
	for _, s := range stacks {
		t.Run(s.name, func(t *testing.T) {
			a, b, stop, err := s.conns()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			if _, err := a.Write([]byte("farewell")); err != nil {
				t.Fatal(err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(b)
			if string(all) != "farewell" || err != nil {
				t.Fatalf("read %q, %v", all, err)
			}
			block := make([]byte, 1<<16)
			for start := time.Now(); err == nil; _, err = b.Write(block) {
				if time.Since(start) > 20*time.Second {
					t.Fatal("writing to nobody goes on")
				}
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What goroutines write at the same time arrives piece by piece.
func TestConcurrentWritesAreNotMixed(t *testing.T) {
	const writers, size = 5, 200_000
	for _, s := range stacks {
		t.Run(s.name, func(t *testing.T) {
			a, b, stop, err := s.conns()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			failures := make(chan error, writers)
			for i := range writers {
				go func() {
					_, err := a.Write(bytes.Repeat([]byte{byte('a' + i)}, size))
					failures <- err
				}()
			}
			all := make([]byte, writers*size)
			if _, err := io.ReadFull(b, all); err != nil {
				t.Fatal(err)
			}
			for range writers {
				if err := <-failures; err != nil {
					t.Error(err)
				}
			}
			for i := 0; i < len(all); i += size {
				if piece := all[i : i+size]; len(bytes.Trim(piece, string(piece[:1]))) > 0 {
					t.Fatalf("piece %d is mixed", i/size)
				}
			}
			_ = a.Close()
			_ = b.Close()
		})
	}
}

// A net.Conn can be made of a stream whose end others were told of.
func TestConnsOfStreamsThatHaveEnded(t *testing.T) {
	for _, s := range stacks {
		t.Run(s.name, func(t *testing.T) {
			base, stop, err := serve()
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			conn := make(chan *bufferevent.Conn)
			err = base.Post(func() {
				a, b, err := s.make(base)
				if err == nil {
					b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
						switch what.Outcome() {
						case bufferevent.InputEnded:
							conn <- bufferevent.NewConn(b)
						case bufferevent.Failed:
							t.Error(b.Err())
							close(conn)
						}
					})
					_, err = a.WriteString("before the end")
					err = errors.Join(err, b.Enable(event.Read), a.CloseWrite())
				}
				if err != nil {
					t.Error(err)
					close(conn)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			c := <-conn
			if c == nil {
				t.FailNow()
			}
			_ = c.SetDeadline(time.Now().Add(20 * time.Second))
			all, err := io.ReadAll(c)
			if err != nil || fmt.Sprintf("%s", all) != "before the end" {
				t.Fatalf("read %q, %v", all, err)
			}
			_ = c.Close()
		})
	}
}
