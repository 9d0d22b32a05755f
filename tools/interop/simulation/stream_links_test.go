package simulation_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// link begins a stream of any kind.
func (s *streamScenario) link(number int) {
	r := rand.New(rand.NewPCG(s.world.Rand().Uint64(), uint64(number)))
	l := &streamLink{scenario: s, number: number, rand: r}
	l.bytes = 1 << (6 + r.IntN(11))
	if s.faults.SmallBuffers > 0 {
		l.bytes = min(l.bytes, 1500)
	}
	if s.layered {
		l.drawStack()
	}
	s.links = append(s.links, l)
	h := s.hosts[r.IntN(len(s.hosts))]
	begin := []func(*streamHost){l.pair, l.socketpair, l.connect, l.connect, l.connect, l.connect}[r.IntN(6)]
	s.left++ // until there are ends
	at := time.Duration(r.IntN(2000)) * time.Millisecond
	s.world.At(at, func() {
		err := h.bases[0].Post(func() { begin(h); s.left-- })
		if err != nil {
			s.world.Failf("post: %v", err)
		}
	})
}

// options are how a bufferevent is made.
func (l *streamLink) options() bufferevent.Options {
	return bufferevent.CloseOnFree | []bufferevent.Options{0, 0, bufferevent.DeferCallbacks, bufferevent.Nagle}[l.rand.IntN(4)]
}

// pair makes both ends of a link of the halves of a pair.
func (l *streamLink) pair(h *streamHost) {
	a, b, err := bufferevent.NewPair(h.bases[0], 0)
	if err != nil {
		l.scenario.world.Failf("new pair: %v", err)
		return
	}
	l.open(h, a, b, kindPair)
}

// socketpair makes both ends of connected sockets.
func (l *streamLink) socketpair(h *streamHost) {
	fds, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		if l.scenario.faults.NoDescriptors == 0 && !l.scenario.limited {
			l.scenario.world.Failf("socketpair: %v", err)
		}
		return
	}
	a, err := bufferevent.NewSocket(h.bases[0], fds[0], l.options())
	b, err2 := bufferevent.NewSocket(h.bases[0], fds[1], l.options())
	if err := errors.Join(err, err2); err != nil {
		l.scenario.world.Failf("new socket: %v", err)
		return
	}
	l.open(h, a, b, kindSocket)
}

// open begins the life of both ends.
func (l *streamLink) open(h *streamHost, a, b *bufferevent.Bufferevent, kind streamKind) {
	l.from = l.newEnd(h, "from", kind)
	l.to = l.newEnd(h, "to", kind)
	l.from.b, l.to.b = a, b
	l.from.deferred, l.to.deferred = true, true
	l.join()
	l.scenario.left += 2
	for _, e := range []*streamEnd{l.from, l.to} {
		e.state = endOpen
		if e.addLayers() {
			e.start()
			e.enable(event.Read)
		}
	}
}

// connect begins a connection to any host.
func (l *streamLink) connect(h *streamHost) {
	e := l.newEnd(h, "from", kindSocket)
	opts := l.options()
	e.deferred = opts&bufferevent.DeferCallbacks != 0
	b, err := bufferevent.NewSocket(e.base, -1, opts)
	if err != nil {
		l.scenario.world.Failf("new socket: %v", err)
		return
	}
	e.b, e.state, e.greeting = b, endConnecting, greetingSize
	l.from = e
	l.scenario.left++
	number := binary.BigEndian.AppendUint32(nil, uint32(l.number))
	if _, err := e.b.Write(number); err != nil {
		e.errorf("write: %v", err)
	}
	if !e.addLayers() {
		return
	}
	e.start()
	if e.rand.IntN(2) == 0 {
		e.enable(event.Read)
	}
	if e.rand.IntN(3) == 0 {
		e.anyTimeouts()
	}
	e.connect()
	if e.state == endConnecting && e.rand.IntN(2) == 0 {
		e.write()
	}
}

