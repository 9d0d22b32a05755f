package pthreads_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
)

// refused checks that nobody listens at an address.
func refused(t *testing.T, addr net.Addr) {
	t.Helper()
	c, err := net.DialTimeout(addr.Network(), addr.String(), patience)
	if err == nil {
		c.Close()
		t.Errorf("somebody listens at %v", addr)
	}
}

// ends checks that the peer closes a connection.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// indexOf returns the number of the loop that a base belongs to, or -1.
func indexOf(g *pthreads.Group, b *event.Base) int {
	for i := range g.Len() {
		if g.Base(i) == b {
			return i
		}
	}
	return -1
}

// connectionsPerLoop connects so many times, and returns how many connections
// each loop was given, on its goroutine.
func connectionsPerLoop(t *testing.T, cfg pthreads.GroupConfig, address string, total int) []int {
	t.Helper()
	loops := make([]uint64, cfg.Loops)
	cfg.Setup = func(i int, _ *event.Base) error { loops[i] = uint64(evthread.Goroutine()); return nil }
	g := newGroup(t, &cfg)
	owners := make(chan int, total)
	addr := listen(t, g, address, func(b *event.Base, fd int, _ netip.AddrPort) {
		i := indexOf(g, b)
		if i < 0 || uint64(evthread.Goroutine()) != loops[i] {
			t.Errorf("base %d in goroutine %d, want one of %v", i, uint64(evthread.Goroutine()), loops)
		}
		evutil.CloseSocket(fd)
		owners <- i
	})
	for range total {
		c := dial(t, addr)
		ends(t, c)
		c.Close()
	}
	counts := make([]int, cfg.Loops)
	for range total {
		counts[wait(t, owners)]++
	}
	return counts
}

func TestConnectionsSpreadOverLoops(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		// That a loop gets none by chance has a probability of less than 1e-12.
		const loops, connections = 4, 100
		counts := connectionsPerLoop(t, pthreads.GroupConfig{Loops: loops}, "127.0.0.1:0", connections)
		for i, n := range counts {
			if n == 0 {
				t.Errorf("loop %d got none: %v", i, counts)
			}
		}
	})
}

func TestConnectionsAreHandedOffInTurn(t *testing.T) {
	const loops, rounds = 3, 5
	tests := []struct {
		name    string
		unix    bool
		handOff bool
		loops   int
	}{
		{"by request", false, true, loops},
		{"over Unix sockets", true, false, loops},
		{"to the only loop", false, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachMode(t, func(t *testing.T) {
				address := "127.0.0.1:0"
				if tt.unix {
					address = "unix:" + unixPath(t)
				}
				cfg := pthreads.GroupConfig{Loops: tt.loops, HandOff: tt.handOff}
				for i, n := range connectionsPerLoop(t, cfg, address, tt.loops*rounds) {
					if n != rounds {
						t.Errorf("loop %d got %d connections, want %d", i, n, rounds)
					}
				}
			})
		})
	}
}

// unixPath returns a path for a Unix socket, or skips the test.
func unixPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "group") // t.TempDir() can be too long for a socket
	ok(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	l.Close()
	return path
}

func TestUnixSocketIsRemovedInTheEnd(t *testing.T) {
	evtest.Leaks(t)
	path := unixPath(t)
	g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
	peers := make(chan netip.AddrPort, 1)
	addr := listen(t, g, "unix:"+path, func(_ *event.Base, fd int, peer netip.AddrPort) {
		evutil.CloseSocket(fd)
		peers <- peer
	})
	if addr.String() != path {
		t.Errorf("listening at %v, want %s", addr, path)
	}
	ends(t, dial(t, addr))
	if peer := wait(t, peers); peer.IsValid() {
		t.Errorf("peer %v", peer)
	}
	stop(t, g)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file: %v", err)
	}
}

func TestPeerIsTheOtherEnd(t *testing.T) {
	evtest.Leaks(t)
	g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
	peers := make(chan netip.AddrPort, 1)
	accept := func(_ *event.Base, fd int, peer netip.AddrPort) {
		evutil.CloseSocket(fd)
		peers <- peer
	}
	for _, tt := range []struct{ listen, dial string }{
		{"127.0.0.1:0", "127.0.0.1"},
		{"localhost:0", "127.0.0.1"},
		{"tcp4::0", "127.0.0.1"},
		{"[::1]:0", "::1"},
		{"tcp6::0", "::1"},
		{":0", "127.0.0.1"}, // an IPv4 peer of an IPv6 socket
		{"[::]:0", "127.0.0.1"},
	} {
		t.Run(tt.listen, func(t *testing.T) {
			addr, err := g.Listen(tt.listen, accept)
			if err != nil {
				t.Skip(err)
			}
			target := *addr.(*net.TCPAddr)
			target.IP = net.ParseIP(tt.dial)
			c, err := net.DialTCP("tcp", nil, &target)
			if err != nil {
				t.Skip(err)
			}
			defer c.Close()
			want := netip.MustParseAddrPort(c.LocalAddr().String())
			if peer := wait(t, peers); peer != want {
				t.Errorf("peer %v, want %v", peer, want)
			}
		})
	}
}

