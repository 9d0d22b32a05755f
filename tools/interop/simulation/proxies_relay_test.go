package simulation_test

import (
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// relayLimit is how many bytes may wait for a side of a relay; one read may exceed it.
const (
	relayLimit = 64 << 10
	relayRead  = 128 << 10
)

// A relay passes on what comes by either of two streams: all bytes, the end, and a reset
// as a reset. Neither side is read faster than the other one reads.
type relay struct {
	w     *evtest.World
	sides [2]*bufferevent.Bufferevent
	ended [2]bool // nothing more comes
	held  [2]bool // it is not read, because too much waits
	over  bool
}

// relayStreams begins to relay between two streams, which are the relay's from then on.
func relayStreams(w *evtest.World, a, b *bufferevent.Bufferevent) *relay {
	r := &relay{w: w, sides: [2]*bufferevent.Bufferevent{a, b}}
	for i, side := range r.sides {
		side.SetCallbacks(
			func(*bufferevent.Bufferevent) { r.carry(i) },
			func(*bufferevent.Bufferevent) { r.resume(i) },
			func(_ *bufferevent.Bufferevent, what bufferevent.Events) { r.event(i, what) })
		_ = side.SetWatermark(event.Write, relayLimit/2, 0) // a mark that can be
		_ = side.Enable(event.Read | event.Write)           // fails with an event
	}
	r.carry(0)
	r.carry(1)
	return r
}

// carry moves what has come from a side to the other one.
func (r *relay) carry(from int) {
	if r.over {
		return
	}
	to := r.sides[1-from]
	_ = to.WriteBuffer(r.sides[from].Input()) // fails only with an event
	if n := to.Output().Len(); n > relayLimit+relayRead {
		r.w.Failf("%d bytes wait in a relay", n)
	}
	if to.Output().Len() >= relayLimit && !r.held[from] {
		r.held[from] = true
		r.sides[from].Disable(event.Read)
	}
}

// resume goes on to read what a side waits for.
func (r *relay) resume(to int) {
	if r.over {
		return
	}
	if from := 1 - to; r.held[from] {
		r.held[from] = false
		_ = r.sides[from].Enable(event.Read) // fails with an event
	}
	r.finish()
}

func (r *relay) event(i int, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		r.carry(i)
		r.ended[i] = true
		if r.sides[1-i].CloseWrite() != nil { // it has failed, and nothing has said so yet
			r.reset(1 - i)
			return
		}
		r.finish()
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		r.reset(i)
	}
}

// finish ends the relay when both streams have ended and all was written.
func (r *relay) finish() {
	if r.over || !r.ended[0] || !r.ended[1] || r.sides[0].Unsent()+r.sides[1].Unsent() > 0 {
		return
	}
	r.free()
}

// reset resets the other stream, as one has failed.
func (r *relay) reset(failed int) {
	if r.over {
		return
	}
	_ = r.w.Reset(r.sides[1-failed].FD()) // fails for one that has failed, too
	r.free()
}

func (r *relay) free() {
	if r.over {
		return
	}
	r.over = true
	for _, side := range r.sides {
		side.Free()
	}
}

// A relayEnd is one end of a stream through a relay: it sends bytes and an end, and
// compares what comes from the other one.
type relayEnd struct {
	m     *httpModel
	name  string
	base  *event.Base
	b     *bufferevent.Bufferevent
	other *relayEnd
	seed  int
	size  int // bytes that it sends
	piece int
	slow  bool
	fate  relayFate

	sent, got int
	closed    bool // it has ended its stream
	finished  bool // it has seen the end of the other one's
	broken    bool // it has reset, left, or met with an error
	over      bool
}

// A relayFate is how an end ends.
type relayFate int

const (
	fateEnds   relayFate = iota // its stream, when all was sent
	fateResets                  // the connection, in the middle
	fateLeaves                  // closes the connection, in the middle
	fateWaits                   // ends its stream when the other one has
	relayFates
)

// start begins with a stream that is connected.
func (e *relayEnd) start(b *bufferevent.Bufferevent) {
	e.b, e.base = b, b.Base()
	if e.m.harsh { // a reset may be lost
		e.m.w.At(2*httpForever, func() { _ = e.base.Post(e.abandon) }) // fails for a base that was freed
	}
	b.SetCallbacks(e.read, func(*bufferevent.Bufferevent) { e.check() }, e.event)
	_ = b.Enable(event.Read | event.Write) // fails with an event
	e.read(b)
	e.send()
}

func (e *relayEnd) send() {
	if e.over || e.closed {
		return
	}
	middle := e.sent >= e.size/2
	switch {
	case middle && e.fate == fateResets:
		e.broken = true
		_ = e.m.w.Reset(e.b.FD()) // fails for one that has failed
		e.finish()
		return
	case middle && e.fate == fateLeaves:
		e.broken = true
		e.finish()
		return
	case e.sent == e.size && e.fate == fateWaits && !e.finished:
		return
	case e.sent == e.size:
		e.closed = true
		_ = e.b.CloseWrite() // fails with an event
		e.check()
		return
	}
	n := min(e.piece, e.size-e.sent)
	_, _ = e.b.Write(httpBytes(e.seed, e.sent, n)) // as above
	e.sent += n
	if e.m.chance(0.5) {
		e.send()
	} else {
		httpAfter(e.base, e.m.upTo(httpLeastTimeout/50), e.send)
	}
}

