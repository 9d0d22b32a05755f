package simulation_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// A streamScenario is a few hosts with streams between them, and within them.
type streamScenario struct {
	world      *evtest.World
	faults     evtest.Faults // of the time that counts
	layered    bool          // there are filters over the streams
	hosts      []*streamHost
	listeners  []*listener.Listener
	links      []*streamLink // by their numbers
	groups     []*streamGroup
	resolver   *stubResolver
	goroutines int // that have not ended
	left       int // ends that are not over
	references int // that were not given back
	closing    bool
	limited    bool // hosts may lack descriptors
	abused     bool // hosts were cut off or stopped: connections may end in any way
	paused     time.Duration
}

// A streamHost is a host with two loops.
type streamHost struct {
	*evtest.Host
	bases []*event.Base
}

// A streamLink is a stream, whose ends come to be one after the other. The end that
// connects sends its number, by which the one that accepts finds it.
type streamLink struct {
	scenario *streamScenario
	number   int
	rand     *rand.Rand
	from, to *streamEnd
	stack    []*streamCodec // that both ends have over the stream, the lowest first
	failing  bool           // some of them fail
	bytes    int            // that each end sends at most
}

// greetingSize is the length of the number that the end which connects sends first.
const greetingSize = 4

// Where servers listen.
const (
	streamPort = 7
	closedPort = 8
	streamPath = "/run/streams"
)

// run is the whole of a scenario with count links.
func (s *streamScenario) run(count int) {
	w := s.world
	s.faults = w.Faults()
	s.resolver = &stubResolver{scenario: s, rand: rand.New(rand.NewPCG(w.Rand().Uint64(), 1))}
	for i := range w.Draw("hosts", 1, 3) {
		s.addHost(i)
	}
	for _, h := range s.hosts {
		h.Do(func() { s.listen(h) })
	}
	for i := range count {
		s.link(i)
	}
	s.accidents()
	w.Run(time.Duration(w.Draw("seconds", 1, 10)) * time.Second)
	w.SetFaults(evtest.Faults{Latency: s.faults.Latency})
	s.closing = true
	w.At(5*time.Hour, s.describe)
	w.Await("the end of the streams", func() bool { return s.left == 0 && s.goroutines == 0 })
	s.end()
}

// describe notes what is left, for the reader of a failure.
func (s *streamScenario) describe() {
	for _, l := range s.links {
		for _, e := range []*streamEnd{l.from, l.to} {
			if e != nil && e.state < endOver {
				s.world.Note("%s: state %d, enabled %v, input %d, output %d, unsent %d, closed %v, ended %v, broken %v, failed %v",
					e.name, e.state, e.b.Enabled(), e.b.Input().Len(), e.b.Output().Len(), e.b.Unsent(), e.closed, e.ended, e.broken, e.failed)
			}
		}
	}
	s.world.Note("%d ends are left", s.left)
}

// addHost adds a host with a second base, which has priorities.
func (s *streamScenario) addHost(i int) {
	h := &streamHost{Host: s.world.Host(fmt.Sprintf("host%d", i))}
	h.bases = []*event.Base{h.Base(), h.NewBase(nil)}
	for _, base := range h.bases {
		n := 1 + s.world.Rand().IntN(4)
		s.call(base, func() {
			if err := base.SetPriorities(n); err != nil {
				s.world.Failf("set priorities: %v", err)
			}
		})
	}
	s.hosts = append(s.hosts, h)
}

// call runs fn on a loop, and waits.
func (s *streamScenario) call(base *event.Base, fn func()) {
	done := false
	if err := base.Post(func() { fn(); done = true }); err != nil {
		s.world.Failf("post: %v", err)
		return
	}
	s.world.Await("a function on a loop", func() bool { return done })
}

// listen makes the listeners of a host.
func (s *streamScenario) listen(h *streamHost) {
	accept := func(l *listener.Listener, fd int, peer netip.AddrPort) { s.accept(h, l.Base(), fd, peer.Addr()) }
	flags := listener.CloseOnFree | listener.Reuseable
	for _, at := range []netip.AddrPort{h.AddrPort(streamPort), netip.AddrPortFrom(h.Addr6(), streamPort)} {
		l, err := listener.NewBind(h.bases[0], at, flags, listener.DefaultBacklog, accept)
		s.addListener(l, err)
	}
	l, err := listener.NewUnix(h.bases[0], streamPath, flags, listener.DefaultBacklog, accept)
	s.addListener(l, err)
}

func (s *streamScenario) addListener(l *listener.Listener, err error) {
	if err == nil {
		l.SetErrorCallback(func(l *listener.Listener, err error) { s.world.Note("%v", err) })
		s.listeners = append(s.listeners, l)
	} else if s.faults.NoDescriptors == 0 {
		s.world.Failf("listen: %v", err)
	}
}

