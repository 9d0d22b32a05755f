package bufferevent_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evutil"
)

// remote accepts a connection and returns where it comes from.
func (h *host) remote() netip.AddrPort {
	h.t.Helper()
	return h.accept().RemoteAddr().(*net.TCPAddr).AddrPort()
}

// other is an address of this machine that connections do not have by default,
// where there are more than one.
func other(t *testing.T) netip.Addr {
	t.Helper()
	const text = "127.0.0.2"
	l, err := net.Listen("tcp", text+":0")
	if err != nil {
		t.Skip("needs a second loopback address: ", err)
	}
	l.Close()
	return netip.MustParseAddr(text)
}

// freePort returns a port that nobody uses.
func freePort(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	ok(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestSocketsAreBoundBeforeTheyAreConnected(t *testing.T) {
	local := other(t)
	port := freePort(t)
	for _, tt := range []struct {
		name string
		addr netip.AddrPort
	}{
		{"to an address", netip.AddrPortFrom(local, 0)},
		{"to a port", netip.AddrPortFrom(netip.Addr{}, port)},
		{"to both", netip.AddrPortFrom(local, port)},
	} {
		for _, by := range []string{"address", "name", "names"} {
			t.Run(tt.name+" by "+by, func(t *testing.T) {
				base, h := newBase(t), newHost(t)
				b := overFD(t, base, -1, 0)
				ok(t, b.SetLocalAddr(tt.addr))
				var d diary
				d.keep(b)
				switch by {
				case "address":
					ok(t, b.Connect(h.addr()))
				case "name":
					ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{h.addr()}}, "tcp", "host.example", 80))
				case "names":
					refuses := closedPort(t)
					ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{refuses, h.addr()}}, "tcp", "host.example", 80))
				}
				d.await(t, base, "connected")
				from := h.remote()
				if tt.addr.Addr().IsValid() {
					want(t, "address", from.Addr(), tt.addr.Addr())
				}
				if tt.addr.Port() != 0 {
					want(t, "port", from.Port(), tt.addr.Port())
				}
			})
		}
	}
}

func TestALocalAddressCanBeTakenBack(t *testing.T) {
	base, h := newBase(t), newHost(t)
	b := overFD(t, base, -1, 0)
	ok(t, b.SetLocalAddr(netip.AddrPort{}))
	ok(t, b.SetLocalAddr(netip.AddrPortFrom(other(t), 0)))
	ok(t, b.SetLocalAddr(netip.AddrPort{}))
	var d diary
	d.keep(b)
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
	want(t, "address", h.remote().Addr(), h.addr().Addr())
}

func TestAddressesOfAnotherFamilyAreLeftOut(t *testing.T) {
	base, h := newBase(t), newHost(t)
	six := netip.MustParseAddrPort("[::1]:9")
	b := overFD(t, base, -1, 0)
	ok(t, b.SetLocalAddr(netip.AddrPortFrom(h.addr().Addr(), 0)))
	wantError(t, "Connect", b.Connect(six), bufferevent.ErrFamily)
	var d diary
	d.keep(b)
	ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{six, h.addr()}}, "tcp", "host.example", 80))
	d.await(t, base, "connected")
	h.accept()

	b = overFD(t, base, -1, 0)
	ok(t, b.SetLocalAddr(netip.AddrPortFrom(h.addr().Addr(), 0)))
	d = nil
	d.keep(b)
	ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{six, six}}, "tcp", "host.example", 80))
	d.await(t, base, "error")
	wantError(t, "Err", b.Err(), bufferevent.ErrFamily)
}

func TestALocalAddressThatIsNotOurs(t *testing.T) {
	base, h := newBase(t), newHost(t)
	b := overFD(t, base, -1, 0)
	ok(t, b.SetLocalAddr(netip.MustParseAddrPort("192.0.2.1:0")))
	err := b.Connect(h.addr())
	if err == nil || !strings.Contains(err.Error(), "bind to 192.0.2.1:0") {
		t.Errorf("error %v, want one that names the address", err)
	}
	want(t, "descriptor", b.FD(), evutil.InvalidSocket)
}

func TestOnlySocketsHaveALocalAddress(t *testing.T) {
	base := newBase(t)
	a, b, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	defer a.Free()
	defer b.Free()
	if a.SetLocalAddr(loopback(0)) == nil {
		t.Error("a pair took a local address")
	}
	s := overFD(t, base, -1, 0)
	s.Free()
	wantError(t, "after Free", s.SetLocalAddr(loopback(0)), bufferevent.ErrFreed)
}

func TestThePeerOfASocket(t *testing.T) {
	base, h := newBase(t), newHost(t)
	b := overFD(t, base, -1, 0)
	want(t, "address without a socket", b.PeerAddr(), netip.AddrPort{})
	var d diary
	d.keep(b)
	ok(t, b.Connect(h.addr()))
	d.await(t, base, "connected")
	want(t, "address", b.PeerAddr(), h.addr())
	h.accept()
	s, _ := newSocket(t, base, 0) // of the Unix family, where there is that
	_ = s.PeerAddr()
}