// connect tries to connect once.
func (e *streamEnd) connect() {
	e.connects--
	s := e.scenario
	target := s.hosts[e.rand.IntN(len(s.hosts))]
	at := target.AddrPort(streamPort)
	if e.rand.IntN(3) == 0 {
		at = netip.AddrPortFrom(target.Addr6(), streamPort)
	}
	if e.rand.IntN(8) == 0 {
		at = target.AddrPort(closedPort)
	}
	e.writeSince = time.Now()
	e.setLocalAddr()
	var err error
	way := e.rand.IntN(6)
	switch way {
	case 0:
		err = e.b.ConnectUnix(streamPath)
	case 1, 2:
		s.resolver.target, s.resolver.end = target, e
		err = e.b.ConnectHostname(s.resolver, "tcp", "host.example", streamPort)
	case 3:
		s.resolver.end = e
		err = e.b.ConnectAddress(s.resolver, at.String())
	default:
		err = e.b.Connect(at)
	}
	if err != nil {
		s.world.Note("%s: connect: %v", e.name, err)
		if s.faults.NoDescriptors == 0 && !s.limited && !evutil.IsRetriable(err) && !(e.local.IsValid() && errors.Is(err, bufferevent.ErrFamily)) {
			e.errorf("connect: %v", err)
		}
		e.connectFailed()
		return
	}
	if way > 3 && !errors.Is(e.b.Connect(at), bufferevent.ErrConnecting) {
		e.errorf("a second Connect while one is under way is no error")
	}
}

// setLocalAddr sets the address that the descriptor gets, or takes it back.
func (e *streamEnd) setLocalAddr() {
	local := netip.AddrPort{}
	switch e.rand.IntN(6) {
	case 0:
		local = e.host.AddrPort(0)
	case 1:
		local = netip.AddrPortFrom(e.host.Addr6(), 0)
	}
	if err := e.b.SetLocalAddr(local); err != nil {
		e.errorf("set local address: %v", err)
	}
	e.local = local.Addr()
}

// connectFailed tries again, or gives up.
func (e *streamEnd) connectFailed() {
	if e.b.Connected() {
		e.errorf("connected, after connecting has failed")
	}
	if err := e.b.DNSError(); errors.Is(err, evutil.EAINoName) != e.noName {
		e.errorf("the last host name was not found: %v, and the error is %v", e.noName, err)
	}
	if e.connects == 0 || e.scenario.closing || e.fails != nil || e.waiting() < greetingSize {
		e.free()
		return
	}
	e.cut, e.closed, e.broken, e.reset = true, false, false, false
	if fd := e.b.FD(); fd != -1 {
		e.errorf("fd %d is left after connecting has failed", fd)
	}
	// What Connect finds broken, SetFD mends.
	set := e.b.SetFD
	if e.rand.IntN(2) == 0 {
		set = e.b.ReplaceFD
	}
	if err := set(-1); err != nil {
		e.errorf("set descriptor: %v", err)
	}
	e.beginAnew()
	e.connect()
}

// beginAnew notes that for the layers another stream begins.
func (e *streamEnd) beginAnew() {
	for _, l := range e.layers {
		l.ended = [2]bool{}
	}
}

// move hands the descriptor to another bufferevent, if nothing waits in this one.
func (e *streamEnd) move() {
	if e.kind != kindSocket || len(e.layers) > 0 || e.state != endOpen || e.gone() || e.closed || e.b.Output().Len() > 0 || e.refs > 0 || e.depth > 0 {
		return
	}
	e.leaveGroup()
	if e.limit != nil {
		e.setLimit(nil)
	}
	e.take(e.b.Input().Len())
	e.unwatch()
	enabled := e.b.Enabled()
	fd := e.b.FD()
	if err := e.b.SetFD(-1); err != nil {
		e.errorf("set descriptor: %v", err)
	}
	if e.b.Connected() || e.b.FD() != -1 {
		e.errorf("a bufferevent without a descriptor has %d", e.b.FD())
	}
	b, err := bufferevent.NewSocket(e.base, -1, bufferevent.CloseOnFree)
	if err == nil {
		err = b.SetFD(fd)
	}
	if err != nil {
		e.errorf("another bufferevent for the descriptor: %v", err)
		return
	}
	e.b.Free()
	e.b = b
	e.countBelow()
	e.low, e.high, e.bound, e.lowWrite, e.readTimeout, e.writeTimeout, e.triggered, e.deferred, e.noName = 0, 0, 0, 0, 0, 0, false, false, false
	e.setCallbacks()
	if enabled&event.Read != 0 || e.rand.IntN(2) == 0 {
		e.enable(event.Read)
	}
}

