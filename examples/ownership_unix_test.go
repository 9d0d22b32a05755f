//go:build unix

package examples

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
	"golang.org/x/sys/unix"
)

// A maker is a constructor that fails, with a descriptor that is to be its own or
// is not.
type maker struct {
	name string
	make func(t *testing.T, base *event.Base, fd int, own bool) error
}

// owned returns CloseOnFree if own is set.
func owned(own bool) bufferevent.Options {
	if own {
		return bufferevent.CloseOnFree
	}
	return 0
}

const badOptions = bufferevent.UnlockCallbacks // without DeferCallbacks

var makers = []maker{
	{"bufferevent.NewSocket without a base", func(_ *testing.T, _ *event.Base, fd int, own bool) error {
		_, err := bufferevent.NewSocket(nil, fd, owned(own))
		return err
	}},
	{"bufferevent.NewSocket with bad options", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := bufferevent.NewSocket(base, fd, owned(own)|badOptions)
		return err
	}},
	{"bufferevent.NewSocket without locks", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := bufferevent.NewSocket(base, fd, owned(own)|bufferevent.ThreadSafe)
		return err
	}},
	{"bufferevent.NewFilter with bad options", func(t *testing.T, base *event.Base, fd int, own bool) error {
		under := over(t, base, fd, own)
		_, err := bufferevent.NewFilter(under, nil, nil, owned(own)|badOptions, nil)
		return err
	}},
	{"evtls.NewSocket without a base", func(_ *testing.T, _ *event.Base, fd int, own bool) error {
		_, err := evtls.NewSocket(nil, fd, evtls.Accepting, &evtls.Config{TLS: &tls.Config{}}, owned(own))
		return err
	}},
	{"evtls.NewSocket without a configuration", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := evtls.NewSocket(base, fd, evtls.Accepting, nil, owned(own))
		return err
	}},
	{"evtls.NewSocket with a bad configuration", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := evtls.NewSocket(base, fd, evtls.Accepting, &evtls.Config{}, owned(own))
		return err
	}},
	{"evtls.NewSocket with bad options", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := evtls.NewSocket(base, fd, evtls.Accepting, &evtls.Config{TLS: &tls.Config{}}, owned(own)|bufferevent.ThreadSafe)
		return err
	}},
	{"evtls.NewFilter with a bad configuration", func(t *testing.T, base *event.Base, fd int, own bool) error {
		_, err := evtls.NewFilter(over(t, base, fd, own), evtls.Accepting, &evtls.Config{}, owned(own))
		return err
	}},
	{"listener.New without a base", func(_ *testing.T, _ *event.Base, fd int, own bool) error {
		_, err := listener.New(nil, fd, listenFlags(own), 0, nil)
		return err
	}},
	{"listener.New with bad flags", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := listener.New(base, fd, listenFlags(own)|1<<15, 0, nil)
		return err
	}},
	{"listener.New with what does not listen", func(_ *testing.T, base *event.Base, fd int, own bool) error {
		_, err := listener.New(base, fd, listenFlags(own), 0, nil)
		return err
	}},
	{"evbuffer.NewFileSegment of a bad range", func(_ *testing.T, _ *event.Base, fd int, own bool) error {
		_, err := evbuffer.NewFileSegment(fd, -1, 1, segmentFlags(own))
		return err
	}},
	{"evbuffer.NewFileSegment with bad flags", func(_ *testing.T, _ *event.Base, fd int, own bool) error {
		_, err := evbuffer.NewFileSegment(fd, 0, 1, segmentFlags(own)|1<<7)
		return err
	}},
}

