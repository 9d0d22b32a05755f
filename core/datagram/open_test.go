package datagram_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestListenersHaveTheAddressTheyWereGiven(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		addr := addrOf(t, listen(t, at, 0))
		want(t, "address", addr.Addr(), at.Addr())
		if addr.Port() == 0 {
			t.Error("no port")
		}
		_, err := datagram.Listen(addr, 0)
		wantError(t, "another one at the same address", err, datagram.ErrAddrInUse)
		want(t, "message", err.Error(), "datagram: listen "+addr.String()+": "+datagram.ErrAddrInUse.Error())
	})
}

func TestDialedSocketsHearNobodyElse(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server, stranger := listen(t, at, 0), listen(t, at, 0)
		client := dial(t, addrOf(t, server))
		send(t, stranger, texts(addrOf(t, client), "from a stranger"))
		send(t, server, texts(addrOf(t, client), "from the server"))
		got := recv(t, client, 1)
		want(t, "message", string(got[0].Data), "from the server")
		want(t, "sender", got[0].Addr, addrOf(t, server))
	})
}

func TestDialedSocketsHaveTheAddressTheyWereGiven(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server, taken := listen(t, at, 0), listen(t, at, 0)
		local := addrOf(t, taken)
		_, err := datagram.Dial(local, addrOf(t, server), 0)
		wantError(t, "at an address of another socket", err, datagram.ErrAddrInUse)
		ok(t, evutil.CloseSocket(taken))
		client, err := datagram.Dial(local, addrOf(t, server), 0)
		ok(t, err)
		defer evutil.CloseSocket(client)
		want(t, "address", addrOf(t, client), local)
		send(t, client, texts(netip.AddrPort{}, "hello"))
		want(t, "sender", recv(t, server, 1)[0].Addr, local)
	})
}

func TestFlagsThatMeanNothingAreErrors(t *testing.T) {
	v4, v6 := loopbacks[0], loopbacks[1]
	for _, tt := range []struct {
		addr  netip.AddrPort
		flags datagram.Flag
	}{
		{v4, datagram.BindIPv6Only},
		{v4, datagram.BindIPv4AndIPv6},
		{v6, datagram.BindIPv6Only | datagram.BindIPv4AndIPv6},
		{v4, 1 << 15},
	} {
		_, err := datagram.Listen(tt.addr, tt.flags)
		wantError(t, "Listen", err, datagram.ErrFlag)
	}
	_, err := datagram.Dial(netip.AddrPort{}, v6, datagram.BindIPv6Only)
	wantError(t, "Dial", err, datagram.ErrFlag)
}

func TestAddressesThatAreNoneAreErrors(t *testing.T) {
	var none netip.AddrPort
	noZone := netip.MustParseAddrPort("[fe80::1%no such zone]:1")
	for _, addr := range []netip.AddrPort{none, noZone} {
		if _, err := datagram.Listen(addr, 0); err == nil {
			t.Errorf("listening at %v", addr)
		}
		if _, err := datagram.Dial(none, addr, 0); err == nil {
			t.Errorf("dialed %v", addr)
		}
	}
	if _, err := datagram.Dial(noZone, loopbacks[1], 0); err == nil {
		t.Errorf("dialed from %v", noZone)
	}
}

// Sockets that share a port get each message once.
func TestSharedPorts(t *testing.T) {
	first, err := datagram.Listen(loopbacks[0], datagram.ReuseablePort)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	ok(t, err)
	defer evutil.CloseSocket(first)
	second := listen(t, addrOf(t, first), datagram.ReuseablePort)
	const clients = 64 // some for each, by their ports
	for range clients {
		send(t, dial(t, addrOf(t, first)), texts(netip.AddrPort{}, "hello"))
	}
	got, err := datagram.NewBatch(clients+1, 10).Recv(first)
	ok(t, err)
	n := len(got)
	got, err = datagram.NewBatch(clients+1, 10).Recv(second)
	ok(t, err)
	want(t, "messages together", n+len(got), clients)
}

func TestOneFamilyOrBoth(t *testing.T) {
	wildcard := netip.MustParseAddrPort("[::]:0")
	both, err := datagram.Listen(wildcard, datagram.BindIPv4AndIPv6)
	if err != nil {
		t.Skip(err)
	}
	defer evutil.CloseSocket(both)
	port := addrOf(t, both).Port()
	client := listen(t, loopbacks[0], 0)
	send(t, client, texts(netip.AddrPortFrom(loopbacks[0].Addr(), port), "hello"))
	got := recv(t, both, 1)
	clientAddr := addrOf(t, client)
	want(t, "sender", got[0].Addr, netip.AddrPortFrom(netip.AddrFrom16(clientAddr.Addr().As16()), clientAddr.Port()))
	send(t, both, got) // to the mapped address
	want(t, "echo", string(recv(t, client, 1)[0].Data), "hello")

	_, err = datagram.Listen(netip.AddrPortFrom(netip.IPv4Unspecified(), port), 0)
	wantError(t, "IPv4 at the same port", err, datagram.ErrAddrInUse)
	only := listen(t, wildcard, datagram.BindIPv6Only)
	listen(t, netip.AddrPortFrom(netip.IPv4Unspecified(), addrOf(t, only).Port()), 0)
}

func TestBuffersMayBeSet(t *testing.T) {
	fd := listen(t, loopbacks[0], 0)
	ok(t, datagram.SetReceiveBuffer(fd, 1<<16))
	ok(t, datagram.SetSendBuffer(fd, 1<<16))
	if datagram.SetReceiveBuffer(-1, 1) == nil || datagram.SetSendBuffer(-1, 1) == nil {
		t.Error("no socket has got a buffer")
	}
}

// What fails on the way leaves no socket behind, which TestMain checks.
func TestSocketsThatCannotBeMade(t *testing.T) {
	broken := errors.New("broken")
	server := addrOf(t, listen(t, loopbacks[0], 0))
	for _, op := range []sysio.Op{sysio.OpSocket, sysio.OpBind, sysio.OpConnect} {
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == op {
				return 0, broken
			}
			return c.Len, nil
		})
		fd, err := datagram.Listen(loopbacks[0], 0)
		if op == sysio.OpConnect {
			ok(t, err)
			evutil.CloseSocket(fd)
		} else {
			wantError(t, "Listen", err, broken)
		}
		_, err = datagram.Dial(loopbacks[0], server, 0)
		wantError(t, "Dial", err, broken)
		restore()
	}
}
