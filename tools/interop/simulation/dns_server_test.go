package simulation_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// A server answers over UDP and TCP what its clients ask: at once, late, never, truncated
// or with an error, as the name in the question says; other names it forwards to
// nameservers. Clients pipeline, send what is no query, and go in the middle.
func TestDNSServer(t *testing.T) {
	event.SetLogCallback(func(event.LogSeverity, string) {})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
		s := newDNSServer(w)
		for i := range w.Draw("clients", 1, 5) {
			s.clients = append(s.clients, newDNSClient(s, i))
		}
		for range w.Draw("steps", 1, 20) {
			s.step()
		}
		s.recover()
		s.end()
	})
}

// An order is what a name asks the server to do.
type order struct {
	uid     int // of the query
	records int
	delay   time.Duration
	rcode   int
	mode    orderMode
}

type orderMode int

const (
	orderRespond orderMode = iota // with records that are added
	orderMessage                  // with a message
	orderTwice                    // respond, and respond again
	orderDrop
	orderNever
	orderBadRecord
	orderBadRcode
	orderModes
)

const orderDomain = "srv.test."

func (o order) name() string {
	return fmt.Sprintf("q%d-%d-%d-%d-%d.%s", o.uid, o.records, o.delay.Milliseconds(), o.rcode, o.mode, orderDomain)
}

// parseOrder is the inverse of name.
func parseOrder(name string) (o order, ok bool) {
	first, domain, _ := strings.Cut(strings.ToLower(name), ".")
	var ms int
	n, err := fmt.Sscanf(first, "q%d-%d-%d-%d-%d", &o.uid, &o.records, &ms, &o.rcode, &o.mode)
	o.delay = time.Duration(ms) * time.Millisecond
	return o, domain == orderDomain && n == 5 && err == nil && o.records < 6000
}

// A dnsServer is the server with its clients, and what is known about them.
type dnsServer struct {
	world     *evtest.World
	host      *evtest.Host
	udp, tcp  *evdnsserver.Server
	zones     *zones
	upstreams []*nameserver
	resolver  *evdns.Base // or nil: it does not forward

	goodUpstreams bool // always
	clients       []*dnsClient
	began         time.Time

	open      []*heldRequest // by UDP; some may have ended
	timers    []*event.Event
	calls     [2]uint64
	answered  [2]uint64 // by Respond, without an error
	dropped   [2]uint64
	nextUID   int
	got       map[int]bool // queries, by TCP
	closed    bool
	datagrams uint64 // sent by clients

	honest      bool          // messages are not corrupted
	calm        bool          // nothing is lost, and the loop is quick
	slow        bool          // the loop may take any time
	prompt      bool          // the network takes no longer than transit
	narrow      bool          // sockets may have room for a few bytes only
	transit     time.Duration // there and back
	leastIdle   time.Duration // of all configurations
	leastWait   time.Duration
	mostWait    time.Duration
	mostUDPSize int
	mostUDP     int // requests
	leastUDP    int
	leastTCP    int // connections
	conns       int // connections so far, which the server may have for longer than the clients
	crowded     bool
}

// A heldRequest is one that waits for its answer.
type heldRequest struct {
	request *evdnsserver.Request
	proto   int
	ended   bool
}

func newDNSServer(w *evtest.World) *dnsServer {
	f := w.Faults()
	s := &dnsServer{world: w, host: w.Host("server"), zones: newZones(w), began: w.Now(), got: make(map[int]bool)}
	s.transit = 2*(f.Latency+f.Jitter) + 10*time.Millisecond
	s.honest = f.Corrupt == 0
	s.slow, s.narrow = f.Hold > 0, f.SmallBuffers > 0
	s.prompt = f.Delay == 0 && f.Bandwidth == 0 && f.Reorder == 0 && !s.narrow
	s.calm = s.honest && !s.slow && f.Lose == 0 && f.Duplicate == 0 && f.NoBuffers == 0 && f.NoDescriptors == 0
	for i := range w.Rand().IntN(3) {
		s.upstreams = append(s.upstreams, newNameserver(w, fmt.Sprintf("ns%d", i), s.zones))
	}
	s.drawUpstreams()
	s.host.Do(func() {
		s.startUDP()
		s.startTCP()
		s.startResolver()
	})
	return s
}

