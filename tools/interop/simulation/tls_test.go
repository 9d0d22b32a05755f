package simulation_test

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evcert"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestTLS has clients and servers of evtls talk to each other over sockets, pairs,
// filters and other TLS streams, and with somebody in the middle.
func TestTLS(t *testing.T) {
	pki() // outside of the bubble
	evtest.Simulate(t, evtest.Simulation{Limit: 48 * time.Hour, Faults: gentleTLS}, func(w *evtest.World) {
		newTLSWorld(w, false).run()
	})
}

// TestTLSGoroutines is TestTLS with what runs beside the loops: workers for handshakes,
// functions of configurations that wait, stores that reload files and get OCSP
// responses, and crypto/tls at one end, in goroutines that wait, which asks for new keys
// now and then. Which of two goroutines goes first is nothing that a seed says.
func TestTLSGoroutines(t *testing.T) {
	pki()
	evtest.Simulate(t, evtest.Simulation{Limit: 48 * time.Hour, Faults: gentleTLS, Free: true}, func(w *evtest.World) {
		newTLSWorld(w, true).run()
	})
}

// gentleTLS makes faults rarer that end connections, or hardly any would survive.
func gentleTLS(f *evtest.Faults) {
	f.Reset /= 4
	f.NoBuffers /= 4
	f.NoDescriptors /= 2
}

// A tlsWorld is the whole scenario.
type tlsWorld struct {
	world    *evtest.World
	rand     *rand.Rand
	server   *evtest.Host
	middle   *evtest.Host
	clients  []*evtest.Host
	services []*tlsService
	calls    []*tlsCall
	stopped  map[*evtest.Host]bool
	started  time.Time
	free     bool // goroutines beside the loops take part
}

func newTLSWorld(w *evtest.World, free bool) *tlsWorld {
	tw := &tlsWorld{
		world: w, free: free, rand: w.Rand(), server: w.Host("server"), middle: w.Host("middle"),
		stopped: make(map[*evtest.Host]bool), started: time.Now(),
	}
	for i := range w.Draw("clients", 1, 2) {
		tw.clients = append(tw.clients, w.Host(fmt.Sprintf("client%d", i+1)))
	}
	tw.server.Do(func() {
		for i := range w.Draw("services", 1, 2) {
			tw.services = append(tw.services, newTLSService(tw, tw.server, i))
		}
	})
	tw.plan()
	return tw
}

// plan draws the connections that there will be, and when.
func (tw *tlsWorld) plan() {
	r := tw.rand
	most := 3000
	if tw.world.Faults().SmallBuffers > 0 {
		most = 300
	}
	span := []time.Duration{time.Second, time.Minute, 2 * time.Hour}[r.IntN(3)]
	var identities [][]*tlsIdentity
	for range tw.clients {
		var ids []*tlsIdentity
		for _, s := range tw.services {
			ids = append(ids, newTLSIdentity(s, r))
		}
		identities = append(identities, ids)
	}
	for i := range tw.world.Draw("connections", 1, 5) {
		client, service := r.IntN(len(tw.clients)), r.IntN(len(tw.services))
		c := &tlsCall{
			tw: tw, world: tw.world, number: i, service: tw.services[service], id: identities[client][service],
			at: time.Duration(r.Int64N(int64(span))),
		}
		c.draw(tw.clients[client], most)
		tw.calls = append(tw.calls, c)
	}
	slices.SortFunc(tw.calls, func(a, b *tlsCall) int { return int(a.at - b.at) })
}

// run runs the connections, and what happens to hosts meanwhile.
func (tw *tlsWorld) run() {
	w, r := tw.world, tw.rand
	for _, c := range tw.calls {
		w.At(c.at, c.begin)
	}
	for _, s := range tw.services {
		if s.store != nil {
			for range r.IntN(5) {
				w.At(time.Duration(r.Int64N(int64(tw.span()))), s.store.replace)
			}
		}
	}
	if r.IntN(5) == 0 {
		tw.upset()
	}
	w.Await("the end of the connections", func() bool {
		return !slices.ContainsFunc(tw.calls, func(c *tlsCall) bool { return !c.over() })
	})
	if !tw.stopped[tw.server] {
		tw.end()
	}
	w.Run(20 * time.Second) // in which the last pauses of the middle end
	w.Await("the end of all sockets", func() bool {
		return len(tw.server.Descriptors())+len(tw.middle.Descriptors()) == 0
	})
	for _, c := range tw.calls {
		c.wantOutcome()
	}
}

