package simulation_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// A nameserver is a program that answers queries over UDP and TCP, in a mood.
type nameserver struct {
	world *evtest.World
	host  *evtest.Host
	zones *zones
	mood  mood

	goodSince time.Time // it has been up, in the network and in a good mood since then, or always
	down      bool
	cut       bool
	streams   bool // the resolver asks it over streams only
	hop       bool // its answers have options of EDNS that are for the client alone

	socket   *datagram.Socket
	listener *listener.Listener
	conns    []*nameserverConn
	timers   []*event.Event

	seen func(asked) // is told of each query, or nil
}

// An asked is a query that a nameserver has got.
type asked struct {
	question
	server *nameserver
	query  *dns.Msg
	tcp    bool
	peer   netip.AddrPort // or zero
	at     time.Time
}

const dnsPort = 53

func newNameserver(w *evtest.World, name string, z *zones) *nameserver {
	s := &nameserver{world: w, host: w.Host(name), zones: z}
	s.host.Do(s.start)
	return s
}

func (s *nameserver) addr() netip.AddrPort { return s.host.AddrPort(dnsPort) }

// start opens the sockets, as often as it takes. It runs on the loop of the host.
func (s *nameserver) start() {
	s.startUDP()
	s.startTCP()
}

func (s *nameserver) startUDP() {
	socket, err := datagram.ListenSocket(s.host.Base(), s.addr(), 0, datagram.Config{OnMessages: s.onMessages})
	if err == nil {
		err = socket.Enable()
		s.socket = socket
	}
	if err != nil {
		s.world.Note("%s: no socket: %v", s.host.Name(), err)
		s.after(50*time.Millisecond, s.startUDP)
	}
}

func (s *nameserver) startTCP() {
	l, err := listener.NewBind(s.host.Base(), s.addr(), listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, s.onConnection)
	if err != nil {
		s.world.Note("%s: no listener: %v", s.host.Name(), err)
		s.after(50*time.Millisecond, s.startTCP)
		return
	}
	s.listener = l
}

// pause closes the socket and the connections. The listener stays, as systems differ in
// whether what is left of connections is in the way of another one.
func (s *nameserver) pause() {
	for _, t := range s.timers {
		t.Free()
	}
	s.timers = nil
	for len(s.conns) > 0 {
		s.conns[0].close()
	}
	if s.socket != nil {
		_ = s.socket.Close() // what was sent does not depend on it
	}
	s.socket = nil
	if s.listener == nil {
		s.after(50*time.Millisecond, s.startTCP)
	}
}

// stop closes everything. It runs on the loop of the host.
func (s *nameserver) stop() {
	s.pause()
	for _, t := range s.timers {
		t.Free()
	}
	if s.listener != nil {
		s.listener.Free()
	}
	s.forget()
}

// forget drops what belonged to the program, which has ended.
func (s *nameserver) forget() {
	s.timers, s.conns, s.socket, s.listener = nil, nil, nil, nil
}

// setMood has it behave otherwise from now on.
func (s *nameserver) setMood(m mood) {
	wasGood := s.mood.good()
	s.mood = m
	if m.good() && !wasGood {
		s.goodSince = s.world.Now()
	}
}

// isGood reports whether it has been good since t.
func (s *nameserver) isGood(t time.Time) bool {
	return s.mood.good() && !s.down && !s.cut && !s.goodSince.After(t)
}

// after calls fn when d has passed.
func (s *nameserver) after(d time.Duration, fn func()) {
	var t *event.Event
	t = s.host.Base().NewTimer(func(*event.Event, event.What) {
		i := slices.Index(s.timers, t)
		s.timers = slices.Delete(s.timers, i, i+1)
		t.Free()
		fn()
	})
	s.timers = append(s.timers, t)
	if err := t.AddTimeout(d); err != nil {
		s.world.T().Error(err)
	}
}

func (s *nameserver) onMessages(socket *datagram.Socket, messages []datagram.Message) {
	for i := range messages {
		m := &messages[i]
		peer := m.Addr
		s.receive(slices.Clone(m.Data), peer, false, func(data []byte) {
			if s.socket == socket {
				_ = socket.Send(datagram.Message{Data: data, Addr: peer}) // a lost answer is one that was not sent
			}
		})
	}
}

// receive handles a query, which is answered by reply, soon or later or not at all.
func (s *nameserver) receive(data []byte, peer netip.AddrPort, tcp bool, reply func([]byte)) {
	query := new(dns.Msg)
	if query.Unpack(data) != nil || query.Response || len(query.Question) != 1 {
		return // has met with corruption
	}
	if s.seen != nil {
		s.seen(asked{question: questionOf(query.Question[0]), server: s, query: query, tcp: tcp, peer: peer, at: s.world.Now()})
	}
	r := s.world.Rand()
	if s.mood.forge > 0 && !tcp && r.Float64() < s.mood.forge {
		s.forge(query, reply)
	}
	if r.Float64() < s.mood.silent || query.IsEdns0() != nil && s.mood.edns == ednsDropped || s.zones.whim(questionOf(query.Question[0])) == whimSilent {
		return
	}
	delay := s.mood.late
	if s.mood.delay > 0 {
		delay += time.Duration(r.Int64N(int64(s.mood.delay)))
	}
	if delay > 0 {
		s.after(delay, func() { s.answer(query, tcp, reply) })
		return
	}
	s.answer(query, tcp, reply)
}

