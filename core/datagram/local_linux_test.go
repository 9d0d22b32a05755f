package datagram_test

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
)

// A server at a wildcard address answers from the address that was asked.
func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	for _, tt := range []struct {
		at    string
		flags datagram.Flag
		asked []string
	}{
		{"0.0.0.0:0", 0, []string{"127.0.0.1", "127.0.0.2", "127.3.4.5"}},
		{"[::]:0", 0, []string{"127.0.0.1", "127.0.0.2", "::1"}},
		{"[::]:0", datagram.BindIPv6Only, []string{"::1"}},
	} {
		t.Run(tt.at, func(t *testing.T) {
			server, err := datagram.Listen(netip.MustParseAddrPort(tt.at), tt.flags)
			if err != nil {
				t.Skip(err)
			}
			defer evutil.CloseSocket(server)
			ok(t, datagram.TellLocal(server))
			for _, asked := range tt.asked {
				addr := netip.MustParseAddr(asked)
				client := dial(t, netip.AddrPortFrom(addr, addrOf(t, server).Port())) // hears that address only
				send(t, client, texts(netip.AddrPort{}, "question"))
				got := recv(t, server, 1)
				want(t, "local address", got[0].Local.Unmap(), addr)
				send(t, server, got)
				recv(t, client, 1)
			}
		})
	}
}

func TestLocalAddressesAreToldOnlyIfAsked(t *testing.T) {
	server := listen(t, loopbacks[0], 0)
	send(t, server, texts(addrOf(t, server), "to itself"))
	want(t, "local address", recv(t, server, 1)[0].Local, netip.Addr{})
}

func TestForeignLocalAddressesFail(t *testing.T) {
	server := listen(t, netip.MustParseAddrPort("0.0.0.0:0"), 0)
	messages := texts(netip.AddrPortFrom(loopbacks[0].Addr(), addrOf(t, server).Port()), "one", "two")
	messages[0].Local = netip.MustParseAddr("192.0.2.1")
	n, err := datagram.NewBatch(4, 0).Send(server, messages)
	want(t, "messages done with", n, 2)
	if err == nil || messages[0].Err == nil {
		t.Error("a message was sent from another host")
	}
	recv(t, server, 1)
}

func TestTellLocalIsForSockets(t *testing.T) {
	if datagram.TellLocal(-1) == nil {
		t.Error("no socket tells")
	}
}