// reseat takes the descriptor away and gives it back. What is in the buffers goes on.
func (e *streamEnd) reseat() {
	if e.kind != kindSocket || e.state != endOpen || e.gone() || e.closed || e.fails != nil || e.depth > 0 {
		return
	}
	enabled, fd := e.b.Enabled(), e.b.FD()
	unsent, input := e.b.Unsent(), e.b.Input().Len()
	if err := e.b.SetFD(-1); err != nil {
		e.errorf("set descriptor: %v", err)
	}
	if e.b.Connected() || e.b.FD() != -1 || e.b.Err() != nil {
		e.errorf("without a descriptor it is %d, and the error %v", e.b.FD(), e.b.Err())
	}
	if e.b.Unsent() != unsent && len(e.layers) == 0 || e.b.Input().Len() < input { // a layer may go on
		e.errorf("%d bytes unsent and %d of input are left of %d and %d", e.b.Unsent(), e.b.Input().Len(), unsent, input)
	}
	e.touchedAt, e.writeStuck = time.Now(), time.Time{}
	e.timing()
	e.beginAnew()
	if err := e.b.SetFD(fd); err != nil {
		e.errorf("set descriptor: %v", err)
	}
	e.enable(enabled | event.Write)
}

// rebase moves the end to another loop of its host.
func (e *streamEnd) rebase() {
	if e.kind != kindSocket || len(e.layers) > 0 || e.state != endOpen || e.depth > 0 || e.group != nil || e.scenario.closing {
		return
	}
	enabled := e.b.Enabled()
	if err := e.b.Disable(event.Read | event.Write); err != nil && !e.gone() {
		e.errorf("disable: %v", err)
	}
	base := e.host.bases[e.rand.IntN(2)]
	if base == e.base {
		e.enable(enabled | event.Write)
		return
	}
	if e.limit != nil {
		e.setLimit(nil)
	}
	if err := e.b.SetBase(base); err != nil {
		if !errors.Is(err, event.ErrPending) {
			e.errorf("set base: %v", err)
		}
		e.enable(enabled | event.Write)
		return
	}
	e.tick.Free()
	e.tick = nil // until the other loop goes on, on which nothing else happens
	e.base = base
	err := base.Post(func() {
		e.startTick()
		e.enable(enabled | event.Write)
	})
	if err != nil {
		e.errorf("post: %v", err)
	}
}

// A stubResolver answers with several addresses, of which some lead nowhere.
type stubResolver struct {
	scenario *streamScenario
	rand     *rand.Rand
	target   *streamHost // whose addresses the next answer has
	end      *streamEnd  // that asks next
	waiting  int
}

// GetAddrInfo implements bufferevent.Resolver.
func (r *stubResolver) GetAddrInfo(node, service string, _ *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) (cancel func()) {
	if at, err := netip.ParseAddrPort(net.JoinHostPort(node, service)); err == nil {
		r.end.noName = false
		done([]evutil.AddrInfo{addrInfo(at)}, nil) // as a resolver does with an address
		return func() {}
	}
	addrs, err, e := r.answer(), error(nil), r.end
	e.noName = false
	if len(addrs) == 0 {
		err = evutil.EAINoName
	}
	if r.rand.IntN(4) == 0 {
		e.noName = err != nil
		done(addrs, err)
		return func() {}
	}
	over := false
	r.waiting++
	end := func() bool {
		if over {
			return false
		}
		over = true
		r.waiting--
		return true
	}
	timer := e.base.NewTimer(func(*event.Event, event.What) {
		if end() {
			e.noName = err != nil
			done(addrs, err)
		}
	})
	if err := timer.AddTimeout(time.Duration(r.rand.IntN(2000)) * time.Millisecond); err != nil {
		r.scenario.world.Failf("add: %v", err)
	}
	return func() {
		if end() {
			timer.Free()
		}
	}
}

// answer returns the addresses of a name.
func (r *stubResolver) answer() []evutil.AddrInfo {
	var addrs []evutil.AddrInfo
	for range r.rand.IntN(5) {
		at := []netip.AddrPort{
			r.target.AddrPort(streamPort), netip.AddrPortFrom(r.target.Addr6(), streamPort),
			r.target.AddrPort(closedPort), netip.MustParseAddrPort("10.9.9.9:7"), netip.MustParseAddrPort("[fd00::9:9]:7"),
		}[r.rand.IntN(5)]
		addrs = append(addrs, addrInfo(at))
	}
	return addrs
}

func addrInfo(at netip.AddrPort) evutil.AddrInfo {
	family := syscall.AF_INET
	if at.Addr().Is6() {
		family = syscall.AF_INET6
	}
	return evutil.AddrInfo{Family: family, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP, Addr: at}
}
