package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/extra/evproxy"
)

// A headerCall is a connection: what its client sends, and what the server makes of it.
type headerCall struct {
	scene  *headerScene
	what   string
	number int
	host   *evtest.Host
	rand   *rand.Rand

	header *evproxy.Header // that is valid, or nil
	wrong  error           // why what is sent is no header
	front  []byte          // what is sent before the rest
	short  bool            // the stream ends after front
	rest   *evtest.Bytes   // what follows the header
	length int             // how much of that
	pause  time.Duration   // between two pieces

	client *bufferevent.Bufferevent
	failed bool // the connection has ended for the client before it had sent all

	accepted time.Time
	receiver *evproxy.Receiver // that has it
	timer    *evtest.Timer
	calls    int
	direct   []byte // of front, what the server has yet to get as data
}

// plan plans a connection.
func (s *headerScene) plan(i int) {
	c := &headerCall{scene: s, number: i, host: s.balancer, rand: rand.New(rand.NewPCG(s.rand.Uint64(), 9)), rest: s.world.Bytes(fmt.Sprint("rest ", i))}
	if c.rand.IntN(4) == 0 {
		c.host = s.stranger
	}
	c.what = fmt.Sprintf("connection %d of the %s", i, c.host.Name())
	c.length = c.rand.IntN(3) * c.rand.IntN(5000)
	if c.rand.IntN(3) == 0 {
		c.pause = []time.Duration{100 * time.Millisecond, 3 * time.Second}[c.rand.IntN(2)]
		c.pause = 1 + time.Duration(c.rand.Int64N(int64(c.pause)))
	}
	c.write()
	s.calls = append(s.calls, c)
	s.left++
	s.world.At(s.upTo(20*time.Second), func() { c.host.Post(c.connect) })
}

func (c *headerCall) trusted() bool { return c.host == c.scene.balancer }

// write makes what is sent in front.
func (c *headerCall) write() {
	c.header = c.newHeader()
	var err error
	c.front, err = c.header.AppendTo(nil)
	c.scene.check(err)
	c.wrong = c.unwanted()
	switch c.rand.IntN(12) {
	case 0:
		c.short = true
		c.front = c.front[:c.rand.IntN(len(c.front))]
		if c.wrong == nil || len(c.front) == 0 || errors.Is(c.wrong, evproxy.ErrTooLong) && len(c.front) < 16 {
			c.wrong = io.ErrUnexpectedEOF
		}
	case 1:
		c.front, c.wrong = []byte("GET / HTTP/1.1\r\n\r\n"), evproxy.ErrInvalid
	case 2:
		c.damage()
	}
	c.scene.world.Note("%s: %v, %d bytes, wrong: %v, short: %v", c.what, c.header, len(c.front), c.wrong, c.short)
}

// newHeader draws a valid header.
func (c *headerCall) newHeader() *evproxy.Header {
	h := &evproxy.Header{Version: 1 + c.rand.IntN(2)}
	ip4 := func() net.Addr {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(c.rand.IntN(256))}), uint16(c.rand.IntN(1<<16))))
	}
	ip6 := func() net.Addr {
		ip := [16]byte{0x20, 1, 0xd, 0xb8, 15: byte(c.rand.IntN(256))}
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(ip), uint16(c.rand.IntN(1<<16))))
	}
	switch kind := c.rand.IntN(8); {
	case kind == 0:
		return h
	case kind == 1 && h.Version == 2:
		h.Local = true
		return h
	case kind == 2 && h.Version == 2:
		h.Source, h.Destination = &net.UnixAddr{Net: "unix", Name: "/run/a"}, &net.UnixAddr{Net: "unix", Name: "@b"}
	case kind < 5:
		h.Source, h.Destination = ip6(), ip6()
	default:
		h.Source, h.Destination = ip4(), ip4()
	}
	if h.Version == 2 {
		h.Checksum = c.rand.IntN(2) == 0
		for range c.rand.IntN(3) {
			h.TLVs = append(h.TLVs, evproxy.TLV{Type: evproxy.TypeCustom, Value: make([]byte, c.rand.IntN(200))})
		}
	}
	return h
}

// unwanted returns why the receiver does not take a header that is valid, if so. The version
// is seen first, and then the length.
func (c *headerCall) unwanted() error {
	cfg := &c.scene.cfg
	most := cfg.MaxSize
	if most == 0 {
		most = evproxy.DefaultMaxSize
	}
	switch {
	case cfg.Versions != 0 && cfg.Versions&(1<<(c.header.Version-1)) == 0:
		return evproxy.ErrVersion
	case len(c.front) > most:
		return evproxy.ErrTooLong
	}
	return nil
}

// damage changes a byte, where there is a checksum.
func (c *headerCall) damage() {
	if c.wrong != nil || !c.header.Checksum {
		return
	}
	i := 16 + c.rand.IntN(12)
	c.front[i] ^= byte(1 + c.rand.IntN(255))
	c.wrong = evproxy.ErrChecksum
}