// drawUpstreams draws how the nameservers behave.
func (s *dnsServer) drawUpstreams() {
	r := s.world.Rand()
	s.goodUpstreams = len(s.upstreams) > 0 && r.IntN(2) == 0
	for _, u := range s.upstreams {
		u.hop = r.IntN(2) == 0
		if s.goodUpstreams {
			s.world.Await("an upstream", func() bool { return u.socket != nil && u.listener != nil })
			m := mood{delay: time.Duration(r.IntN(100)) * time.Millisecond, truncate: r.IntN(4) == 0, fold: r.IntN(8) == 0, twice: r.IntN(4) == 0}
			u.setMood(m)
		}
	}
}

func (s *dnsServer) addr() netip.AddrPort { return s.host.AddrPort(dnsPort) }

func (s *dnsServer) startUDP() {
	at := s.addr()
	if s.world.Rand().IntN(2) == 0 {
		at = netip.AddrPortFrom(netip.IPv4Unspecified(), dnsPort)
	}
	fd, err := datagram.Listen(at, 0)
	if err == nil {
		s.udp, err = evdnsserver.NewUDP(s.host.Base(), fd, func(r *evdnsserver.Request) { s.serve(r, 0) })
	}
	if err != nil {
		s.world.Note("no UDP: %v", err)
		s.after(50*time.Millisecond, s.startUDP)
		return
	}
	s.configureUDP()
}

func (s *dnsServer) startTCP() {
	l, err := listener.NewBind(s.host.Base(), s.addr(), listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, nil)
	if err == nil {
		s.tcp, err = evdnsserver.NewTCP(s.host.Base(), l, func(r *evdnsserver.Request) { s.serve(r, 1) })
	}
	if err != nil {
		s.world.Note("no TCP: %v", err)
		s.after(50*time.Millisecond, s.startTCP)
		return
	}
	s.configureTCP()
}

// startResolver makes the server a forwarder, if there are nameservers.
func (s *dnsServer) startResolver() {
	if len(s.upstreams) == 0 {
		return
	}
	cfg := evdns.Config{Random: randomBytes{s.world.Rand()}, Timeout: time.Second, Attempts: 2, CacheSize: 5, EDNSUDPSize: 1232}
	var err error
	if s.resolver, err = evdns.NewBaseWithConfig(s.host.Base(), evdns.DisableWhenInactive, cfg); err != nil {
		s.world.T().Fatal(err)
	}
	for _, u := range s.upstreams {
		if err := s.resolver.AddNameserver(u.addr()); err != nil {
			s.world.T().Error(err)
		}
	}
}

// Configuration

func (s *dnsServer) drawWait() time.Duration {
	d := time.Second + time.Duration(s.world.Rand().Int64N(int64(20*time.Second)))
	if s.leastWait == 0 {
		s.leastWait = d
	}
	s.leastWait, s.mostWait = min(s.leastWait, d), max(s.mostWait, d)
	return d
}

func (s *dnsServer) configureUDP() {
	r := s.world.Rand()
	cfg := evdnsserver.Config{
		RequestTimeout: s.drawWait(),
		MaxRequests:    []int{0, 0, 0, 2, 5}[r.IntN(5)],
		MaxUDPSize:     []int{0, 512, 600, 4096}[r.IntN(4)],
	}
	s.check("SetConfig", s.udp.SetConfig(cfg))
	cfg = s.udp.Config()
	s.mostUDPSize, s.mostUDP = max(s.mostUDPSize, cfg.MaxUDPSize), max(s.mostUDP, cfg.MaxRequests)
	if s.leastUDP == 0 {
		s.leastUDP = cfg.MaxRequests
	}
	s.leastUDP = min(s.leastUDP, cfg.MaxRequests)
}