func (tw *tlsWorld) span() time.Duration {
	return tw.calls[len(tw.calls)-1].at + 5*time.Minute
}

// end frees the stores, after they had time to load the last files.
func (tw *tlsWorld) end() {
	for _, s := range tw.services {
		if s.store == nil {
			continue
		}
		s.store.settled = true
		tw.world.Run(30 * time.Second) // replacing ends
		tw.world.Run(s.store.interval*2 + 2*slack)
		if s.store.told != s.store.version {
			tw.world.T().Errorf("version %d of the files was never loaded", s.store.version)
		}
		tw.server.Do(s.store.free)
	}
}

// upset stops a host, pauses one, or cuts two off from each other.
func (tw *tlsWorld) upset() {
	w, r := tw.world, tw.rand
	hosts := append([]*evtest.Host{tw.server, tw.middle}, tw.clients...)
	h, other := hosts[r.IntN(len(hosts))], hosts[r.IntN(len(hosts))]
	w.Run(time.Duration(r.Int64N(int64(tw.span()))))
	switch r.IntN(3) {
	case 0:
		w.Note("%s stops", h.Name())
		for _, c := range tw.calls {
			c.accident = true
			for side, e := range c.ends {
				if e.host == h {
					c.stopped[side] = true
				}
			}
			c.lost = c.lost || c.meddler != nil && h == tw.middle
		}
		tw.stopped[h] = true
		h.Stop()
	case 1:
		h.Pause(time.Duration(r.Int64N(int64(time.Minute))))
	case 2:
		for _, c := range tw.calls {
			c.accident = true
		}
		w.Cut(h, other)
		w.At(time.Duration(r.Int64N(int64(5*time.Minute))), func() { w.Mend(h, other) })
	}
}

// A tlsCall is one connection, with both its ends.
type tlsCall struct {
	tw      *tlsWorld
	world   *evtest.World
	number  int
	service *tlsService
	id      *tlsIdentity
	at      time.Duration
	ends    [2]*tlsEnd
	meddler *tlsMeddler // or nil
	local   bool        // over a pair
	byName  bool        // connects by ConnectHostname
	clear   bool        // begins in clear
	layers  []tlsLayer  // below, from the bottom on

	begun     bool
	listeners []*listener.Listener
	unserved  bool // nothing listens
	cut       bool // the meddler has ended something
	tampered  [2]bool
	spoiled   [2]bool // what a side reads was tampered with
	accident  bool    // hosts were stopped, or cut off
	stopped   [2]bool
	lost      bool // the host in the middle was stopped
}

// A tlsLayer is what is between a socket and TLS.
type tlsLayer uint8

const (
	layerPlain tlsLayer = iota // a filter that passes on
	layerMask                  // a filter that changes each byte
	layerTLS
)