// answer sends an answer of its present mood.
func (s *nameserver) answer(query *dns.Msg, tcp bool, reply func([]byte)) {
	m, r := s.zones.respond(s, query, tcp)
	opt := query.IsEdns0()
	switch {
	case opt != nil && s.mood.edns == ednsFormErr:
		s.empty(m, r, dns.RcodeFormatError)
	case opt != nil && s.mood.edns == ednsNotImpl:
		s.empty(m, r, dns.RcodeNotImplemented)
	case opt != nil && s.mood.edns == ednsBadVers:
		s.empty(m, r, dns.RcodeBadVers)
	case s.mood.rcode != 0:
		s.empty(m, r, s.mood.rcode)
	case s.zones.whim(questionOf(query.Question[0])) == whimFailed:
		s.empty(m, r, dns.RcodeServerFailure)
	case s.zones.whim(questionOf(query.Question[0])) == whimAbsent:
		s.empty(m, r, dns.RcodeNameError)
	case s.mood.referral:
		s.empty(m, r, dns.RcodeSuccess)
		m.RecursionAvailable = false
		m.Ns = []dns.RR{&dns.NS{Hdr: header("test.", dns.TypeNS, 100), Ns: "elsewhere.test."}}
		r.referral = true
	case s.mood.truncate && !tcp:
		s.empty(m, r, r.rcode)
		m.Truncated, r.truncated = true, true
	}
	if tcp && s.mood.truncateTCP {
		m.Truncated = true
		if s.world.Rand().IntN(2) == 0 {
			s.empty(m, r, r.rcode)
		}
		r.ttl, r.cut = 0, true // such an answer is not cached
	}
	if opt != nil && s.mood.edns != ednsFormErr && s.mood.edns != ednsLost {
		s.addOPT(m, r, opt)
	}
	if s.mood.fold && !tcp {
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
	}
	data := s.pack(m, r, opt, tcp)
	reply(data)
	if s.mood.twice && !tcp {
		reply(data)
	}
}

// addOPT adds what answers to queries with EDNS have, and sometimes what is between the
// client and this server alone.
func (s *nameserver) addOPT(m *dns.Msg, r *response, asked *dns.OPT) {
	m.SetEdns0(1232, asked.Do())
	if s.hop {
		s.addHop(m, r, m.IsEdns0())
	}
}

// empty takes the records out of an answer.
func (s *nameserver) empty(m *dns.Msg, r *response, rcode int) {
	m.Answer, m.Ns, m.Rcode = nil, nil, rcode
	r.rcode, r.records, r.canon, r.ttl = rcode, 0, "", 0
}

// pack packs an answer, cut off where the client has no more room.
func (s *nameserver) pack(m *dns.Msg, r *response, opt *dns.OPT, tcp bool) []byte {
	if s.world.Rand().Float64() < s.mood.malformed {
		r.malformed = true
	}
	room := 512
	if opt != nil {
		room = max(room, int(opt.UDPSize()))
	}
	if !tcp && m.Len() > room && len(m.Answer) > 0 {
		m.Truncated, r.truncated = true, true
		m.Answer = m.Answer[:s.world.Rand().IntN(len(m.Answer))]
		for m.Len() > room && len(m.Answer) > 0 {
			m.Answer = m.Answer[:len(m.Answer)/2]
		}
	}
	s.world.Note("%s answers %s %d: code %d, %d records, TTL %v, truncated %v, malformed %v", s.host.Name(), r.question.name, r.question.qtype, r.rcode, r.records, r.ttl, r.truncated, r.malformed)
	data, err := m.Pack()
	if err != nil {
		s.world.T().Errorf("%s: answer: %v", s.host.Name(), err)
	}
	if r.malformed {
		data = s.damage(m, data)
	}
	return data
}

// damage has a message say that there are more records than there are.
func (s *nameserver) damage(m *dns.Msg, data []byte) []byte {
	binary.BigEndian.PutUint16(data[6:], uint16(len(m.Answer)+len(m.Ns)+len(m.Extra)+1+s.world.Rand().IntN(100)))
	binary.BigEndian.PutUint16(data[8:], 0)
	binary.BigEndian.PutUint16(data[10:], 0)
	end := min(12+len(m.Question[0].Name)+1+4, len(data)) // names with escapes are shorter
	return data[:end+s.world.Rand().IntN(len(data)-end+1)]
}