func TestListenersShareAGroup(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
		got := make(chan int, 1)
		var addrs []net.Addr
		for i := range 3 {
			addrs = append(addrs, listen(t, g, "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) {
				evutil.CloseSocket(fd)
				got <- i
			}))
		}
		for i, addr := range addrs {
			ends(t, dial(t, addr))
			if n := wait(t, got); n != i {
				t.Errorf("listener %d got a connection for %d", n, i)
			}
		}
	})
}

func TestListenInACallback(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
		addrs := make(chan net.Addr, 1)
		ok(t, g.Next().Post(func() {
			addr, err := g.Listen("127.0.0.1:0", hangUp)
			if err != nil {
				t.Error(err)
			}
			addrs <- addr
		}))
		ends(t, dial(t, wait(t, addrs)))
	})
}

func TestListenErrors(t *testing.T) {
	evtest.Leaks(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer taken.Close()
	g := newGroup(t, &pthreads.GroupConfig{Loops: 2})
	shared := listen(t, g, "127.0.0.1:0", hangUp)
	other := newGroup(t, &pthreads.GroupConfig{Loops: 2})
	handing := newGroup(t, &pthreads.GroupConfig{Loops: 2, HandOff: true})

	tests := []struct {
		name    string
		group   *pthreads.Group
		address string
		is      func(error) bool
	}{
		{"an address without a port", g, "127.0.0.1", anything},
		{"a network that is none", g, "udp:127.0.0.1:0", anything},
		{"a service that is none", g, ":no-such-service", func(err error) bool { return errors.Is(err, evutil.EAIService) }},
		{"an address in use", g, taken.Addr().String(), inUse},
		{"an address in use, to hand off", handing, taken.Addr().String(), inUse},
		{"an address in use by the group", g, shared.String(), inUse},
		{"an address in use by another group", other, shared.String(), inUse},
		{"an address in use by another group, to hand off", handing, shared.String(), inUse},
		{"a folder that is none", g, "unix:" + filepath.Join(os.TempDir(), "no such folder", "socket"), anything},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, err := tt.group.Listen(tt.address, hangUp)
			if addr != nil || err == nil || !tt.is(err) {
				t.Errorf("Listen() = %v, %v", addr, err)
			}
		})
	}
	ends(t, dial(t, shared)) // which nothing of this has disturbed
}

func anything(err error) bool { return err != nil }

func inUse(err error) bool {
	const wsaEADDRINUSE = syscall.Errno(10048)
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, wsaEADDRINUSE)
}

func TestListenAfterStop(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		for _, handOff := range []bool{false, true} {
			g := newGroup(t, &pthreads.GroupConfig{Loops: 2, HandOff: handOff})
			stop(t, g)
			if addr, err := g.Listen("127.0.0.1:0", hangUp); addr != nil || !errors.Is(err, pthreads.ErrStopped) {
				t.Errorf("Listen() = %v, %v", addr, err)
			}
		}
	})
}

func TestListenInTeardownIsTooLate(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		var g *pthreads.Group
		result := make(chan error, 1)
		g = newGroup(t, &pthreads.GroupConfig{
			Loops: 1,
			Teardown: func(int, *event.Base) {
				_, err := g.Listen("127.0.0.1:0", hangUp)
				result <- err
			},
		})
		stop(t, g)
		if err := <-result; !errors.Is(err, pthreads.ErrStopped) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStopRefusesNewConnections(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		for _, handOff := range []bool{false, true} {
			g := newGroup(t, &pthreads.GroupConfig{Loops: 2, HandOff: handOff})
			addr := listen(t, g, "127.0.0.1:0", hangUp)
			stop(t, g)
			refused(t, addr)
		}
	})
}

func TestTeardownSeesTheConnections(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		const connections = 10
		var seen atomic.Int32
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2, Teardown: func(i int, b *event.Base) {
			seen.Add(int32(b.NumEvents(event.CountAdded)))
			closeConnections(i, b)
		}})
		addr := listen(t, g, "127.0.0.1:0", echo)
		var conns []net.Conn
		for range connections {
			c := dial(t, addr)
			echoes(t, c, []byte("hello"))
			conns = append(conns, c)
		}
		stop(t, g)
		for _, c := range conns {
			ends(t, c)
		}
		if seen.Load() != connections {
			t.Errorf("Teardown saw %d events, want one for each of %d connections", seen.Load(), connections)
		}
	})
}