// draw draws everything about the connection.
func (c *tlsCall) draw(client *evtest.Host, most int) {
	r := c.world.Rand()
	c.ends[0] = &tlsEnd{call: c, side: 0, host: client, habit: drawHabit(r)}
	c.ends[1] = &tlsEnd{call: c, side: 1, host: c.tw.server, habit: drawHabit(r)}
	c.ends[0].peer, c.ends[1].peer = c.ends[1], c.ends[0]
	roles := [][2]tlsRole{
		{roleClose, roleAnswer}, {roleAnswer, roleClose}, {roleClose, roleClose}, {roleClose, roleAnswer},
		{roleAnswer, roleClose}, {roleHurry, roleAnswer}, {roleClose, roleAbrupt}, {roleAbrupt, roleAnswer},
	}[r.IntN(8)]
	for side, e := range c.ends {
		if !c.tw.free {
			e.habit.workers, e.habit.waits = false, 0
		}
		e.habit.role = roles[side]
		e.habit.abrupt = r.IntN(2 * most)
		if roles[side] == roleAnswer && r.IntN(3) == 0 {
			e.habit.writing = writeReplies
		}
		size := r.IntN(1 + r.IntN(most))
		if r.IntN(12) == 0 {
			size *= 40
		}
		e.out = make([]byte, size)
		for i := range e.out {
			e.out[i] = byte(r.Uint32())
		}
		e.peer.in = e.out
		e.habit.piece = max(e.habit.piece, len(e.out)/40+1, 1)
	}
	for _, e := range c.ends { // no more rounds than that for what the other sends
		e.habit.piece = max(e.habit.piece, len(e.in)/40+1)
	}
	c.byName = c.id.cfg.ServerName == "" || r.IntN(4) == 0
	for range r.IntN(3) {
		c.layers = append(c.layers, tlsLayer(r.IntN(3)))
	}
	switch r.IntN(8) {
	case 0:
		// Nobody tells its name, or that the other half of a pair was just freed.
		if c.id.named && max(roles[0], roles[1]) < roleHurry {
			c.local, c.byName = true, false
			c.ends[0].host = c.tw.server
		}
	case 1:
		c.clear = true
	case 2, 3, 4:
		c.meddler = drawMeddler(c, c.tw.middle, r)
		if len(c.layers) > 0 && (c.layers[0] != layerTLS || slices.Contains(c.layers[1:], layerTLS)) {
			c.layers = nil // what is tampered with is to be TLS
		}
	}
	if n := r.IntN(3); c.tw.free && n < 2 && roles[n] < roleHurry && c.ends[n].habit.writing != writeReplies {
		h := &c.ends[n].habit
		h.blocking, h.updates = true, 1+r.IntN(6)
	}
}

// begin begins the connection.
func (c *tlsCall) begin() {
	client, server := c.ends[0], c.ends[1]
	if c.tw.stopped[client.host] || c.tw.stopped[server.host] || c.meddler != nil && c.tw.stopped[c.tw.middle] {
		c.finishUnbegun()
		return
	}
	c.begun = true
	for _, e := range c.ends {
		c.world.Note("%v: %d bytes, %v", e, len(e.out), &e.habit)
	}
	if c.local {
		server.host.Post(c.beginLocal)
		return
	}
	port := uint16(1000 + c.number)
	server.host.Post(func() {
		l, err := listener.NewBind(server.host.Base(), server.host.AddrPort(port), listener.CloseOnFree|listener.Reuseable, 4, c.accept)
		if err != nil {
			c.unserved = true
		} else {
			c.listeners = append(c.listeners, l)
		}
		at := server.host
		if c.meddler != nil {
			at = c.tw.middle
			at.Post(func() {
				if l := c.meddler.listen(port, server.host.AddrPort(port)); l != nil {
					c.listeners = append(c.listeners, l)
				}
				client.host.Post(func() { c.connect(at.AddrPort(port)) })
			})
			return
		}
		client.host.Post(func() { c.connect(at.AddrPort(port)) })
	})
}

// finishUnbegun ends what cannot begin.
func (c *tlsCall) finishUnbegun() {
	for _, e := range c.ends {
		e.state, e.drained = tlsEnded, true
	}
}

// beginLocal makes both ends over a pair.
func (c *tlsCall) beginLocal() {
	a, b, err := bufferevent.NewPair(c.tw.server.Base(), bufferevent.CloseOnFree)
	if err != nil {
		c.world.T().Error(err)
		return
	}
	c.secure(c.ends[1], b)
	c.secure(c.ends[0], a)
}

// connect is the client's beginning.
func (c *tlsCall) connect(to netip.AddrPort) {
	e := c.ends[0]
	if c.tw.stopped[e.host] {
		c.finishUnbegun()
		return
	}
	b, err := bufferevent.NewSocket(e.host.Base(), -1, bufferevent.CloseOnFree)
	if err != nil {
		c.world.T().Error(err)
		return
	}
	dial := func(b *bufferevent.Bufferevent) {
		var err error
		if c.byName {
			err = b.ConnectHostname(nil, "tcp", to.Addr().String(), int(to.Port()))
		} else {
			err = b.Connect(to)
		}
		if err != nil && e.state == tlsBegun {
			e.wantReason(tlsReasonOf(err), err)
			e.reason = tlsReasonOf(err)
			e.free()
		}
	}
	switch {
	case c.clear:
		e.beginInClear(b, func() { dial(b) })
	case e.habit.blocking:
		top := c.stack(e, b)
		if top.Err() == nil {
			dial(top)
		}
		e.block(top, c.named(to, e.config()))
	default:
		c.secure(e, b)
		dial(e.b)
	}
}