func (s *dnsServer) configureTCP() {
	r := s.world.Rand()
	cfg := evdnsserver.Config{
		RequestTimeout: s.drawWait(),
		MaxClients:     []int{0, 0, 1, 2, 100}[r.IntN(5)],
		IdleTimeout:    time.Second + time.Duration(r.Int64N(int64(10*time.Second))),
	}
	s.check("SetConfig", s.tcp.SetConfig(cfg))
	cfg = s.tcp.Config()
	if s.leastIdle == 0 {
		s.leastIdle, s.leastTCP = cfg.IdleTimeout, cfg.MaxClients
	}
	s.leastIdle, s.leastTCP = min(s.leastIdle, cfg.IdleTimeout), min(s.leastTCP, cfg.MaxClients)
	s.noteConns()
}

// noteConns notes whether a connection may have been refused, as there are too many.
func (s *dnsServer) noteConns() {
	if s.leastTCP > 0 && s.conns > s.leastTCP {
		s.crowded = true
	}
}

func (s *dnsServer) check(what string, err error) {
	if err != nil {
		s.world.T().Errorf("%s: %v", what, err)
	}
}

// Serving

// serve is the callback of both servers.
func (s *dnsServer) serve(r *evdnsserver.Request, proto int) {
	s.calls[proto]++
	s.world.Note("request of %v: %v", r.RemoteAddr(), r.Questions)
	if r.TCP() != (proto == 1) {
		s.world.T().Errorf("TCP %v of protocol %d", r.TCP(), proto)
	}
	if s.closed && proto == 1 {
		s.world.T().Error("a request after Close")
	}
	h := &heldRequest{request: r, proto: proto}
	if proto == 0 {
		if s.open = append(s.open, h); len(s.open) > s.mostUDP && s.countOpen() > s.mostUDP {
			s.world.T().Errorf("%d requests are open, and %d may be", len(s.open), s.mostUDP)
		}
	}
	if len(r.Questions) != 1 {
		s.respond(h, dns.RcodeFormatError)
		return
	}
	q := r.Questions[0]
	o, ok := parseOrder(q.Name)
	if ok && proto == 1 {
		s.got[o.uid] = true
	}
	switch {
	case ok && o.delay > 0:
		s.after(o.delay, func() { s.obey(h, o, q) })
	case ok:
		s.obey(h, o, q)
	case s.resolver != nil && !s.closed:
		s.forward(h, q)
	default:
		s.respond(h, dns.RcodeRefused)
	}
}

// countOpen returns how many requests by UDP wait for their answers. Those that have
// expired do not.
func (s *dnsServer) countOpen() int {
	s.open = slices.DeleteFunc(s.open, func(h *heldRequest) bool {
		_, err := h.request.Msg()
		return h.ended || errors.Is(err, evdnsserver.ErrAnswered)
	})
	return len(s.open)
}

// obey does what the name says.
func (s *dnsServer) obey(h *heldRequest, o order, q dns.Question) {
	r := h.request
	switch o.mode {
	case orderDrop:
		err := r.Drop()
		s.ended(h, err)
		if err == nil {
			s.dropped[h.proto]++
		}
		return
	case orderNever:
		return
	case orderMessage:
		s.ended(h, r.RespondMsg(s.message(o, q)))
		return
	case orderBadRecord:
		_ = r.AddReply(evdnsserver.AnswerSection, &dns.CNAME{Hdr: header(q.Name, dns.TypeCNAME, 1), Target: "bad..name."}) // fails below
		err := r.Respond(dns.RcodeSuccess)
		if !errors.Is(err, evdnsserver.ErrRecord) && !errors.Is(err, evdnsserver.ErrAnswered) {
			s.world.T().Errorf("a bad record: %v", err)
		}
		s.ended(h, err)
		return
	case orderBadRcode:
		err := r.Respond(67)
		if !errors.Is(err, evdnsserver.ErrRcode) && !errors.Is(err, evdnsserver.ErrAnswered) {
			s.world.T().Errorf("a bad code: %v", err)
		}
		s.ended(h, err)
		return
	}
	for i := range o.records {
		var err error
		if q.Qtype == dns.TypeAAAA {
			err = r.AddAAAA(q.Name, time.Minute, orderAddr(q.Qtype, o.uid, i))
		} else {
			err = r.AddA(q.Name, time.Minute, orderAddr(dns.TypeA, o.uid, i))
		}
		if err != nil && !errors.Is(err, evdnsserver.ErrAnswered) {
			s.world.T().Error(err)
		}
	}
	if err := r.SetFlags(evdnsserver.FlagAA); err != nil && !errors.Is(err, evdnsserver.ErrAnswered) {
		s.world.T().Error(err)
	}
	s.respond(h, o.rcode)
	if o.mode == orderTwice {
		if err := r.Respond(0); !errors.Is(err, evdnsserver.ErrAnswered) {
			s.world.T().Errorf("a second answer: %v", err)
		}
	}
}