// connect begins the connection.
func (c *headerCall) connect() {
	b, err := bufferevent.NewSocket(c.host.Base(), -1, bufferevent.CloseOnFree)
	c.scene.check(err)
	c.client = b
	b.SetCallbacks(nil, nil, c.onEvent)
	c.scene.check(b.SetTimeouts(headerPatience, headerPatience))
	c.scene.check(b.SetLocalAddr(netip.AddrPortFrom(c.host.Addr(), uint16(headerClients+c.number))))
	c.scene.check(b.Enable(event.Read))
	if c.pause == 0 && c.wrong == nil && c.rand.IntN(2) == 0 {
		c.scene.check(evproxy.Send(b, c.header))
		c.send(nil)
	} else {
		c.send(c.front)
	}
	if err := b.Connect(c.scene.server.AddrPort(headerPort)); err != nil {
		c.over()
	}
}

// send sends what is left of the front, and then the rest, in pieces.
func (c *headerCall) send(front []byte) {
	b := c.client
	if c.failed {
		return
	}
	if n := len(front); n > 0 {
		if c.pause > 0 {
			n = 1 + c.rand.IntN(min(n, 8))
		}
		_, err := b.Write(front[:n])
		if c.scene.check(err); n < len(front) {
			c.scene.world.At(c.pause, func() { c.host.Post(func() { c.send(front[n:]) }) })
			return
		}
	}
	if !c.short {
		_, err := b.Write(c.rest.Take(c.length))
		c.scene.check(err)
	}
	c.scene.check(b.CloseWrite())
}

// onEvent is told of the server's end, or of a failure.
func (c *headerCall) onEvent(_ *bufferevent.Bufferevent, what bufferevent.Events) {
	if what&bufferevent.EventConnected == 0 {
		c.over()
	}
}

// over ends the client.
func (c *headerCall) over() {
	c.failed = true
	c.client.Free()
	c.scene.left--
}

// settle says that the server has learned what is in front of the connection, or why it does
// not.
func (c *headerCall) settle() {
	c.scene.waiting--
	if c.timer != nil {
		c.timer.Stop()
	}
}

// receive is what the receiver calls.
func (c *headerCall) receive(b *bufferevent.Bufferevent, h *evproxy.Header, err error) {
	s := c.scene
	s.received++
	if c.calls++; c.calls > 1 {
		s.world.Failf("%s is received once more: %v, %v", c.what, h, err)
	}
	if errors.Is(err, evproxy.ErrTimeout) && c.timer != nil {
		c.timer.Fired()
		c.timer = nil
	}
	c.settle()
	if err != nil {
		c.refused(err)
		return
	}
	if c.trusted() {
		c.took(b, h)
	} else if h != nil || !s.cfg.Direct {
		s.world.Failf("%s, which is not trusted, is taken: %v", c.what, h)
	} else {
		c.direct = c.front
	}
	c.serve(b)
}

// took compares a header with what was sent.
func (c *headerCall) took(b *bufferevent.Bufferevent, h *evproxy.Header) {
	s := c.scene
	if c.wrong != nil || h == nil || h.String() != c.header.String() || len(h.TLVs) != len(c.header.TLVs) {
		s.world.Failf("%s: got %v, which is %v", c.what, h, c.wrong)
		return
	}
	local, remote := b.NetAddrs()
	if h.Source != nil && (remote.String() != h.Source.String() || local.String() != h.Destination.String()) {
		s.world.Failf("%s is between %v and %v, and has %v", c.what, local, remote, h)
	}
	if own := netip.AddrPortFrom(c.host.Addr(), uint16(headerClients+c.number)); h.Source == nil && remote.Network() == "tcp" && b.PeerAddr() != own {
		s.world.Failf("%s has the peer %v, and not its own", c.what, b.PeerAddr())
	}
}

// refused looks whether a reason is true.
func (c *headerCall) refused(err error) {
	s := c.scene
	switch {
	case !c.trusted():
		if !errors.Is(err, evproxy.ErrUntrusted) || s.cfg.Direct {
			s.world.Failf("%s: %v", c.what, err)
		}
	case c.wrong != nil && errors.Is(err, c.wrong):
	case errors.Is(err, evproxy.ErrTimeout): // which the timers have checked
	case errors.Is(err, evproxy.ErrClosed) && c.receiver != s.receiver:
	case errors.Is(err, io.ErrUnexpectedEOF) && c.failed && !s.perfect:
	case s.server.SawError(err, c.accepted):
	default:
		s.world.Failf("%s: %v, want %v", c.what, err, c.wrong)
	}
}

// serve takes what follows the header, until it ends.
func (c *headerCall) serve(b *bufferevent.Bufferevent) {
	s := c.scene
	s.serving++
	b.SetCallbacks(c.read, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what.Outcome() == bufferevent.InputEnded {
			c.ended()
		}
		s.serving--
		b.Free()
	})
	s.check(b.SetTimeouts(headerPatience, headerPatience))
	s.check(b.Enable(event.Read))
}

func (c *headerCall) read(b *bufferevent.Bufferevent) {
	p, err := io.ReadAll(b.Input())
	c.scene.check(err)
	n := min(len(p), len(c.direct))
	if !bytes.Equal(p[:n], c.direct[:n]) {
		c.scene.world.Failf("%s has sent %q, and not %q", c.what, c.direct[:n], p[:n])
	}
	c.direct = c.direct[n:]
	c.rest.Check(p[n:])
}

// ended says that the client has ended its stream in order.
func (c *headerCall) ended() {
	if c.failed {
		return // it was freed, perhaps before all was sent
	}
	if len(c.direct) > 0 {
		c.scene.world.Failf("%s: %d bytes are lost", c.what, len(c.direct))
	}
	c.rest.End()
}
