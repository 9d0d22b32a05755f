package bufferevent_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A faulty network: calls are cut short, interrupted, or refused for now.
var faults = map[string]func(c sysio.Call, r *rand.Rand) (int, error){
	"one byte at a time": func(sysio.Call, *rand.Rand) (int, error) { return 1, nil },
	"interrupted":        func(c sysio.Call, r *rand.Rand) (int, error) { return c.Len, mostly(r, interrupted) },
	"not ready":          func(c sysio.Call, r *rand.Rand) (int, error) { return c.Len, mostly(r, sysio.ErrAgain) },
	"all of it": func(c sysio.Call, r *rand.Rand) (int, error) {
		if err := mostly(r, interrupted); err != nil {
			return 0, err
		}
		return 1 + r.IntN(20), mostly(r, sysio.ErrAgain)
	},
}

// mostly returns err two times out of three.
func mostly(r *rand.Rand, err error) error {
	if r.IntN(3) == 0 {
		return nil
	}
	return err
}

// An echo between two bufferevents brings every byte back, whatever happens to
// the calls on the way, with all kinds of callbacks and limits.
func TestFaultyNetworks(t *testing.T) {
	text := strings.Repeat("0123456789", 200)
	for fault, decide := range faults {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			for _, high := range []int{0, 7} {
				t.Run(fmt.Sprintf("%s, options %d, high watermark %d", fault, opts, high), func(t *testing.T) {
					base := newBase(t)
					client, server := connectedPair(t, base, opts)
					r := rand.New(rand.NewPCG(1, 2))
					defer sysio.SetHook(func(c sysio.Call) (int, error) {
						switch c.Op {
						case sysio.OpRecv, sysio.OpSend:
							return decide(c, r)
						}
						return c.Len, nil
					})()
					var got strings.Builder
					ended := false
					ok(t, server.SetWatermark(event.Read, 0, high))
					server.SetCallbacks(
						func(b *bufferevent.Bufferevent) { ok(t, b.WriteBuffer(b.Input())) }, nil,
						func(b *bufferevent.Bufferevent, what bufferevent.Events) {
							want(t, "event of the server", what.String(), "reading|EOF")
							ok(t, b.CloseWrite())
						})
					client.SetCallbacks(
						func(b *bufferevent.Bufferevent) { got.WriteString(take(t, b)) }, nil,
						func(b *bufferevent.Bufferevent, what bufferevent.Events) {
							want(t, "event of the client", what.String(), "reading|EOF")
							ended = true
						})
					ok(t, client.Enable(event.Read))
					ok(t, server.Enable(event.Read))
					write(t, client, text)
					ok(t, client.CloseWrite())
					evtest.Await(t, base, "the end of the echo", func() bool { return ended })
					want(t, "echo", got.String(), text)
				})
			}
		}
	}
}

// connectedPair returns two bufferevents that are connected over TCP.
func connectedPair(t testing.TB, base *event.Base, opts bufferevent.Options) (one, two *bufferevent.Bufferevent) {
	t.Helper()
	one, peer := newTCP(t, base, opts)
	peer.closed = true // it is the other bufferevent's
	return one, overFD(t, base, peer.fd, opts)
}

// The peer is gone, for good and in every state.
func TestResetByThePeer(t *testing.T) {
	// reset closes a connection with something in it that was not read, which
	// resets it.
	reset := func(b *bufferevent.Bufferevent, p *peer) {
		write(p.t, b, "not read")
		evtest.Turn(p.t, b.Base())
		p.poll(b.Base(), "something to read", func() bool {
			var one [1]byte
			n, _ := sysio.Recv(p.fd, [][]byte{one[:]})
			return n == 1
		})
		p.close()
	}
	for _, tt := range []struct {
		name    string
		enabled event.What
		act     func(t *testing.T, b *bufferevent.Bufferevent)
		events  string
	}{
		{"while reading", event.Read, func(t *testing.T, b *bufferevent.Bufferevent) {}, "reading|error"},
		{"before writing", event.Write, func(t *testing.T, b *bufferevent.Bufferevent) {
			for i := 0; i < 20 && b.Err() == nil; i++ { // the first ones may get away
				b.WriteString("hello")
				settle(t, b.Base())
			}
		}, "writing|error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.enabled == event.Read {
				t.Skip("Wine takes a reset for the end of the stream")
			}
			base := newBase(t)
			b, peer := newTCP(t, base, 0)
			reset(b, peer)
			var d diary
			d.keep(b)
			ok(t, b.Enable(tt.enabled))
			tt.act(t, b)
			d.await(t, base, tt.events)
			if b.Err() == nil {
				t.Error("no error")
			}
			if tt.events == "writing|error" {
				_, err := b.WriteString("x")
				wantError(t, "write", err, bufferevent.ErrBroken)
				wantError(t, "write buffer", b.WriteBuffer(buffer(t, "x")), bufferevent.ErrBroken)
				if b.Output().AddString("x") == nil {
					t.Error("could add to the output")
				}
			}
			settle(t, base)
		})
	}
}