// orderAddr is an address of the answer to a query.
func orderAddr(qtype uint16, uid, i int) netip.Addr {
	n := uint32(uid)<<13 | uint32(i)
	if qtype == dns.TypeAAAA {
		a := [16]byte{0: 0xfd, 1: 1}
		binary.BigEndian.PutUint32(a[12:], n)
		return netip.AddrFrom16(a)
	}
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], n)
	return netip.AddrFrom4(a)
}

// message is the answer of obey as a message.
func (s *dnsServer) message(o order, q dns.Question) *dns.Msg {
	m := new(dns.Msg)
	m.Response, m.Authoritative, m.Rcode = true, true, o.rcode
	for i := range o.records {
		a := orderAddr(q.Qtype, o.uid, i).AsSlice()
		if q.Qtype == dns.TypeAAAA {
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: header(q.Name, dns.TypeAAAA, 60), AAAA: a})
		} else {
			m.Answer = append(m.Answer, &dns.A{Hdr: header(q.Name, dns.TypeA, 60), A: a})
		}
	}
	m.Extra = append(m.Extra, &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: 99}})
	return m
}

func (s *dnsServer) respond(h *heldRequest, rcode int) { s.ended(h, h.request.Respond(rcode)) }

// ended notes what has become of a request.
func (s *dnsServer) ended(h *heldRequest, err error) {
	if h.ended {
		s.world.T().Error("a request has ended twice")
	}
	h.ended = true
	switch {
	case err == nil:
		s.answered[h.proto]++
	case errors.Is(err, evdnsserver.ErrClientGone) && h.proto == 1:
	case errors.Is(err, evdnsserver.ErrAnswered): // it has expired
	case errors.Is(err, evdnsserver.ErrRecord), errors.Is(err, evdnsserver.ErrRcode):
	default:
		s.world.T().Errorf("answer: %v", err)
	}
	if again := h.request.Drop(); !errors.Is(again, evdnsserver.ErrAnswered) {
		s.world.T().Errorf("a request that was answered can be dropped: %v", again)
	}
}

// forward asks the nameservers.
func (s *dnsServer) forward(h *heldRequest, q dns.Question) {
	how := evdns.QueryConfig{Flags: evdns.NoSearch, DNSSEC: h.request.DNSSEC(), CheckingDisabled: h.request.Flags()&evdnsserver.FlagCD != 0, AuthenticatedData: true, Class: q.Qclass}
	_, err := s.resolver.QueryWith(q.Name, q.Qtype, how, func(m *dns.Msg, err error) {
		if m == nil {
			s.respond(h, dns.RcodeServerFailure)
			return
		}
		m.RecursionAvailable = true
		s.ended(h, h.request.RespondMsg(m))
	})
	if err != nil {
		s.respond(h, dns.RcodeServerFailure)
	}
}

// after calls fn when d has passed.
func (s *dnsServer) after(d time.Duration, fn func()) {
	var t *event.Event
	t = s.host.Base().NewTimer(func(*event.Event, event.What) {
		i := slices.Index(s.timers, t)
		s.timers = slices.Delete(s.timers, i, i+1)
		t.Free()
		fn()
	})
	s.timers = append(s.timers, t)
	s.check("timer", t.AddTimeout(d))
}