func TestConnectionsOnTheirWayToALoopThatEndsAreClosed(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		g := newGroup(t, &pthreads.GroupConfig{Loops: 2, HandOff: true})
		accepted := make(chan *event.Base, 2)
		addr := listen(t, g, "127.0.0.1:0", func(b *event.Base, fd int, _ netip.AddrPort) {
			evutil.CloseSocket(fd)
			accepted <- b
		}) // loop 0 has the listener, and so loop 1 is next
		release := occupy(t, g.Base(1))
		first, second := dial(t, addr), dial(t, addr)
		if b := wait(t, accepted); b != g.Base(0) {
			t.Fatalf("loop %d accepted, want 0", indexOf(g, b))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Stop(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop: %v", err)
		}
		release()
		stop(t, g)
		ends(t, first)
		ends(t, second)
		if len(accepted) != 0 {
			t.Error("a connection was accepted after the end")
		}
	})
}

func TestStopWhileAccepting(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		for _, handOff := range []bool{false, true} {
			g := newGroup(t, &pthreads.GroupConfig{Loops: 3, HandOff: handOff, Teardown: closeConnections})
			addr := listen(t, g, "127.0.0.1:0", echo)
			busy := make(chan struct{}, 8)
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for n := 0; ; n++ {
						c, err := net.DialTimeout("tcp", addr.String(), patience)
						if err != nil {
							return // the listener is gone
						}
						c.Close()
						if n == 10 {
							busy <- struct{}{}
						}
					}
				})
			}
			for range 8 {
				wait(t, busy)
			}
			stop(t, g)
			clients.Wait()
		}
	})
}

func TestListenerTakesBreaks(t *testing.T) {
	evtest.Leaks(t)
	const connections = 2*pthreads.AcceptBurst + 1
	inIteration, most := 0, 0
	g := newGroup(t, &pthreads.GroupConfig{
		Loops: 1,
		Setup: func(_ int, b *event.Base) error {
			b.NewPrepare(func(*event.Watcher, event.PrepareInfo) { inIteration = 0 })
			return nil
		},
	})
	accepted := make(chan int, connections)
	addr := listen(t, g, "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		inIteration++
		most = max(most, inIteration)
		accepted <- most
	})
	release := occupy(t, g.Base(0))
	for range connections {
		dial(t, addr)
	}
	release()
	var got int
	for range connections {
		got = wait(t, accepted)
	}
	if got != pthreads.AcceptBurst {
		t.Errorf("accepted %d in one iteration, want %d", got, pthreads.AcceptBurst)
	}
}

func TestBreakEndsAccepting(t *testing.T) {
	evtest.Leaks(t)
	g := newGroup(t, &pthreads.GroupConfig{Loops: 1})
	accepted := 0
	addr := listen(t, g, "127.0.0.1:0", func(b *event.Base, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		accepted++
		b.LoopBreak()
	})
	release := occupy(t, g.Base(0))
	for range 3 {
		dial(t, addr)
	}
	release()
	ok(t, g.Wait())
	if accepted != 1 {
		t.Errorf("%d connections were accepted, want 1", accepted)
	}
}

// echoes checks that a connection sends back what it is sent.
func echoes(t testing.TB, c net.Conn, message []byte) {
	t.Helper()
	if err := echoed(c, message); err != nil {
		t.Error(err)
	}
}

func echoed(c net.Conn, message []byte) error {
	if _, err := c.Write(message); err != nil {
		return err
	}
	answer := make([]byte, len(message))
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	if !bytes.Equal(answer, message) {
		return fmt.Errorf("sent %q, got back %q", message, answer)
	}
	return nil
}

func TestManyConnectionsEcho(t *testing.T) {
	connections, rounds := 1000, 10
	if testing.Short() {
		connections = 100
	}
	for name, cfg := range map[string]pthreads.GroupConfig{
		"spread":     {Loops: 4},
		"handed off": {Loops: 4, HandOff: true},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T) {
				cfg.Teardown = closeConnections
				g := newGroup(t, &cfg)
				addr := listen(t, g, "127.0.0.1:0", echo)
				var clients sync.WaitGroup
				var connected sync.WaitGroup
				connected.Add(connections)
				for i := range connections {
					clients.Go(func() {
						c, err := net.DialTimeout("tcp", addr.String(), patience)
						connected.Done()
						if err != nil {
							t.Error(err)
							return
						}
						defer c.Close()
						connected.Wait() // all are open at once
						for round := range rounds {
							if err := echoed(c, fmt.Appendf(nil, "connection %d, round %d", i, round)); err != nil {
								t.Error(err)
								return
							}
							runtime.Gosched()
						}
					})
				}
				clients.Wait()
			})
		})
	}
}