// accept waits for the number of the link that a connection is an end of.
func (s *streamScenario) accept(h *streamHost, base *event.Base, fd int, peer netip.Addr) {
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		s.world.Failf("new socket: %v", err)
		return
	}
	if err := b.SetWatermark(event.Read, greetingSize, 0); err != nil {
		s.world.Failf("set watermark: %v", err)
	}
	s.left++
	gone := func() { b.Free(); s.left-- }
	if err := b.SetTimeouts(10*time.Minute, 0); err != nil { // a peer that was cut off says nothing
		s.world.Failf("set timeouts: %v", err)
	}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		var number [greetingSize]byte
		if n, err := b.Input().Remove(number[:]); n != len(number) || err != nil {
			s.world.Failf("read the number of a link: %d bytes, %v", n, err)
			gone()
			return
		}
		i := int(binary.BigEndian.Uint32(number[:]))
		if i >= len(s.links) || s.links[i].to != nil {
			s.world.Failf("the number of a link is %d", i)
			gone()
			return
		}
		if e := s.links[i].from; peer.IsValid() && e.local.IsValid() && peer != e.local {
			s.world.Failf("%s: the local address is %v, not %v", e.name, peer, e.local)
		}
		s.links[i].accepted(h, b)
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if b.Input().Len() >= greetingSize {
			s.world.Failf("the end of a stream comes before what has arrived")
		}
		gone()
	})
	if err := b.Enable(event.Read); err != nil {
		s.world.Failf("enable: %v", err)
	}
}

// accepted makes the other end of a link.
func (l *streamLink) accepted(h *streamHost, b *bufferevent.Bufferevent) {
	if err := errors.Join(b.SetWatermark(event.Read, 0, 0), b.SetTimeouts(0, 0)); err != nil {
		l.scenario.world.Failf("set watermark and timeouts: %v", err)
	}
	e := l.newEnd(h, "to", kindSocket)
	e.b, e.greeted, e.state = b, greetingSize, endOpen
	l.to = e
	l.join()
	if !e.addLayers() {
		return
	}
	e.start()
	e.enable(event.Read)
	if n := e.b.Input().Len(); n > 0 { // which no callback will tell
		e.triggered = true
		e.b.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
	}
}

// newEnd makes an end without a stream.
func (l *streamLink) newEnd(h *streamHost, side string, kind streamKind) *streamEnd {
	s := l.scenario
	e := &streamEnd{
		scenario: s, link: l, host: h, base: h.bases[0], kind: kind, connects: maxConnects,
		name:       fmt.Sprintf("%s of link %d (%v)", side, l.number, kind),
		rand:       rand.New(rand.NewPCG(l.rand.Uint64(), 3)),
		operations: 5 + l.rand.IntN(40), bytes: l.bytes,
	}
	forth, back := fmt.Sprintf("link %d forth", l.number), fmt.Sprintf("link %d back", l.number)
	if side == "to" {
		forth, back = back, forth
	}
	e.out, e.in = l.bytesOf(forth), l.bytesOf(back)
	return e
}

// bytesOf returns the bytes of a direction, of which both ends have the same.
func (l *streamLink) bytesOf(name string) *evtest.Bytes {
	for _, e := range []*streamEnd{l.from, l.to} {
		if e != nil && name == fmt.Sprintf("link %d forth", l.number) == (e == l.from) {
			return e.out
		} else if e != nil {
			return e.in
		}
	}
	return l.scenario.world.Bytes(name)
}

// join makes the ends know each other.
func (l *streamLink) join() {
	if l.from != nil && l.to != nil {
		l.from.peer, l.to.peer = l.to, l.from
	}
}

// accidents plans what happens to the hosts.
func (s *streamScenario) accidents() {
	w, r := s.world, s.world.Rand()
	moment := func() time.Duration { return time.Duration(r.IntN(8000)) * time.Millisecond }
	if r.IntN(5) == 0 {
		h, d := s.hosts[r.IntN(len(s.hosts))], time.Duration(r.IntN(4000))*time.Millisecond
		s.paused += d
		w.At(moment(), func() { h.Pause(d) })
	}
	if len(s.hosts) > 1 && r.IntN(5) == 0 {
		a, b := s.hosts[0], s.hosts[1]
		s.abused = true
		at := moment()
		w.At(at, func() { w.Cut(a.Host, b.Host) })
		w.At(at+time.Duration(1+r.IntN(150))*time.Second, func() { w.Mend(a.Host, b.Host) })
	}
	if r.IntN(6) == 0 {
		h, limit := s.hosts[r.IntN(len(s.hosts))], 4+r.IntN(12)
		at := moment()
		s.limited = true
		w.At(at, func() { h.SetDescriptors(limit) })
		w.At(at+time.Duration(r.IntN(4000))*time.Millisecond, func() { h.SetDescriptors(0) })
	}
}

// lateness is how much later than it should an end may be told of something.
func (s *streamScenario) lateness() time.Duration {
	return 3*time.Second + 10*s.faults.LateTimers + s.slowness()
}

// slowness is how long what is due may have to wait for the processor.
func (s *streamScenario) slowness() time.Duration { return 20*s.faults.HoldTime + s.paused }

// root returns the lowest bufferevent.
func (s *streamScenario) root(b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
	for b.Underlying() != nil {
		b = b.Underlying()
	}
	return b
}

// end frees what is left, and looks for what was left behind.
func (s *streamScenario) end() {
	for _, l := range s.listeners {
		s.call(l.Base(), l.Free)
	}
	for _, g := range s.groups {
		s.call(g.base, g.free)
	}
	s.world.Await("the rest to be sent", func() bool {
		for _, h := range s.hosts {
			for _, base := range h.bases {
				if base.NumEvents(event.CountAdded) > 0 {
					return false
				}
			}
		}
		return true
	})
	if s.references != 0 {
		s.world.Failf("%d references were not given back", s.references)
	}
	if s.resolver.waiting != 0 {
		s.world.Failf("%d lookups were not cancelled", s.resolver.waiting)
	}
	for _, l := range s.links {
		for _, c := range l.stack {
			c.checkFreed(s)
		}
	}
}