// Steps

// step is one thing that happens, and the time before the next one.
func (s *dnsServer) step() {
	r := s.world.Rand()
	c := s.clients[r.IntN(len(s.clients))]
	switch r.IntN(12) {
	case 0:
		s.host.Do(s.reconfigure)
	case 1:
		if len(s.upstreams) > 0 && !s.goodUpstreams {
			s.upstreams[r.IntN(len(s.upstreams))].setMood(drawMood(s.world))
		}
	case 2:
		if r.IntN(3) == 0 {
			s.slow, s.calm = true, false
			s.host.Pause(time.Duration(r.Int64N(int64(10 * time.Second))))
		}
	case 3:
		c.cutOff()
	default:
		c.host.Do(c.act)
	}
	switch r.IntN(6) {
	case 0, 1:
	case 2:
		s.world.Run(time.Duration(r.Int64N(int64(20 * time.Second))))
	default:
		s.world.Run(time.Duration(r.Int64N(int64(time.Second))))
	}
}

func (s *dnsServer) reconfigure() {
	if s.world.Rand().IntN(2) == 0 && s.udp != nil {
		s.configureUDP()
	} else if s.tcp != nil {
		s.configureTCP()
	}
}

// recover ends all that goes wrong, after which all clients get their answers.
func (s *dnsServer) recover() {
	s.world.SetFaults(evtest.Faults{Latency: time.Millisecond})
	for _, c := range s.clients {
		if c.cut {
			c.cut = false
			s.world.Mend(s.host, c.host)
		}
	}
	for _, u := range s.upstreams {
		u.setMood(mood{})
	}
	s.world.Run(s.mostWait + 3*time.Minute)
	for _, c := range s.clients {
		c.host.Do(c.finish)
	}
	// The server serves as before.
	c := s.clients[0]
	c.host.Do(c.lastQuery)
	s.world.Await("the answer to the last query", func() bool { return c.last.answers > 0 })
}

// end closes the server with requests under way.
func (s *dnsServer) end() {
	r := s.world.Rand()
	s.checkStats()
	for _, c := range s.clients {
		c.ending = true
		if r.IntN(2) == 0 {
			c.host.Do(c.act)
		}
	}
	s.world.Run(time.Duration(r.Int64N(int64(5 * time.Millisecond))))
	s.host.Do(func() {
		s.closed = true
		if s.udp != nil {
			s.udp.Close()
			s.udp.Close()
		}
		if s.tcp != nil {
			s.tcp.Close()
		}
	})
	s.world.Run(s.mostWait + 30*time.Second)
	s.host.Do(func() {
		for _, t := range s.timers {
			t.Free()
		}
		if s.resolver != nil {
			s.resolver.Free(false)
		}
	})
	for _, c := range s.clients {
		c.host.Do(c.end)
	}
	for _, u := range s.upstreams {
		u.host.Do(u.stop)
	}
	s.world.Run(5 * time.Second)
}

// checkStats compares the server's counts with what has happened.
func (s *dnsServer) checkStats() {
	s.host.Do(func() {
		for proto, server := range []*evdnsserver.Server{s.udp, s.tcp} {
			if server == nil {
				continue
			}
			st := server.Stats()
			if st.Requests != s.calls[proto] {
				s.world.T().Errorf("protocol %d: %d requests, but %d calls", proto, st.Requests, s.calls[proto])
			}
			if st.Answers < s.answered[proto]-s.dropped[proto] {
				s.world.T().Errorf("protocol %d: %+v, but %d answers", proto, st, s.answered[proto]-s.dropped[proto])
			}
			if got := st.Requests + st.Refused + st.Ignored; proto == 0 && s.calm && got != s.datagrams {
				s.world.T().Errorf("%+v, but %d datagrams", st, s.datagrams)
			}
		}
	})
}
