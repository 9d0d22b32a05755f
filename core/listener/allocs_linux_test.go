//go:build !386 && !s390x && !race

package listener_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"golang.org/x/sys/unix"
)

// Accepting allocates nothing, but where package syscall does it (386 and
// s390x).
func TestAcceptingDoesNotAllocate(t *testing.T) {
	const runs = 20
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			b := evtest.Base(t)
			served := 0
			l, err := listener.NewBind(b, netip.MustParseAddrPort(addr), listener.CloseOnFree, -1,
				func(_ *listener.Listener, fd int, peer netip.AddrPort) {
					evutil.CloseSocket(fd)
					served++
				})
			if err != nil {
				t.Skip(err)
			}
			defer l.Free()
			ok(t, l.SetAcceptLimit(1))
			for range runs + 1 { // one to warm up
				dial(t, l.Addr())
			}
			n := testing.AllocsPerRun(runs, func() { b.Loop(event.LoopNonblock) })
			want(t, "allocations for a connection", n, 0)
			want(t, "connections", served, runs+1)
		})
	}
}

func BenchmarkAccept(b *testing.B) {
	for _, limit := range []int{1, listener.DefaultAcceptLimit} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) { benchmarkAccept(b, limit) })
	}
}

// benchmarkAccept has batches of connections accepted, and measures only that.
func benchmarkAccept(b *testing.B, limit int) {
	const batch = 512
	base := evtest.Base(b)
	accepted := make([]int, 0, batch)
	l := bind(b, base, 0, func(_ *listener.Listener, fd int, _ netip.AddrPort) {
		accepted = append(accepted, fd)
	})
	ok(b, l.SetAcceptLimit(limit))
	b.ReportAllocs()
	b.StopTimer()
	for left := b.N; left > 0; left -= batch {
		n := min(left, batch)
		clients := connect(b, l.AddrPort(), n)
		b.StartTimer()
		for len(accepted) < n {
			base.Loop(event.LoopNonblock)
		}
		b.StopTimer()
		for _, fd := range append(clients, accepted...) {
			evutil.CloseSocket(fd)
		}
		accepted = accepted[:0]
	}
}

// connect makes n connections.
func connect(b *testing.B, addr netip.AddrPort, n int) []int {
	sa, err := evutil.AddrPortToSockaddr(addr)
	ok(b, err)
	fds := make([]int, n)
	for i := range fds {
		fds[i], err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		ok(b, err)
		ok(b, unix.SetsockoptLinger(fds[i], unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})) // no TIME_WAIT
		ok(b, unix.Connect(fds[i], sa))
	}
	return fds
}
