package bufferevent_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A connection that fails, however and whenever, leaves no descriptor behind, and
// the bufferevent ready for another try; also without CloseOnFree.
func TestAFailedConnectClosesItsSocket(t *testing.T) {
	atOnce := func(op sysio.Op, err error) func() {
		return sysio.SetHook(func(c sysio.Call) (int, error) {
			if c.Op == op {
				return 0, err
			}
			return c.Len, nil
		})
	}
	for _, c := range []struct {
		name  string
		fails func(t *testing.T, b *bufferevent.Bufferevent) (atOnce bool)
		told  string
	}{
		{"refused", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			ok(t, b.Connect(closedPort(t)))
			return false
		}, "error"},
		{"refused at once", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			defer atOnce(sysio.OpConnect, refused)()
			ok(t, b.Connect(loopback(1)))
			return false
		}, "error"},
		{"cannot begin", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			broken := errors.New("broken")
			defer atOnce(sysio.OpConnect, broken)()
			wantError(t, "connect", b.Connect(loopback(1)), broken)
			return true
		}, ""},
		{"not in time", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			ok(t, b.SetTimeouts(0, short))
			ok(t, b.Connect(blackHole(t)))
			return false
		}, "writing|timeout"},
		{"a name whose one address refuses", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{closedPort(t)}}, "tcp", "host.example", 80))
			return false
		}, "error"},
		{"a name whose addresses refuse", func(t *testing.T, b *bufferevent.Bufferevent) bool {
			ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{closedPort(t), closedPort(t)}}, "tcp", "host.example", 80))
			return false
		}, "error"},
	} {
		for _, filters := range []int{0, 2} {
			t.Run(c.name, func(t *testing.T) {
				base := newBase(t)
				b, err := bufferevent.NewSocket(base, -1, 0)
				ok(t, err)
				b = stack(t, b, filters/2, 0)
				defer b.Free()
				var d diary
				d.keep(b)
				ok(t, b.Enable(event.Read))
				if !c.fails(t, b) {
					d.await(t, base, c.told)
				}
				settle(t, base)
				want(t, "descriptor", b.FD(), -1)
				want(t, "events that wait", waiting(base), 0)
				d = nil

				h := newHost(t)
				ok(t, b.SetTimeouts(0, 0))
				ok(t, b.Enable(event.Write))
				ok(t, b.Connect(h.addr()))
				d.await(t, base, "connected")
				fd := b.FD()
				ok(t, b.SetFD(-1))
				ok(t, evutil.CloseSocket(fd))
			})
		}
	}
}

// A socket that the user has made stays open, and the user's.
func TestAFailedConnectKeepsTheUsersSocket(t *testing.T) {
	base := newBase(t)
	fd, err := newTCPSocket()
	ok(t, err)
	b, err := bufferevent.NewSocket(base, fd, 0)
	ok(t, err)
	defer b.Free()
	var d diary
	d.keep(b)
	ok(t, b.Connect(closedPort(t)))
	d.await(t, base, "error")
	want(t, "descriptor", b.FD(), fd)
	ok(t, evutil.CloseSocket(fd))
}
