//go:build unix

package datagram_test

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// A connected socket reports that nobody listens, and goes on; a message that is sent
// meanwhile is not lost.
func TestSocketIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, base *event.Base) {
		server, err := datagram.Listen(loopbacks[0], 0)
		ok(t, err)
		addr := addrOf(t, server)
		refused := 0
		client, err := datagram.DialSocket(base, netip.AddrPort{}, addr, 0, datagram.Config{
			OnMessages: func(*datagram.Socket, []datagram.Message) { t.Error("a message") },
			OnUnsent:   func(*datagram.Socket, []datagram.Message) { t.Error("an unsent message") },
			OnError: func(_ *datagram.Socket, err error) {
				wantError(t, "error", err, datagram.ErrRefused)
				refused++
			},
		})
		ok(t, err)
		defer func() { ok(t, client.Close()) }()
		ok(t, evutil.CloseSocket(server))
		ok(t, client.Enable())
		ok(t, client.Send(message(netip.AddrPort{}, "to nobody")))
		evtest.Await(t, base, "the refusal", func() bool { return refused > 0 })
		client.Disable()

		ok(t, client.Send(message(netip.AddrPort{}, "to nobody")))
		client.Flush()
		server, err = datagram.Listen(addr, 0)
		ok(t, err)
		defer evutil.CloseSocket(server)
		ok(t, client.Send(message(netip.AddrPort{}, "to somebody")))
		client.Flush() // the system reports the refusal of the one before
		want(t, "message", string(recv(t, server, 1)[0].Data), "to somebody")
	})
}
