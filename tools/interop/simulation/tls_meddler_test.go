package simulation_test

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// A tlsMeddler stands between a client and a server, on a host of its own: it passes on
// what both send, and does something to one direction at some byte.
type tlsMeddler struct {
	call   *tlsCall
	host   *evtest.Host
	rand   *rand.Rand
	action meddling
	to     int // the side whose input it is done to
	at     int // after so many bytes
	size   int
	pause  time.Duration

	ways [2]*meddledWay // to the client, and to the server
	done bool           // with meddling
	gone bool           // the connection is
}

// What a meddler does.
type meddling uint8

const (
	meddleNothing meddling = iota
	meddleTrickle          // passes a few bytes at a time on, with pauses
	meddleStall            // passes nothing on for a while
	meddleSwallow          // passes nothing on any more
	meddleEnd              // ends this direction
	meddleClose            // ends the connection
	meddleFlip             // changes a bit
	meddleInsert           // adds bytes
	meddleDrop             // leaves bytes out
	meddleRepeat           // says the last bytes once more
	meddleKinds
)

// A meddledWay is one direction.
type meddledWay struct {
	meddler  *tlsMeddler
	side     int // whose input it is
	from, to *bufferevent.Bufferevent
	passed   int
	last     []byte
	ended    bool // nothing more comes
	shut     bool // nothing more is passed on
	deaf     bool // what comes is dropped

	// The record that the next byte is in: what is left of its header, and of the
	// rest.
	header  []byte
	content int
	kind    byte
}

// listen waits for the client at a port, and connects to the server's.
func (m *tlsMeddler) listen(port uint16, server netip.AddrPort) *listener.Listener {
	l, err := listener.NewBind(m.host.Base(), m.host.AddrPort(port), listener.CloseOnFree|listener.Reuseable, 4,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) { m.accept(fd, server) })
	if err != nil {
		m.call.unserved = true
		return nil
	}
	return l
}

func (m *tlsMeddler) accept(fd int, server netip.AddrPort) {
	client, err := bufferevent.NewSocket(m.host.Base(), fd, bufferevent.CloseOnFree)
	if err != nil {
		m.call.world.T().Error(err)
		return
	}
	other, err := bufferevent.NewSocket(m.host.Base(), -1, bufferevent.CloseOnFree)
	if err != nil {
		m.call.world.T().Error(err)
		return
	}
	m.ways = [2]*meddledWay{
		{meddler: m, side: 0, from: other, to: client, header: make([]byte, 0, 5)},
		{meddler: m, side: 1, from: client, to: other, header: make([]byte, 0, 5)},
	}
	for _, w := range m.ways {
		w.from.SetCallbacks(w.onRead, nil, w.onEvent)
		_ = w.from.SetTimeouts(20*time.Minute, 20*time.Minute)
		_ = w.from.Enable(event.Read)
	}
	if err := other.Connect(server); err != nil {
		m.close()
	}
}

// close ends the connection.
func (m *tlsMeddler) close() {
	m.call.cut = true
	m.gone = true
	for _, w := range m.ways {
		w.from.Free()
	}
}

func (w *meddledWay) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	m := w.meddler
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
	case bufferevent.InputEnded:
		w.onRead(b)
		w.ended = true
		w.shutDown()
		if m.gone {
			return
		}
		if m.ways[0].ended && m.ways[1].ended {
			m.ways[0].to.FreeWhenWritten(0)
			m.ways[1].to.FreeWhenWritten(0)
		}
	default:
		m.close()
	}
}

// shutDown ends what is passed on.
func (w *meddledWay) shutDown() {
	if w.shut || w.meddler.gone {
		return
	}
	w.shut = true
	if w.to.CloseWrite() != nil {
		w.meddler.close()
	}
}

func (w *meddledWay) onRead(b *bufferevent.Bufferevent) {
	m := w.meddler
	p := make([]byte, b.Input().Len())
	_, _ = b.Input().Remove(p)
	if w.shut || w.deaf || len(p) == 0 {
		return
	}
	if m.done || m.to != w.side || m.action == meddleNothing || w.passed+len(p) <= m.at {
		w.pass(p)
		return
	}
	n := max(m.at-w.passed, 0)
	w.pass(p[:n])
	w.meddle(p[n:])
}

