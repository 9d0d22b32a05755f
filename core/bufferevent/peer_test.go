package bufferevent_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// TestAddressesThatAreTold go before those of the socket, for what is above it as well, until
// there is another socket.
func TestAddressesThatAreTold(t *testing.T) {
	base := newBase(t)
	one, other := evtest.Sockets(t)
	defer evutil.CloseSocket(other)
	b, err := bufferevent.NewSocket(base, one, 0)
	ok(t, err)
	above, err := bufferevent.NewFilter(b, nil, nil, bufferevent.CloseOnFree, nil)
	ok(t, err)
	own := b.PeerAddr()
	local, remote := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.2:443")), net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1000"))
	ok(t, b.SetAddrs(local, remote))
	for name, b := range map[string]*bufferevent.Bufferevent{"the socket": b, "the filter": above} {
		l, r := b.NetAddrs()
		if l != net.Addr(local) || r != net.Addr(remote) || b.PeerAddr() != remote.AddrPort() {
			t.Errorf("%s is between %v and %v, and its peer %v", name, l, r, b.PeerAddr())
		}
	}
	nearer := &net.UnixAddr{Net: "unix", Name: "/run/a"}
	ok(t, above.SetAddrs(nil, nearer))
	if l, r := above.NetAddrs(); l.Network() != "bufferevent" || r != net.Addr(nearer) || above.PeerAddr().IsValid() {
		t.Errorf("the filter is between %v and %v, and its peer %v", l, r, above.PeerAddr())
	}
	ok(t, above.SetFD(one))
	if b.PeerAddr() != own || above.PeerAddr() != own {
		t.Errorf("after SetFD the peers are %v and %v", b.PeerAddr(), above.PeerAddr())
	}
	above.Free()
	ok(t, evutil.CloseSocket(one))
	if err := above.SetAddrs(local, remote); !errors.Is(err, bufferevent.ErrFreed) {
		t.Error(err)
	}
	if _, r := above.NetAddrs(); r.Network() != "bufferevent" {
		t.Errorf("freed, it has the peer %v", r)
	}
}
