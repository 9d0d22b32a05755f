package evproxy_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/extra/evproxy"
)

// anybody trusts every peer.
func anybody(_, _ net.Addr) bool { return true }

func nobody(_, _ net.Addr) bool { return false }

// An outcome is what a receiver has said of a stream, and what came after the header.
type outcome struct {
	t      *testing.T
	calls  int
	stream *bufferevent.Bufferevent
	header *evproxy.Header
	err    error
	text   strings.Builder
}

func (o *outcome) done(b *bufferevent.Bufferevent, h *evproxy.Header, err error) {
	o.calls++
	o.stream, o.header, o.err = b, h, err
	if err != nil {
		return
	}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { io.Copy(&o.text, b.Input()) }, nil, nil)
	if err := b.Enable(event.Read); err != nil {
		o.t.Error(err)
	}
}

// A reception is a receiver with a stream, and the proxy at its other end.
type reception struct {
	outcome
	base     *event.Base
	receiver *evproxy.Receiver
	proxy    *bufferevent.Bufferevent
}

func receive(t *testing.T, base *event.Base, cfg evproxy.Config) *reception {
	t.Helper()
	r := &reception{outcome: outcome{t: t}, base: base}
	var server *bufferevent.Bufferevent
	server, r.proxy = evtest.Pair(t, base)
	var err error
	if r.receiver, err = evproxy.NewReceiver(base, &cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.receiver.Free)
	if err := r.receiver.Receive(server, r.done); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reception) say(s string) {
	r.t.Helper()
	if err := r.proxy.Output().AddString(s); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reception) await() {
	r.t.Helper()
	evtest.Await(r.t, r.base, "the receiver", func() bool { return r.calls > 0 })
}

// TestHeadersArriveInAnyPieces has each valid header come as a whole and byte by byte.
func TestHeadersArriveInAnyPieces(t *testing.T) {
	const after = "what follows"
	for name, test := range valid() {
		for _, whole := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				r := receive(t, evtest.Base(t), evproxy.Config{Trust: anybody})
				if whole {
					r.say(test.in + after)
				} else {
					for i := range len(test.in) {
						if r.calls > 0 {
							t.Fatalf("%d bytes are enough: %v, %v", i, r.header, r.err)
						}
						r.say(test.in[i : i+1])
						evtest.Turn(t, r.base)
					}
					r.say(after)
				}
				r.await()
				if r.err != nil || r.header.String() != test.want.String() {
					t.Fatalf("header %v, error %v", r.header, r.err)
				}
				evtest.Await(t, r.base, "what follows", func() bool { return r.text.Len() == len(after) })
				if r.text.String() != after || r.calls != 1 || r.receiver.Waiting() != 0 {
					t.Errorf("got %q, %d calls, %d waiting", r.text.String(), r.calls, r.receiver.Waiting())
				}
				wantAddrs(t, r.stream, test.want.Source, test.want.Destination)
			})
		}
	}
}

// wantAddrs compares the addresses of a stream with those of a header, or with those of
// half of a pair.
func wantAddrs(t *testing.T, b *bufferevent.Bufferevent, source, destination net.Addr) {
	t.Helper()
	local, remote := b.NetAddrs()
	if source == nil {
		if local.String() != "bufferevent" || remote.String() != "bufferevent" || b.PeerAddr().IsValid() {
			t.Errorf("addresses %v and %v", local, remote)
		}
		return
	}
	if local.String() != destination.String() || remote.String() != source.String() || remote.Network() != source.Network() {
		t.Errorf("addresses %v and %v", local, remote)
	}
	var peer netip.AddrPort
	if tcp, ok := source.(*net.TCPAddr); ok {
		peer = tcp.AddrPort()
	}
	if b.PeerAddr() != peer {
		t.Errorf("peer %v", b.PeerAddr())
	}
}