func TestResetInEachState(t *testing.T) {
	for _, tt := range []struct {
		name   string
		op     sysio.Op
		act    func(t *testing.T, b *bufferevent.Bufferevent, p *peer)
		events []string
	}{
		{"while nothing is going on", sysio.OpRecv, func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
			p.send("x")
		}, []string{"reading|error"}},
		{"while all is being written", sysio.OpSend, func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
			write(t, b, "x")
		}, []string{"writing|error"}},
		{"while there is no room", sysio.OpSend, func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
			for range 20 {
				write(t, b, string(make([]byte, 1<<20)))
			}
		}, []string{"writing|error"}},
		{"after the end of what the peer sends", sysio.OpSend, func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
			p.shutdown()
			evtest.Await(t, b.Base(), "the end", func() bool { return b.Err() != nil })
			write(t, b, "x")
		}, []string{"reading|EOF", "writing|error"}},
		{"after CloseWrite", sysio.OpRecv, func(t *testing.T, b *bufferevent.Bufferevent, p *peer) {
			ok(t, b.CloseWrite())
			p.send("x")
		}, []string{"reading|error"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t)
			b, peer := newTCP(t, base, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			passed := 0
			defer sysio.SetHook(func(c sysio.Call) (int, error) {
				if c.FD != b.FD() || c.Op != tt.op {
					return c.Len, nil
				}
				if passed++; passed < 3 && tt.name == "while there is no room" {
					return c.Len, nil
				}
				return 0, errReset
			})()
			tt.act(t, b, peer)
			d.await(t, base, tt.events[len(tt.events)-1])
			settle(t, base)
			d.want(t, tt.events...)
			wantError(t, "error", b.Err(), errReset)
		})
	}
}

// A proxy between a peer that sends without end and one that never reads needs no
// more memory than its watermarks say.
func TestAProxyForAPeerThatNeverReads(t *testing.T) {
	const high = 64 << 10
	base := newBase(t)
	in, source := newTCP(t, base, 0)
	out, sink := newTCP(t, base, 0)
	ok(t, in.SetWatermark(event.Read, 0, high))
	most := 0
	relay := func() {
		if room := high - out.Output().Len(); room > 0 {
			var part = buffer(t, "")
			_, err := in.Input().RemoveBuffer(part, room)
			ok(t, err)
			ok(t, out.WriteBuffer(part))
		}
		most = max(most, in.Input().Len()+out.Output().Len())
	}
	in.SetCallbacks(func(*bufferevent.Bufferevent) { relay() }, nil, nil)
	ok(t, out.SetWatermark(event.Write, high/2, 0))
	out.SetCallbacks(nil, func(*bufferevent.Bufferevent) { relay() }, nil)
	ok(t, in.Enable(event.Read))

	sent, idle := 0, 0
	for idle < 100 { // until nothing has moved for long
		n := source.fill()
		sent += n
		settle(t, base)
		if idle++; n > 0 {
			idle = 0
		}
	}
	if most > 2*high {
		t.Errorf("the proxy held %d bytes", most)
	}
	calls := count(t)
	settle(t, base)
	want(t, "calls of recv while it is full", calls.receives(in.FD()), 0)
	want(t, "calls of send while it is full", calls.sends(out.FD()), 0)

	received := 0
	sink.poll(base, "everything", func() bool { // once it is read, it comes
		data, _ := sink.receive()
		received += len(data)
		return received == sent
	})
}

func TestWritesAfterTheEndOfThePeersStream(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	ok(t, b.Enable(event.Read))
	var d diary
	d.keep(b)
	peer.shutdown()
	d.await(t, base, "reading|EOF")
	write(t, b, "half closed")
	ok(t, b.CloseWrite())
	peer.expectEnd(base, "half closed")
}