// named gives a configuration the name that crypto/tls does not find out.
func (c *tlsCall) named(to netip.AddrPort, cfg *tls.Config) *tls.Config {
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = to.Addr().String()
	}
	return cfg
}

// accept is the server's beginning.
func (c *tlsCall) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	e := c.ends[1]
	b, err := bufferevent.NewSocket(e.host.Base(), fd, bufferevent.CloseOnFree)
	if err != nil {
		c.world.T().Error(err)
		return
	}
	if e.state != tlsIdle {
		c.world.T().Errorf("%v: accepted twice", e)
		b.Free()
		return
	}
	if c.clear {
		e.beginInClear(b, nil)
		return
	}
	c.secure(e, b)
}

// config is the configuration of crypto/tls for an end.
func (e *tlsEnd) config() *tls.Config {
	waits := e.habit.waits
	if e.side == 0 {
		return e.call.id.config(waits)
	}
	cfg := e.call.service.config(waits)
	if e.habit.blocking && e.habit.updates > 0 {
		cfg = cfg.Clone()
		cfg.SessionTicketsDisabled = true // which would count as records
	}
	return cfg
}

// evtlsConfig is evtls's.
func (e *tlsEnd) evtlsConfig() *evtls.Config {
	cfg := &evtls.Config{TLS: e.config(), Flags: e.habit.flags, HandshakeTimeout: e.habit.handshake}
	if e.habit.workers {
		cfg.Workers = e.call.service.workers
	}
	return cfg
}

var states = [2]evtls.State{evtls.Connecting, evtls.Accepting}

// stack puts what belongs below TLS over a bufferevent.
func (c *tlsCall) stack(e *tlsEnd, b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
	var err error
	for _, layer := range c.layers {
		switch layer {
		case layerPlain:
			b, err = bufferevent.NewFilter(b, nil, nil, bufferevent.CloseOnFree, nil)
		case layerMask:
			b, err = bufferevent.NewFilter(b, mask, mask, bufferevent.CloseOnFree, nil)
		case layerTLS:
			b, err = evtls.NewFilter(b, states[e.side], &evtls.Config{TLS: tunnel[e.side]()}, bufferevent.CloseOnFree)
		}
		if err != nil {
			c.world.T().Error(err)
			return b
		}
	}
	return b
}

// mask is a filter that changes each byte.
func mask(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	n := src.Len()
	if limit >= 0 {
		n = min(n, limit)
	}
	if n == 0 {
		return nil
	}
	p := make([]byte, n)
	if _, err := src.Remove(p); err != nil {
		return err
	}
	for i := range p {
		p[i] ^= 0x5a
	}
	return dst.Add(p)
}

// tunnel has the configurations of TLS below TLS.
var tunnel = [2]func() *tls.Config{
	func() *tls.Config {
		return &tls.Config{RootCAs: pki().trusted.pool, ServerName: tlsName, MinVersion: tls.VersionTLS13}
	},
	func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{*pki().good}, MinVersion: tls.VersionTLS13}
	},
}

// secure puts TLS over a bufferevent and all that is below it, and begins.
func (c *tlsCall) secure(e *tlsEnd, b *bufferevent.Bufferevent) {
	b = c.stack(e, b)
	if e.side == 0 && !c.id.named && (c.clear || slices.Contains(c.layers, layerTLS)) { // connecting names the lowest
		b.NamePeer(c.tw.server.Addr().String())
	}
	if e.habit.blocking {
		cfg := e.config()
		if e.side == 0 {
			cfg = c.named(netip.AddrPortFrom(c.tw.server.Addr(), 0), cfg)
		}
		e.block(b, cfg)
		return
	}
	cfg := e.evtlsConfig()
	top, err := evtls.NewFilter(b, states[e.side], cfg, e.options())
	if err != nil {
		c.world.T().Error(err)
		return
	}
	e.begin(top)
}