// TestHostileHeadersEndTheStream has them come as a whole and byte by byte.
func TestHostileHeadersEndTheStream(t *testing.T) {
	for name, test := range hostile {
		for _, whole := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				r := receive(t, evtest.Base(t), evproxy.Config{Trust: anybody})
				if whole {
					r.say(test.in)
				} else {
					for i := 0; i < len(test.in) && r.calls == 0; i++ {
						r.say(test.in[i : i+1])
						evtest.Turn(t, r.base)
					}
				}
				r.await()
				if !errors.Is(r.err, test.want) || r.header != nil || r.calls != 1 || r.receiver.Waiting() != 0 {
					t.Errorf("%d calls, header %v, error %v", r.calls, r.header, r.err)
				}
				if _, err := r.stream.Write([]byte("x")); !errors.Is(err, bufferevent.ErrFreed) {
					t.Errorf("the stream is not freed: %v", err)
				}
			})
		}
	}
}

func TestReceiverFails(t *testing.T) {
	ip6Header := v2("21", "21", ip6)
	for name, test := range map[string]struct {
		cfg  evproxy.Config
		do   func(r *reception, clock *evtest.Clock)
		want error
		says string
	}{
		"peer is not trusted": {evproxy.Config{Trust: nobody}, func(*reception, *evtest.Clock) {}, evproxy.ErrUntrusted,
			"evproxy: receive: peer is not trusted"},
		"version 1 is not accepted": {evproxy.Config{Trust: anybody, Versions: evproxy.Version2},
			func(r *reception, _ *evtest.Clock) { r.say("P") }, evproxy.ErrVersion, "evproxy: receive: version is not accepted"},
		"version 2 is not accepted": {evproxy.Config{Trust: anybody, Versions: evproxy.Version1},
			func(r *reception, _ *evtest.Clock) { r.say("\r") }, evproxy.ErrVersion, "evproxy: receive: version is not accepted"},
		"too long by one": {evproxy.Config{Trust: anybody, MaxSize: 16 + 12 + 3 + 100},
			func(r *reception, _ *evtest.Clock) {
				r.say(v2("21", "11", ip4+"e0 0065"+strings.Repeat("00", 101))[:16])
			},
			evproxy.ErrTooLong, "evproxy: receive: header is too long: 132 bytes, the limit is 131"},
		"the longest there is": {evproxy.Config{Trust: anybody},
			func(r *reception, _ *evtest.Clock) { r.say(v2("21", "11", "")[:14] + "\xff\xff") },
			evproxy.ErrTooLong, "evproxy: receive: header is too long: 65551 bytes, the limit is 4096"},
		"nothing comes": {evproxy.Config{Trust: anybody},
			func(_ *reception, clock *evtest.Clock) { clock.Advance(evproxy.DefaultTimeout) },
			evproxy.ErrTimeout, "evproxy: receive: no header in time"},
		"a byte at a time does not count": {evproxy.Config{Trust: anybody, Timeout: time.Second},
			func(r *reception, clock *evtest.Clock) {
				for i := 0; r.calls == 0; i++ {
					r.say(ip6Header[i : i+1])
					evtest.Turn(r.t, r.base)
					clock.Advance(100 * time.Millisecond)
					evtest.Turn(r.t, r.base)
				}
			}, evproxy.ErrTimeout, "evproxy: receive: no header in time"},
		"a timeout of the stream": {evproxy.Config{Trust: anybody, Timeout: time.Hour},
			func(r *reception, clock *evtest.Clock) { clock.Advance(time.Minute) },
			evproxy.ErrTimeout, "evproxy: receive: no header in time"},
		"the stream ends": {evproxy.Config{Trust: anybody},
			func(r *reception, _ *evtest.Clock) {
				r.say("PROXY TCP4")
				if err := r.proxy.CloseWrite(); err != nil {
					r.t.Fatal(err)
				}
			}, io.ErrUnexpectedEOF, "evproxy: receive: unexpected EOF"},
		"the receiver is freed": {evproxy.Config{Trust: anybody},
			func(r *reception, _ *evtest.Clock) { r.receiver.Free() }, evproxy.ErrClosed, "evproxy: receive: receiver is closed"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := evtest.NewClock()
			base := clock.Base(t)
			r := &reception{outcome: outcome{t: t}, base: base}
			var server *bufferevent.Bufferevent
			server, r.proxy = evtest.Pair(t, base)
			if err := server.SetTimeouts(time.Minute, 0); err != nil {
				t.Fatal(err)
			}
			var err error
			if r.receiver, err = evproxy.NewReceiver(base, &test.cfg); err != nil {
				t.Fatal(err)
			}
			defer r.receiver.Free()
			if err := r.receiver.Receive(server, r.done); err != nil {
				t.Fatal(err)
			}
			test.do(r, clock)
			r.await()
			if !errors.Is(r.err, test.want) || r.err.Error() != test.says || r.calls != 1 || r.receiver.Waiting() != 0 {
				t.Errorf("%d calls, error %v, %d waiting", r.calls, r.err, r.receiver.Waiting())
			}
		})
	}
}