// alwaysOwning are constructors that have no option not to own the descriptor.
var alwaysOwning = []maker{
	{"Buffer.AddFile of a bad range", func(_ *testing.T, _ *event.Base, fd int, _ bool) error {
		return evbuffer.New().AddFile(fd, -1, 1)
	}},
	{"evdnsserver.NewUDP without a callback", func(_ *testing.T, base *event.Base, fd int, _ bool) error {
		_, err := evdnsserver.NewUDP(base, fd, nil)
		return err
	}},
	{"evhttp.Server.AcceptSocket of what does not listen", func(_ *testing.T, base *event.Base, fd int, _ bool) error {
		s := evhttp.NewServer(base)
		defer s.Free()
		_, err := s.AcceptSocket(fd)
		return err
	}},
}

func over(t *testing.T, base *event.Base, fd int, own bool) *bufferevent.Bufferevent {
	t.Helper()
	b, err := bufferevent.NewSocket(base, fd, owned(own))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Free)
	return b
}

func listenFlags(own bool) listener.Flag {
	if own {
		return listener.CloseOnFree
	}
	return 0
}

func segmentFlags(own bool) evbuffer.SegmentFlag {
	if own {
		return evbuffer.CloseOnFree
	}
	return 0
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func socketpair(t *testing.T) [2]int {
	t.Helper()
	pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func closeFD(t *testing.T, fd int) {
	t.Helper()
	if err := evutil.CloseSocket(fd); err != nil {
		t.Fatal(err)
	}
}

// A constructor that is to own a descriptor has closed it when it fails, and one that
// is not leaves it alone.
func TestWhoOwnsADescriptorAfterAConstructorHasFailed(t *testing.T) {
	check := func(m maker, own bool) {
		t.Run(m.name, func(t *testing.T) {
			base, err := event.NewBase()
			if err != nil {
				t.Fatal(err)
			}
			defer base.Free()
			pair := socketpair(t)
			defer closeFD(t, pair[1])
			if err := m.make(t, base, pair[0], own); err == nil {
				t.Fatal("it does not fail")
			}
			if isOpen(pair[0]) == own {
				t.Errorf("owned: %v, open: %v", own, !own)
			}
			if !own {
				closeFD(t, pair[0])
			}
		})
	}
	for _, m := range makers {
		check(m, true)
		check(m, false)
	}
	for _, m := range alwaysOwning {
		check(m, true)
	}
}

// The same of what stands for a descriptor.
func TestWhoOwnsAFileAfterFromFileHasFailed(t *testing.T) {
	for _, own := range []bool{false, true} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := bufferevent.FromFile(nil, r, owned(own)); err == nil {
			t.Fatal("it does not fail")
		}
		if err := r.Close(); errors.Is(err, os.ErrClosed) != own {
			t.Errorf("owned: %v, closing: %v", own, err)
		}
	}
}

func TestWhoOwnsAConnectionAfterFromConnHasFailed(t *testing.T) {
	for _, own := range []bool{false, true} {
		one, two := net.Pipe() // there is no descriptor
		defer two.Close()
		if _, err := bufferevent.FromConn(nil, one, owned(own)); err == nil {
			t.Fatal("it does not fail")
		}
		err := one.SetDeadline(time.Now())
		if closed := err != nil; closed != own {
			t.Errorf("owned: %v, setting a deadline: %v", own, err)
		}
		one.Close()
	}
}

func TestWhoOwnsAListenerAfterAServerHasFailed(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog, nil)
	if err != nil {
		t.Fatal(err)
	}
	fd := l.FD()
	if _, err := evdnsserver.NewTCP(base, l, nil); err == nil {
		t.Fatal("it does not fail")
	}
	if isOpen(fd) {
		t.Error("the listener was not freed")
	}
}

// What a server's StreamFunc obviously looks like closes the socket.
func TestAStreamFuncThatFails(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	s := evhttp.NewServer(base)
	defer s.Free()
	accepted := -1
	s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		accepted = fd
		base.LoopBreak()
		return evtls.NewSocket(base, fd, evtls.Accepting, &evtls.Config{}, bufferevent.CloseOnFree)
	})
	bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", bound.AddrPort().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := base.Dispatch(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	if isOpen(accepted) {
		t.Error("the socket is open")
	}
}