// beginInClear says a line in clear before TLS begins.
func (e *tlsEnd) beginInClear(b *bufferevent.Bufferevent, dial func()) {
	e.b, e.state = b, tlsBegun
	e.start()
	line := [...]string{"ready\n", "STARTTLS\n"}[e.side]
	if e.side == 0 {
		_, err := b.WriteString("STARTTLS\n")
		e.check(err)
	}
	e.check(b.SetTimeouts(e.habit.idle, e.habit.idle))
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		got, err := b.Input().ReadLine(evbuffer.EOLLF)
		if err != nil {
			return
		}
		if got+"\n" != line {
			e.errorf("%q has come in clear", got)
		}
		if e.side == 1 {
			_, err := b.WriteString("ready\n")
			e.check(err)
		}
		e.call.secure(e, b)
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.ConnectionMade:
			return
		case bufferevent.InputEnded:
			e.reason = reasonCut
		case bufferevent.TimedOut:
			e.reason = reasonIdle
		default:
			e.reason = tlsReasonOf(b.Err())
		}
		e.wantReason(e.reason, b.Err())
		e.free()
	})
	e.check(b.Enable(event.Read))
	if dial != nil {
		dial()
	}
}

// over reports whether both ends have ended, and closes what waits for clients.
func (c *tlsCall) over() bool {
	if time.Since(c.tw.started) < c.at {
		return false
	}
	client, server := c.ends[0], c.ends[1]
	ended := func(e *tlsEnd) bool { return e.state == tlsEnded && e.drained || c.stopped[e.side] }
	if !ended(client) {
		return false
	}
	if server.state == tlsIdle && !c.local || ended(server) {
		// A connection that comes to be accepted now would have no client.
		return c.closeListeners() && (server.state == tlsIdle || ended(server))
	}
	return false
}

// closeListeners frees the listeners once, some time after the client has ended: what
// it has sent may still be on its way.
func (c *tlsCall) closeListeners() bool {
	if len(c.listeners) == 0 {
		return true
	}
	for _, l := range c.listeners {
		h := c.tw.server
		if l.Base() != h.Base() {
			h = c.tw.middle
		}
		if !c.tw.stopped[h] {
			h.Post(l.Free)
		}
	}
	c.listeners = nil
	return true
}

// disagreement reports whether the sides cannot agree on anything.
func (c *tlsCall) disagreement() bool {
	return !c.id.agrees() || !c.id.trusted() // a client that has no certificate breaks the protocol
}

// refusal reports whether an end has had a reason to refuse the other's certificate.
func (c *tlsCall) refusal(e *tlsEnd, now time.Time, reason tlsReason) bool {
	if reason == reasonStaple {
		return e.side == 0 && c.id.policy != evcert.IgnoreStaple && c.stapleMayLack(e, now)
	}
	if e.side == 1 {
		return !c.id.trusted()
	}
	return !c.id.trusts(e.began) || !c.id.trusts(now)
}

// stapleMayLack reports whether a client may have found no good OCSP response.
func (c *tlsCall) stapleMayLack(e *tlsEnd, now time.Time) bool {
	s := c.service.store
	if len(c.id.known) > 0 && c.id.caches {
		return true // the session may have an old one
	}
	for version := s.told; version <= s.version; version++ {
		if !s.stapled[version].After(now) {
			return true
		}
	}
	return s.toldAt.After(e.began.Add(-slack))
}

// wantState checks what a handshake has led to.
func (c *tlsCall) wantState(e *tlsEnd, state *tls.ConnectionState) {
	e.resumed = state.DidResume
	switch {
	case !state.HandshakeComplete:
		e.errorf("the handshake is not complete")
	case state.Version < max(c.id.min, c.service.min), state.Version > min(c.id.max, c.service.max):
		e.errorf("version %x", state.Version)
	case !c.id.agrees():
		e.errorf("a connection though nothing is agreed upon")
	case state.NegotiatedProtocol != c.protocol():
		e.errorf("protocol %q, want %q", state.NegotiatedProtocol, c.protocol())
	}
	if e.side == 0 {
		c.wantServer(e, state)
	} else {
		c.wantClient(e, state)
	}
	if e.peer.connected && e.resumed != e.peer.resumed {
		e.errorf("resumed: %v, and %v", e.resumed, e.peer.resumed)
	}
}