// TestHeadersWithinTheLimitPass has one that is as long as it may be.
func TestHeadersWithinTheLimitPass(t *testing.T) {
	in := v2("21", "11", ip4+"e0 0064"+strings.Repeat("00", 100))
	r := receive(t, evtest.Base(t), evproxy.Config{Trust: anybody, MaxSize: len(in)})
	r.say(in)
	r.await()
	if r.err != nil {
		t.Error(r.err)
	}
}

// TestDirectPeersHaveNoHeader passes on what a peer says that is not trusted, also if it looks like
// a header, and leaves its address.
func TestDirectPeersHaveNoHeader(t *testing.T) {
	r := receive(t, evtest.Base(t), evproxy.Config{Trust: nobody, Direct: true})
	if r.calls != 1 || r.err != nil || r.header != nil {
		t.Fatalf("%d calls, header %v, error %v", r.calls, r.header, r.err)
	}
	const says = "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n"
	r.say(says)
	evtest.Await(t, r.base, "all of it", func() bool { return r.text.Len() == len(says) })
	wantAddrs(t, r.stream, nil, nil)
}

// TestHeadersThatHaveCome are in the input before the stream is received.
func TestHeadersThatHaveCome(t *testing.T) {
	base := evtest.Base(t)
	server, proxy := evtest.Pair(t, base)
	o := &outcome{t: t}
	if err := proxy.Output().AddString("PROXY UNKNOWN\r\nand more"); err != nil {
		t.Fatal(err)
	}
	evtest.Await(t, base, "input", func() bool { return server.Input().Len() > 0 })
	receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: anybody})
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Free()
	if err := receiver.Receive(server, o.done); err != nil {
		t.Fatal(err)
	}
	if o.calls != 1 || o.err != nil {
		t.Fatalf("%d calls, error %v", o.calls, o.err)
	}
	evtest.Await(t, base, "what follows", func() bool { return o.text.String() == "and more" })
}

// TestSocketsAreAccepted has a socket, whose own address is trusted or not.
func TestSocketsAreAccepted(t *testing.T) {
	for trust, want := range map[string]error{
		"127.0.0.0/8":         nil,
		"10.0.0.1, 127.0.0.1": nil,
		"::ffff:127.0.0.1":    nil,
		"10.0.0.0/8,unix":     evproxy.ErrUntrusted,
	} {
		t.Run(trust, func(t *testing.T) {
			base := evtest.Base(t)
			server, proxy := evtest.Sockets(t)
			client, err := bufferevent.NewSocket(base, proxy, bufferevent.CloseOnFree)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Free()
			believed, err := evproxy.ParseTrust(trust)
			if err != nil {
				t.Fatal(err)
			}
			receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: believed})
			if err != nil {
				t.Fatal(err)
			}
			defer receiver.Free()
			if err := evproxy.Send(client, &evproxy.Header{Version: 1, Source: from4, Destination: to4}); err != nil {
				t.Fatal(err)
			}
			if err := client.Output().AddString("hello"); err != nil {
				t.Fatal(err)
			}
			if err := evproxy.Send(client, &evproxy.Header{Version: 1}); !errors.Is(err, evproxy.ErrOutput) {
				t.Errorf("a second header: %v", err)
			}
			o := &outcome{t: t}
			if err := receiver.Accept(server, netip.AddrPort{}, o.done); err != nil {
				t.Fatal(err)
			}
			evtest.Await(t, base, "the receiver", func() bool { return o.calls > 0 })
			if !errors.Is(o.err, want) {
				t.Fatal(o.err)
			}
			if want != nil {
				if !strings.HasPrefix(o.err.Error(), "evproxy: receive from 127.0.0.1:") {
					t.Error(o.err)
				}
				return
			}
			defer o.stream.Free()
			evtest.Await(t, base, "what follows", func() bool { return o.text.String() == "hello" })
			wantAddrs(t, o.stream, from4, to4)
			if h := evproxy.HeaderOf(o.stream); h.Source.String() != from4.String() || h.Destination.String() != to4.String() {
				t.Errorf("the next header is %v", h)
			}
		})
	}
}

