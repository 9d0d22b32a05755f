package pthreads_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/pthreads"
)

// A recorder is a service that notes what is called, and closes connections.
type recorder struct {
	fails error // of Setup on loop 1

	mu    sync.Mutex
	calls []string
}

func (r *recorder) note(who, what string, i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, fmt.Sprint(who, " ", what, " ", i))
}

func (r *recorder) of(i int) (calls []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, call := range r.calls {
		var who, what string
		var loop int
		if fmt.Sscan(call, &who, &what, &loop); loop == i {
			calls = append(calls, who+" "+what)
		}
	}
	return calls
}

func (r *recorder) Setup(i int, _ *event.Base) error {
	if i == 1 && r.fails != nil {
		return r.fails
	}
	r.note("service", "setup", i)
	return nil
}

func (r *recorder) Teardown(i int, _ *event.Base) { r.note("service", "teardown", i) }

func (r *recorder) Accept(_ *event.Base, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) }

func (r *recorder) config() *pthreads.GroupConfig {
	return &pthreads.GroupConfig{
		Loops:    2,
		Setup:    func(i int, _ *event.Base) error { r.note("user", "setup", i); return nil },
		Teardown: func(i int, _ *event.Base) { r.note("user", "teardown", i) },
	}
}

func TestServeRunsAServiceOnEachLoop(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		var r recorder
		g, addr, err := pthreads.Serve(r.config(), "127.0.0.1:0", &r)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, dial(t, addr)); n != 0 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		stop(t, g)
		for i := range 2 {
			if got, want := r.of(i), []string{"user setup", "service setup", "service teardown", "user teardown"}; !slices.Equal(got, want) {
				t.Errorf("loop %d: %v, want %v", i, got, want)
			}
		}
	})
}

func TestServeLeavesNothingBehind(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		taken := listen(t, newGroup(t, nil), "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) })
		broken := errors.New("broken")
		for _, test := range []struct {
			name    string
			fails   error
			address string
			want    error
		}{
			{"a service that cannot be set up", broken, "127.0.0.1:0", broken},
			{"an address that is taken", nil, taken.String(), listener.ErrAddrInUse},
		} {
			r := recorder{fails: test.fails}
			g, addr, err := pthreads.Serve(r.config(), test.address, &r)
			if !errors.Is(err, test.want) || g != nil || addr != nil {
				t.Errorf("%s: %v, %v, %v", test.name, g, addr, err)
			}
			for i := range 2 {
				want := []string{"user setup", "service setup", "service teardown", "user teardown"}
				if test.fails != nil && i == 1 {
					want = []string{"user setup", "user teardown"}
				}
				if got := r.of(i); !slices.Equal(got, want) {
					t.Errorf("%s: loop %d: %v, want %v", test.name, i, got, want)
				}
			}
		}
		if _, _, err := pthreads.Serve(nil, "127.0.0.1:0", nil); !errors.Is(err, event.ErrNil) {
			t.Errorf("no service: %v", err)
		}
	})
}

// TestStopListeningLetsConnectionsFinish has a connection served on after the
// listeners are closed.
func TestStopListeningLetsConnectionsFinish(t *testing.T) {
	for _, handOff := range []bool{false, true} {
		eachMode(t, func(t *testing.T) {
			accepted := make(chan int, 1)
			t.Cleanup(func() { // after the group has stopped
				select {
				case fd := <-accepted:
					evutil.CloseSocket(fd)
				default:
				}
			})
			g := newGroup(t, &pthreads.GroupConfig{Loops: 2, HandOff: handOff})
			addr := listen(t, g, "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) { accepted <- fd })
			c := dial(t, addr)
			fd := <-accepted
			g.StopListening()
			g.StopListening() // which has nothing left to do
			for closed := false; !closed; {
				late, err := net.Dial(addr.Network(), addr.String())
				if closed = err != nil; !closed {
					late.Close()
					select {
					case fd := <-accepted: // before the loop has heard of it
						evutil.CloseSocket(fd)
					default:
					}
				}
			}
			ok(t, evutil.CloseSocket(fd))
			if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			again := listen(t, g, "127.0.0.1:0", func(_ *event.Base, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) })
			if n, err := io.Copy(io.Discard, dial(t, again)); n != 0 || err != nil {
				t.Errorf("a listener that was added later: %d bytes, %v", n, err)
			}
		})
	}
}