// protocol is what ALPN has to agree on: the server's choice.
func (c *tlsCall) protocol() string {
	for _, p := range c.service.alpn {
		if slices.Contains(c.id.alpn, p) {
			return p
		}
	}
	return ""
}

// wantServer checks what the client knows of the server.
func (c *tlsCall) wantServer(e *tlsEnd, state *tls.ConnectionState) {
	serial := state.PeerCertificates[0].SerialNumber.Int64()
	switch s := c.service; {
	case state.DidResume && !c.id.served:
		e.errorf("a session is resumed that there never was")
	case state.DidResume:
	case s.store != nil:
		if err := s.store.wantCurrent(serial, e.began); err != nil {
			e.errorf("%v", err)
		}
	case serial != s.cert.Leaf.SerialNumber.Int64():
		e.errorf("the certificate has the serial number %d", serial)
	}
	if !c.id.trusts(e.began) && !c.id.trusts(time.Now()) {
		e.errorf("a bad certificate is taken")
	}
	if p := state.OCSPResponse; len(p) > 0 && !state.DidResume {
		_, err := evcert.VerifyStaple(p, state.PeerCertificates[0], pki().stapled.cert, e.began)
		_, err2 := evcert.VerifyStaple(p, state.PeerCertificates[0], pki().stapled.cert, time.Now())
		if err != nil && err2 != nil {
			e.errorf("a bad OCSP response: %v", err)
		}
	} else if c.id.policy != evcert.IgnoreStaple && !state.DidResume {
		e.errorf("no OCSP response")
	}
	c.id.served = true
	if !slices.Contains(c.id.known, serial) {
		c.id.known = append(c.id.known, serial)
	}
}

// wantClient checks what the server knows of the client.
func (c *tlsCall) wantClient(e *tlsEnd, state *tls.ConnectionState) {
	if !c.id.trusted() {
		e.errorf("a bad client is taken")
	}
	c.id.served = true
	var want int64
	if c.service.auth != tls.NoClientCert && c.id.cert != nil {
		want = c.id.cert.Leaf.SerialNumber.Int64()
	}
	var got int64
	if len(state.PeerCertificates) > 0 {
		got = state.PeerCertificates[0].SerialNumber.Int64()
	}
	if got != want {
		e.errorf("the client's certificate is %d, want %d", got, want)
	}
}

// wantOutcome checks how the connection has ended.
func (c *tlsCall) wantOutcome() {
	if !c.begun {
		return
	}
	client, server := c.ends[0], c.ends[1]
	client.wantTeller()
	server.wantTeller()
	if c.accident || c.cut || c.unserved || c.tampered[0] || deadly(c.world.Faults()) {
		return
	}
	orderly := client.habit.role < roleHurry && server.habit.role < roleHurry
	for _, e := range c.ends {
		switch {
		case e.reason == reasonLate, e.reason == reasonIdle, e.peer.reason == reasonLate, e.peer.reason == reasonIdle:
		case c.mayFail(): // and who allows dirty shutdowns takes it for an end
		case e.broken() && orderly:
			e.errorf("has failed for no reason: %s", e.reason)
		case orderly && !(e.inputEnded && e.got == len(e.in) && e.said):
			e.errorf("has got %d of %d bytes, and sent %d of %d", e.got, len(e.in), e.sent, len(e.out))
		}
	}
}

// mayFail reports whether the handshake is one that fails.
func (c *tlsCall) mayFail() bool {
	e := c.ends[0]
	return !c.id.agrees() || !c.id.trusted() || !c.id.trusts(e.began) || !c.id.trusts(e.moved) ||
		c.ends[0].reason == reasonStaple || c.answersLate()
}

// answersLate reports whether an end may answer key updates that the other one does not
// wait for, which is a reset for it.
func (c *tlsCall) answersLate() bool {
	for _, e := range c.ends {
		if e.habit.blocking && (e.peer.reason == reasonReset || e.peer.unwritable) {
			return true
		}
	}
	return false
}