func TestReceiversThatWereFreed(t *testing.T) {
	base := evtest.Base(t)
	receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: anybody})
	if err != nil {
		t.Fatal(err)
	}
	receiver.Free()
	receiver.Free()
	o := &outcome{t: t}
	server, _ := evtest.Pair(t, base)
	if err := receiver.Receive(server, o.done); !errors.Is(err, evproxy.ErrClosed) {
		t.Error(err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, bufferevent.ErrFreed) {
		t.Errorf("the stream is not freed: %v", err)
	}
	one, other := evtest.Sockets(t)
	defer evutil.CloseSocket(other)
	if err := receiver.Accept(one, netip.AddrPort{}, o.done); !errors.Is(err, evproxy.ErrClosed) {
		t.Error(err)
	}
	if err := evutil.CloseSocket(one); err == nil {
		t.Error("the socket is open")
	}
	if o.calls != 0 {
		t.Errorf("%d calls", o.calls)
	}
}

// TestBasesThatAreFreed takes the streams with it that wait.
func TestBasesThatAreFreed(t *testing.T) {
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	one, other := evtest.Sockets(t)
	defer evutil.CloseSocket(other)
	receiver, err := evproxy.NewReceiver(base, &evproxy.Config{Trust: anybody})
	if err != nil {
		t.Fatal(err)
	}
	o := &outcome{t: t}
	if err := receiver.Accept(one, netip.AddrPort{}, o.done); err != nil {
		t.Fatal(err)
	}
	base.Free()
	if o.calls != 0 || receiver.Waiting() != 0 {
		t.Errorf("%d calls, %d wait", o.calls, receiver.Waiting())
	}
	if err := evutil.CloseSocket(one); err == nil {
		t.Error("the socket is open")
	}
	receiver.Free()
}

func TestConfigsThatCannotBeUsed(t *testing.T) {
	base := evtest.Base(t)
	for name, cfg := range map[string]*evproxy.Config{
		"whom to trust":   {},
		"another version": {Trust: anybody, Versions: 4},
		"timeout":         {Trust: anybody, Timeout: -1},
		"too small":       {Trust: anybody, MaxSize: 106},
	} {
		if _, err := evproxy.NewReceiver(base, cfg); !errors.Is(err, evproxy.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := evproxy.NewReceiver(nil, &evproxy.Config{Trust: anybody}); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	if _, err := evproxy.NewReceiver(base, nil); !errors.Is(err, event.ErrNil) {
		t.Error(err)
	}
	for _, s := range []string{"", "10.0.0.0/8,", "host", "10.0.0.0/33", "fe80::1%lo", "Unix"} {
		if _, err := evproxy.ParseTrust(s); !errors.Is(err, evproxy.ErrConfig) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestWhomToTrust(t *testing.T) {
	trust, err := evproxy.ParseTrust("10.0.0.0/8,2001:db8::/32,::ffff:172.16.0.0/108,127.0.0.1,unix")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		local, remote net.Addr
		want          bool
	}{
		{to4, tcp("10.1.2.3:4"), true},
		{to4, tcp("[::ffff:10.1.2.3]:4"), true},
		{to4, tcp("11.1.2.3:4"), false},
		{to4, tcp("172.31.2.3:4"), true},
		{to4, tcp("172.32.2.3:4"), false},
		{to6, tcp("[2001:db8::1%eth0]:4"), true},
		{to6, tcp("[2001:db9::1]:4"), false},
		{to4, tcp("127.0.0.1:1"), true},
		{to4, tcp("127.0.0.2:1"), false},
		{to4, udp("10.1.2.3:4"), true},
		{unix("unix", "/run/s"), unix("unix", ""), true},
		{to4, unix("unix", ""), false},
		{nil, nil, false},
		{to4, new(net.TCPAddr), false},
	} {
		if got := trust(test.local, test.remote); got != test.want {
			t.Errorf("%v from %v: %v", test.local, test.remote, got)
		}
	}
}