// forge sends answers such as somebody can make who does not see the query.
func (s *nameserver) forge(query *dns.Msg, reply func([]byte)) {
	q := query.Question[0]
	rand := s.world.Rand()
	for range 1 + rand.IntN(3) {
		m := new(dns.Msg)
		m.SetReply(query)
		other := q
		how := rand.IntN(5)
		switch how {
		case 0:
			m.Id ^= uint16(1 + rand.IntN(1<<16-1))
		case 1:
			other.Name = "x" + q.Name
		case 2:
			other.Qclass = dns.ClassCHAOS
		case 3:
			m.Response = false
		case 4:
			other.Qtype = dns.TypeMX
		}
		m.Question = []dns.Question{other}
		for i := range 2 {
			addr := serialAddr(dns.TypeA, forgedV4, 0, i)
			m.Answer = append(m.Answer, &dns.A{Hdr: header(q.Name, dns.TypeA, 100000), A: addr.AsSlice()})
			addr = serialAddr(dns.TypeAAAA, forgedV4, 0, i)
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: header(q.Name, dns.TypeAAAA, 100000), AAAA: addr.AsSlice()})
			m.Answer = append(m.Answer, &dns.PTR{Hdr: header(q.Name, dns.TypePTR, 100000), Ptr: "forged.test."})
		}
		if data, err := m.Pack(); err == nil {
			reply(data)
		}
	}
}

// A nameserverConn is a TCP connection.
type nameserverConn struct {
	server *nameserver
	bev    *bufferevent.Bufferevent
	mood   tcpMood // that of the server when it was accepted
	closed bool
	held   [][]byte // answers for another order
}

func (s *nameserver) onConnection(_ *listener.Listener, fd int, _ netip.AddrPort) {
	bev, err := bufferevent.NewSocket(s.host.Base(), fd, bufferevent.CloseOnFree)
	if err != nil {
		s.world.T().Error(err)
		return
	}
	c := &nameserverConn{server: s, bev: bev, mood: s.mood.tcp}
	s.conns = append(s.conns, c)
	bev.SetCallbacks(c.onData, nil, c.onEvent)
	if c.mood == tcpClosed {
		c.close()
		return
	}
	_ = bev.Enable(event.Read)
}

func (c *nameserverConn) onData(*bufferevent.Bufferevent) {
	in := c.bev.Input()
	for !c.closed && in.Len() >= 2 {
		var size [2]byte
		_, _ = in.CopyOut(size[:])
		n := int(binary.BigEndian.Uint16(size[:]))
		if in.Len() < 2+n {
			return
		}
		data := make([]byte, 2+n)
		_, _ = in.Remove(data)
		c.server.receive(data[2:], netip.AddrPort{}, true, c.reply)
	}
}

// reply sends an answer, in the mood of the server.
func (c *nameserverConn) reply(data []byte) {
	if c.closed {
		return
	}
	frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...)
	switch c.mood {
	case tcpSilent:
	case tcpReset:
		c.close() // with what was not read, that is a reset
	case tcpHalf:
		_, _ = c.bev.Write(frame[:len(frame)/2])
		c.closeWritten()
	case tcpOne:
		_, _ = c.bev.Write(frame)
		c.closeWritten()
	case tcpPieces:
		c.pieces(frame)
	case tcpShuffled:
		c.held = append(c.held, frame)
		c.server.after(100*time.Millisecond, c.shuffle)
	default:
		_, _ = c.bev.Write(frame)
	}
}

// pieces writes a frame in a few parts, each after a while.
func (c *nameserverConn) pieces(frame []byte) {
	c.held = append(c.held, frame)
	if len(c.held) == 1 {
		c.nextPiece()
	}
}

func (c *nameserverConn) nextPiece() {
	if c.closed || len(c.held) == 0 {
		return
	}
	frame := c.held[0]
	n := 1 + c.server.world.Rand().IntN(len(frame))
	_, _ = c.bev.Write(frame[:n])
	if c.held[0] = frame[n:]; n == len(frame) {
		c.held = c.held[1:]
	}
	c.server.after(10*time.Millisecond, c.nextPiece)
}

// shuffle writes the answers that are held, in any order.
func (c *nameserverConn) shuffle() {
	if c.closed {
		return
	}
	c.server.world.Rand().Shuffle(len(c.held), func(i, j int) { c.held[i], c.held[j] = c.held[j], c.held[i] })
	for _, frame := range c.held {
		_, _ = c.bev.Write(frame)
	}
	c.held = nil
}

func (c *nameserverConn) onEvent(_ *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded, bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		c.close()
	}
}

func (c *nameserverConn) close() {
	if !c.closed {
		c.end()
		c.bev.Free()
	}
}

// closeWritten closes the connection when everything is written.
func (c *nameserverConn) closeWritten() {
	c.end()
	c.bev.FreeWhenWritten(time.Second)
}

func (c *nameserverConn) end() {
	c.closed = true
	if i := slices.Index(c.server.conns, c); i >= 0 {
		c.server.conns = slices.Delete(c.server.conns, i, i+1)
	}
}