// pass passes bytes on.
func (w *meddledWay) pass(p []byte) {
	w.passed += len(p)
	w.track(p)
	w.last = append(w.last, p...)
	w.last = w.last[max(0, len(w.last)-64):]
	_, _ = w.to.Write(p) // fails at the end, which is told
}

// track follows the records.
func (w *meddledWay) track(p []byte) {
	for len(p) > 0 {
		if w.content > 0 {
			n := min(w.content, len(p))
			w.content -= n
			p = p[n:]
			continue
		}
		n := min(5-len(w.header), len(p))
		w.header = append(w.header, p[:n]...)
		p = p[n:]
		if len(w.header) == 5 {
			w.kind, w.content = w.header[0], int(w.header[3])<<8|int(w.header[4])
			w.header = w.header[:0]
		}
	}
}

// meddle does what the meddler does, to what begins with p.
func (w *meddledWay) meddle(p []byte) {
	m, c := w.meddler, w.meddler.call
	c.world.Note("connection %d: meddling %d at byte %d", c.number, m.action, w.passed)
	switch m.action {
	case meddleTrickle:
		n := min(1+m.rand.IntN(m.size), len(p))
		w.pass(p[:n])
		w.hold(p[n:], m.pause/16)
	case meddleStall:
		m.done = true
		w.hold(p, m.pause*64)
	case meddleSwallow:
		c.cut, w.deaf = true, true
	case meddleEnd:
		c.cut = true
		w.shutDown()
	case meddleClose:
		m.close()
	case meddleFlip:
		w.flip(p)
	case meddleInsert:
		w.tamper()
		junk := make([]byte, m.size)
		for i := range junk {
			junk[i] = byte(m.rand.Uint32())
		}
		_, _ = w.to.Write(junk)
		w.pass(p)
	case meddleDrop:
		w.tamper()
		w.pass(p[min(m.size, len(p)):])
	case meddleRepeat:
		if len(w.last) < 6 {
			w.pass(p)
			return
		}
		w.tamper()
		_, _ = w.to.Write(w.last)
		w.pass(p)
	}
}

// tamper notes that this direction is not what was sent any more. Both sides may
// find out: each sees all that was said before.
func (w *meddledWay) tamper() {
	m := w.meddler
	m.done = true
	m.call.tampered = [2]bool{true, true}
	m.call.spoiled[w.side] = true
}

// flip changes a bit of the first byte that matters: the versions in the headers of
// records and change_cipher_spec are nothing that anybody looks at.
func (w *meddledWay) flip(p []byte) {
	for i := range p {
		if w.content > 0 && w.kind != 20 {
			w.tamper()
			changed := append([]byte{p[i] ^ 1<<w.meddler.rand.IntN(8)}, p[i+1:]...)
			w.pass(changed)
			return
		}
		w.pass(p[i : i+1])
	}
}

// hold passes p on after a while, and nothing before that.
func (w *meddledWay) hold(p []byte, d time.Duration) {
	_ = w.from.Disable(event.Read)
	err := w.from.Base().Once(-1, event.Timeout, d, func(*event.Event, event.What) {
		switch {
		case w.meddler.gone:
			return
		case len(p) > 0 && !w.meddler.done:
			w.meddle(p) // once more
			return
		}
		w.pass(p)
		_ = w.from.Enable(event.Read)
	})
	if err != nil {
		w.meddler.call.world.T().Error(err)
	}
}

func drawMeddler(c *tlsCall, h *evtest.Host, r *rand.Rand) *tlsMeddler {
	m := &tlsMeddler{
		call: c, host: h, rand: r, action: meddling(r.IntN(int(meddleKinds))), to: r.IntN(2),
		at: r.IntN(1 << (1 + r.IntN(13))), size: 1 + r.IntN(32), pause: time.Duration(1 + r.IntN(200_000_000)),
	}
	if m.size == 6 { // as long as change_cipher_spec, which may be missing or said twice
		m.size = 7
	}
	return m
}
