package bufferevent_test

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func newTCPSocket() (int, error) { return sysio.Socket(addrFamily(loopback(1)), sysio.Mode{}) }

func addrFamily(addr netip.AddrPort) int { return infos(addr)[0].Family }

// start connects to one of several addresses.
func start(t testing.TB, base *event.Base, addrs ...netip.AddrPort) (*bufferevent.Bufferevent, *diary) {
	t.Helper()
	b := overFD(t, base, -1, 0)
	d := new(diary)
	d.keep(b)
	ok(t, b.Enable(event.Read))
	write(t, b, "hello")
	ok(t, b.ConnectHostname(&script{answer: addrs}, "tcp", "host.example", 80))
	return b, d
}

func TestTheFirstAddressThatAnswers(t *testing.T) {
	for _, tt := range []struct{ name, addrs string }{
		{"is the first", "answers refuses"},
		{"comes after one that refuses", "refuses answers"},
		{"comes after one that keeps silent", "silent answers"},
		{"comes after both", "silent refuses refuses answers refuses"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t)
			h := newHost(t)
			var addrs []netip.AddrPort
			for _, what := range strings.Fields(tt.addrs) {
				switch what {
				case "answers":
					addrs = append(addrs, h.addr())
				case "refuses":
					addrs = append(addrs, closedPort(t))
				case "silent":
					addrs = append(addrs, blackHole(t))
				}
			}
			b, d := start(t, base, addrs...)
			d.await(t, base, "write")
			d.want(t, "connected", "write")
			want(t, "TCP_NODELAY", tcpNoDelay(t, b.FD()), true)
			c := h.accept()
			expectRead(t, c, "hello")
			_, err := c.Write([]byte("hello"))
			ok(t, err)
			d.await(t, base, "read")
			settle(t, base)
			d.want(t, "read")
			want(t, "events that wait", waiting(base), 1)
		})
	}
}

func TestNoAddressAnswers(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		b := overFD(t, base, -1, opts)
		var d diary
		d.keep(b)
		bad := []netip.AddrPort{closedPort(t), closedPort(t), closedPort(t)}
		ok(t, b.ConnectHostname(&script{answer: bad}, "tcp", "host.example", 80))
		d.await(t, base, "error")
		settle(t, base)
		d.want(t, "error")
		want(t, "refused", evutil.IsConnectRefused(b.Err()), true)
		want(t, "descriptor", b.FD(), -1)
		want(t, "DNS error", b.DNSError(), nil)
		want(t, "events that wait", waiting(base), 0)

		h := newHost(t)
		ok(t, b.Connect(h.addr())) // it can try again
		d.await(t, base, "connected")
	}
}

// All attempts fail before they have begun.
func TestNoAddressCanBeTried(t *testing.T) {
	base := newBase(t)
	broken := errors.New("not today")
	bad := []netip.AddrPort{closedPort(t), closedPort(t), {}}
	for _, op := range []sysio.Op{sysio.OpSocket, sysio.OpConnect} {
		for n := 1; n <= len(bad); n++ {
			restore := sysio.SetHook(func(c sysio.Call) (int, error) {
				if c.Op == op {
					return 0, broken
				}
				return c.Len, nil
			})
			b, d := start(t, base, bad[:n]...)
			restore()
			d.want(t)
			d.await(t, base, "error")
			d.want(t, "error")
			wantError(t, "error", b.Err(), broken)
			want(t, "events that wait", waiting(base), 0)
		}
	}
	b, d := start(t, base, netip.AddrPort{}) // no address at all
	d.await(t, base, "error")
	d.want(t, "error")
	want(t, "descriptor", b.FD(), -1)
}

func TestNoAddressAnswersInTime(t *testing.T) {
	base := newBase(t)
	hole := blackHole(t)
	for _, when := range []string{"before", "meanwhile"} {
		b := overFD(t, base, -1, 0)
		var d diary
		d.keep(b)
		if when == "before" {
			ok(t, b.SetTimeouts(0, short))
		}
		ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{hole, hole}}, "tcp", "host.example", 80))
		if when == "meanwhile" {
			ok(t, b.SetTimeouts(0, patience))
			want(t, "timeouts that run", timers(base), 2) // and the next attempt
			ok(t, b.SetTimeouts(0, 0))
			want(t, "timeouts that run", timers(base), 1)
			ok(t, b.SetTimeouts(0, short))
		}
		d.await(t, base, "writing|timeout")
		settle(t, base)
		d.want(t, "writing|timeout")
		wantError(t, "error", b.Err(), os.ErrDeadlineExceeded)
		want(t, "events that wait", waiting(base), 0)
		want(t, "descriptor", b.FD(), -1)
	}
}

// Once all addresses are being tried, nothing is left to do but wait for them.
func TestTheLastAttemptStandsAlone(t *testing.T) {
	base := newBase(t)
	b, d := start(t, base, closedPort(t), blackHole(t))
	evtest.Await(t, base, "the last attempt", func() bool { return waiting(base) == 1 && timers(base) == 0 })
	b.Free()
	d.want(t)
}

func TestAttemptsGivenUp(t *testing.T) {
	base := newBase(t)
	hole := blackHole(t)
	for name, giveUp := range map[string]func(b *bufferevent.Bufferevent){
		"Free":  func(b *bufferevent.Bufferevent) { b.Free() },
		"SetFD": func(b *bufferevent.Bufferevent) { ok(t, b.SetFD(-1)) },
	} {
		t.Run(name, func(t *testing.T) {
			b, d := start(t, base, hole, hole, hole)
			settle(t, base)
			giveUp(b)
			settle(t, base)
			d.want(t)
			want(t, "events that wait", waiting(base), 0)
			b.Free()
		})
	}
}

// A connection can be there before anybody waits for it; Unix has it so, and
// the loop tells all the same. Here the callback of the first attempt that is
// told frees the bufferevent, with the others under way.
func TestFreeInTheCallbackOfAnAttempt(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	for _, addrs := range [][]netip.AddrPort{{h.addr(), h.addr()}, {closedPort(t), closedPort(t)}} {
		b := overFD(t, base, -1, 0)
		told := 0
		b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) { told++; b.Free() })
		ok(t, b.ConnectHostname(&script{answer: addrs}, "tcp", "host.example", 80))
		evtest.Await(t, base, "an event", func() bool { return told > 0 })
		settle(t, base)
		want(t, "events told", told, 1)
		want(t, "events that wait", waiting(base), 0)
	}
}

// With a descriptor there already, only the first address is tried.
func TestADescriptorOfOnesOwnIsNotReplaced(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	fd, err := newTCPSocket()
	ok(t, err)
	b := overFD(t, base, fd, 0)
	var d diary
	d.keep(b)
	ok(t, b.ConnectHostname(&script{answer: []netip.AddrPort{h.addr(), closedPort(t)}}, "tcp", "host.example", 80))
	want(t, "descriptor", b.FD(), fd)
	d.await(t, base, "connected")
}