func (e *relayEnd) read(b *bufferevent.Bufferevent) {
	n, err := httpTake(b.Input(), e.seed^1, e.got, b.Input().Len())
	if e.got += n; err != nil {
		e.m.w.Failf("%s: %v", e.name, err)
	}
	if e.other != nil && e.got > e.other.sent {
		e.m.w.Failf("%s: %d bytes have come of %d that were sent", e.name, e.got, e.other.sent)
	}
	if e.slow && !e.finished && e.m.chance(0.3) {
		b.Disable(event.Read)
		httpAfter(e.base, e.m.upTo(httpLeastTimeout/10), func() {
			if !e.over {
				_ = b.Enable(event.Read) // fails with an event
			}
		})
	}
}

func (e *relayEnd) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		e.finished = true
		switch {
		case e.other == nil:
			e.m.w.Failf("%s: the stream ends before the other side was there", e.name)
		case e.other.fate == fateResets || e.other.fate == fateLeaves && !e.other.broken:
			e.m.w.Failf("%s: a clean end, but the other side has not ended its stream", e.name)
		case !e.other.closed && !e.other.broken:
			e.m.w.Failf("%s: a clean end before the other side has ended its stream", e.name)
		case e.got != e.other.sent && e.other.fate != fateLeaves:
			e.m.w.Failf("%s: a clean end after %d bytes of %d", e.name, e.got, e.other.sent)
		}
		if e.fate == fateWaits {
			e.send()
		}
		e.check()
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		if !e.mayBreak() {
			e.m.w.Failf("%s: %v", e.name, b.Err())
		}
		e.broken = true
		e.finish()
	}
}

// mayBreak reports whether the connection may be reset.
func (e *relayEnd) mayBreak() bool {
	for _, end := range []*relayEnd{e, e.other} {
		if end == nil || end.fate == fateResets || end.fate == fateLeaves {
			return true
		}
	}
	return e.m.harsh
}

// check ends the connection when both streams have ended, and all was written.
func (e *relayEnd) check() {
	if e.closed && e.finished && e.b.Unsent() == 0 {
		e.finish()
	}
}

func (e *relayEnd) finish() {
	if e.over {
		return
	}
	e.over = true
	e.m.left--
	e.m.w.Note("%s %d is done", e.name, e.seed)
	if other := e.other; other.b == nil {
		e.m.w.At(httpForever/2, other.giveUp)
	}
	e.b.Free()
}

// abandon ends one whose peer has gone without a word.
func (e *relayEnd) abandon() {
	if !e.over {
		e.broken = true
		e.finish()
	}
}

// giveUp ends one whose stream has not come, as that of the other one has ended before.
func (e *relayEnd) giveUp() {
	if e.b == nil && !e.over {
		e.over = true
		e.m.left--
	}
}

// fail ends one whose stream could not be made.
func (e *relayEnd) fail(err error) {
	if !e.mayBreak() {
		e.m.w.Failf("%s: %v", e.name, err)
	}
	e.over = true
	e.m.left--
	e.m.w.At(httpForever/2, e.other.giveUp)
}

// newRelayEnds draws both ends of a stream.
func (m *httpModel) newRelayEnds(id int) (client, server *relayEnd) {
	end := func(name string) *relayEnd {
		e := &relayEnd{m: m, name: name, size: m.size(), slow: m.chance(0.3)}
		e.piece = 1 + m.rand.IntN(max(e.size/(1+m.rand.IntN(8)), 1))
		if m.chance(0.25) {
			e.fate = relayFate(m.rand.IntN(int(relayFates)))
		}
		m.left++
		return e
	}
	client, server = end("the client"), end("the server")
	client.seed, server.seed = 2*id, 2*id+1
	client.other, server.other = server, client
	if client.fate == fateWaits && server.fate == fateWaits {
		server.fate = fateEnds
	}
	return client, server
}

// A relayServer is what streams lead to. The first bytes tell which end they belong to.
type relayServer struct {
	m        *httpModel
	base     *event.Base
	listener *listener.Listener
	ends     []*relayEnd // of the server's side, by their number
}

const relayPort = 7

func (s *relayServer) start(h *evtest.Host) {
	s.base = h.Base()
	l, err := listener.NewBind(s.base, h.AddrPort(relayPort), listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) { s.accept(fd) })
	if err != nil {
		if !s.m.harsh {
			s.m.w.Failf("listen: %v", err)
		}
		httpAfter(s.base, httpLeastTimeout/5, func() { s.start(h) })
		return
	}
	s.listener = l
}

func (s *relayServer) accept(fd int) {
	b, err := bufferevent.NewSocket(s.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		s.m.w.Failf("accept: %v", err)
		return
	}
	lost := func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what.Outcome() != bufferevent.NothingEnded {
			b.Free()
		}
	}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		var id [1]byte
		_, _ = b.Input().Remove(id[:]) // there is one
		e := s.ends[id[0]]
		if e.b != nil {
			s.m.w.Failf("stream %d comes twice", id[0])
		}
		if e.b != nil || e.over {
			b.Free()
			return
		}
		e.start(b)
	}, nil, lost)
	_ = b.Enable(event.Read) // a stream that is new
}
