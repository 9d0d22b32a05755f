package simulation_test

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evtest"
)

// A dnsQuery is a query that a client has sent.
type dnsQuery struct {
	msg     *dns.Msg
	wire    []byte
	order   order
	forward bool // it is for a name of the nameservers
	refused bool // it is answered without the callback
	rcode   int  // then
	sent    time.Time
	tcp     bool
	conn    *dnsConn // or nil
	answers int
}

// A dnsClient sends queries over UDP and TCP, and compares what comes back.
type dnsClient struct {
	server  *dnsServer
	host    *evtest.Host
	socket  *datagram.Socket
	queries map[uint16]*dnsQuery // by UDP
	conns   []*dnsConn
	cut     bool
	ending  bool
	last    *dnsQuery
	nextID  uint16
}

func newDNSClient(s *dnsServer, i int) *dnsClient {
	return &dnsClient{server: s, host: s.world.Host(fmt.Sprintf("client%d", i)), queries: make(map[uint16]*dnsQuery)}
}

func (c *dnsClient) errorf(format string, args ...any) {
	c.server.world.T().Helper()
	c.server.world.T().Errorf("%s: %s", c.host.Name(), fmt.Sprintf(format, args...))
}

// cutOff has the network to the server be broken for a while.
func (c *dnsClient) cutOff() {
	if c.cut {
		return
	}
	w := c.server.world
	c.server.calm = false
	c.cut = true
	w.Cut(c.host, c.server.host)
	w.At(time.Duration(w.Rand().Int64N(int64(5*time.Second))), func() {
		if c.cut {
			c.cut = false
			w.Mend(c.host, c.server.host)
		}
	})
}

// act does one of the things that a client does.
func (c *dnsClient) act() {
	r := c.server.world.Rand()
	switch r.IntN(5) {
	case 0, 1:
		for range 1 + r.IntN(5) {
			c.sendUDP(c.drawQuery(false))
		}
	case 2:
		c.sendGarbage()
	default:
		c.connect()
	}
}

// begun returns when the server had room for the query at the latest, with a way there
// that takes no time.
func (q *dnsQuery) begun() time.Time {
	if q.conn != nil && q.conn.room.After(q.sent) {
		return q.conn.room
	}
	return q.sent
}

// due reports whether the query must have an answer.
func (q *dnsQuery) due() bool { return q.forward || q.refused || q.order.mode != orderDrop }

// drawQuery draws a query.
func (c *dnsClient) drawQuery(tcp bool) *dnsQuery {
	s := c.server
	r := s.world.Rand()
	s.nextUID++
	q := &dnsQuery{tcp: tcp, msg: new(dns.Msg)}
	q.order = order{uid: s.nextUID, records: []int{0, 1, 1, 2, 5, 40, 300}[r.IntN(7)], rcode: []int{0, 0, 0, 3, 5}[r.IntN(5)]}
	if r.IntN(3) == 0 {
		q.order.delay = time.Duration(1+r.IntN(3000)) * time.Millisecond
	}
	if r.IntN(3) == 0 {
		q.order.mode = orderMode(r.IntN(int(orderModes)))
	}
	if tcp && r.IntN(40) == 0 && !s.narrow {
		q.order.records = 5000
	}
	name := q.order.name()
	if r.IntN(4) == 0 {
		q.forward = true
		name = hostName(r.IntN(11)) + "." + []string{zoneDomain, otherDomain}[r.IntN(2)]
	}
	if r.IntN(3) == 0 {
		name = strings.ToUpper(name)
	}
	c.nextID++
	q.msg.SetQuestion(name, []uint16{dns.TypeA, dns.TypeAAAA}[r.IntN(2)])
	q.msg.Id = c.nextID
	q.msg.RecursionDesired, q.msg.CheckingDisabled = r.IntN(2) == 0, r.IntN(4) == 0
	if r.IntN(2) == 0 {
		q.msg.SetEdns0([]uint16{0, 512, 700, 1232, 4096}[r.IntN(5)], r.IntN(2) == 0)
	}
	c.askHop(q)
	c.spoil(q)
	var err error
	if q.wire, err = q.msg.Pack(); err != nil {
		c.errorf("query: %v", err)
	}
	return q
}

// spoil makes a few of the queries such that they are refused.
func (c *dnsClient) spoil(q *dnsQuery) {
	r := c.server.world.Rand()
	switch r.IntN(24) {
	case 0:
		q.msg.Opcode, q.refused, q.rcode = dns.OpcodeStatus, true, dns.RcodeNotImplemented
	case 1:
		if opt := q.msg.IsEdns0(); opt != nil {
			opt.SetVersion(1)
			q.refused, q.rcode = true, dns.RcodeBadVers
		}
	case 2:
		if opt := q.msg.IsEdns0(); opt != nil { // a second one
			q.msg.Extra = append(q.msg.Extra, opt)
			q.refused, q.rcode = true, dns.RcodeFormatError
		}
	}
}

// sendUDP sends a query by UDP.
func (c *dnsClient) sendUDP(q *dnsQuery) {
	if !c.open() {
		return
	}
	q.sent = c.server.world.Now()
	c.queries[q.msg.Id] = q
	c.send(q.wire)
}

func (c *dnsClient) send(data []byte) {
	c.server.datagrams++
	if err := c.socket.Send(datagram.Message{Data: data}); err != nil {
		c.errorf("send: %v", err)
	}
}

// open makes the socket, unless there is one.
func (c *dnsClient) open() bool {
	if c.socket != nil {
		return true
	}
	socket, err := datagram.DialSocket(c.host.Base(), netip.AddrPort{}, c.server.addr(), 0, datagram.Config{
		OnMessages: c.onMessages,
		OnError:    func(*datagram.Socket, error) {},
		OnUnsent:   func(*datagram.Socket, []datagram.Message) {},
		Batch:      datagram.NewBatch(4, 1<<16),
	})
	if err == nil {
		err = socket.Enable()
	}
	if err != nil {
		c.server.world.Note("no socket: %v", err)
		return false
	}
	c.socket = socket
	return true
}

// sendGarbage sends what is no query.
func (c *dnsClient) sendGarbage() {
	if !c.open() {
		return
	}
	r := c.server.world.Rand()
	q := c.drawQuery(false)
	data := q.wire
	switch r.IntN(4) {
	case 0: // cut off
		data = data[:r.IntN(len(data))]
	case 1: // an answer
		data[2] |= 0x80
	case 2: // too long
		data = append(data, make([]byte, 3000)...)
	case 3:
		for range 20 {
			data[12+r.IntN(len(data)-12)] = byte(r.Uint32())
		}
	}
	q.refused, q.rcode = true, -1
	c.queries[q.msg.Id] = q
	c.send(data)
}

func (c *dnsClient) onMessages(_ *datagram.Socket, messages []datagram.Message) {
	for _, m := range messages {
		if m.Addr.IsValid() && m.Addr != c.server.addr() {
			c.errorf("an answer from %v", m.Addr)
		}
		c.received(m.Data, nil)
	}
}

// received checks an answer, which came by UDP if conn is nil.
func (c *dnsClient) received(data []byte, conn *dnsConn) {
	s := c.server
	if !s.honest && conn == nil {
		if q := c.last; q != nil && len(data) > 2 && q.msg.Id == binary.BigEndian.Uint16(data) {
			q.answers++
		}
		return
	}
	if len(data) < 12 {
		c.errorf("an answer of %d bytes", len(data))
		return
	}
	queries := c.queries
	if conn != nil {
		queries = conn.queries
	}
	q := queries[binary.BigEndian.Uint16(data)]
	if q == nil {
		c.errorf("an answer to no query: %x", data)
		return
	}
	q.answers++
	if conn != nil && q.answers == 1 && q.due() {
		if conn.owed >= maxPipelined {
			conn.room = s.world.Now()
		}
		conn.owed--
	}
	s.world.Note("answer %d to %v", binary.BigEndian.Uint16(data), q.msg.Question)
	if q.answers > 1 && (conn != nil || s.calm) {
		c.errorf("another answer to %v", q.msg.Question)
	}
	m := new(dns.Msg)
	if err := m.Unpack(data); err != nil {
		c.errorf("an answer to %v that cannot be read: %v: %x", q.msg.Question, err, data)
		return
	}
	if !m.Response {
		c.errorf("a query: %v", m)
	}
	if q.rcode >= 0 {
		c.checkAnswer(q, m, len(data))
	}
}

// checkAnswer checks an answer to a well-formed query.
func (c *dnsClient) checkAnswer(q *dnsQuery, m *dns.Msg, size int) {
	if q.refused {
		if m.Rcode != q.rcode || len(m.Answer) > 0 {
			c.errorf("code %d and %d records to a bad query, want the code %d", m.Rcode, len(m.Answer), q.rcode)
		}
		return
	}
	if len(m.Question) != 1 || m.Question[0] != q.msg.Question[0] {
		c.errorf("questions %v, want %v", m.Question, q.msg.Question)
		return
	}
	if m.RecursionDesired != q.msg.RecursionDesired || m.CheckingDisabled != q.msg.CheckingDisabled {
		c.errorf("flags of %v for those of %v", m.MsgHdr, q.msg.MsgHdr)
	}
	asked, opt := q.msg.IsEdns0(), m.IsEdns0()
	if (asked == nil) != (opt == nil) || asked != nil && asked.Do() != opt.Do() {
		c.errorf("EDNS %v for %v", opt, asked)
	}
	if most := c.room(q); size > most {
		c.errorf("an answer of %d bytes, and %d may be", size, most)
	}
	c.checkHop(q, m)
	if q.forward {
		c.checkForwarded(q, m)
		c.checkComplete(q, m, size)
		return
	}
	c.checkOrder(q, m, size)
}

// room is how long the answer to a query may be.
func (c *dnsClient) room(q *dnsQuery) int {
	if q.tcp {
		return dns.MaxMsgSize
	}
	if opt := q.msg.IsEdns0(); opt != nil {
		return min(max(int(opt.UDPSize()), 512), c.server.mostUDPSize)
	}
	return 512
}

// checkOrder checks an answer of the server itself.
func (c *dnsClient) checkOrder(q *dnsQuery, m *dns.Msg, size int) {
	o, s := q.order, c.server
	after := s.world.Now().Sub(q.sent)
	expired := m.Rcode == dns.RcodeServerFailure && len(m.Answer) == 0 && after >= s.leastWait
	switch o.mode {
	case orderDrop:
		if !expired {
			c.errorf("an answer to a query that was dropped: %v", m)
		}
		return
	case orderNever:
		if !expired {
			c.errorf("after %v an answer to a query that is not answered: %v", after, m)
		}
		return
	case orderBadRecord, orderBadRcode:
		if m.Rcode != dns.RcodeServerFailure || len(m.Answer) > 0 {
			c.errorf("an answer that cannot be made: %v", m)
		}
		return
	}
	if expired {
		return
	}
	if waited := s.world.Now().Sub(q.begun()); s.prompt && s.calm && waited > o.delay+s.transit+500*time.Millisecond {
		c.errorf("an answer after %v instead of %v", waited, o.delay)
	}
	if after < o.delay {
		c.errorf("an answer after %v instead of %v", after, o.delay)
	}
	if m.Rcode != o.rcode || !m.Authoritative {
		c.errorf("code %d, want %d", m.Rcode, o.rcode)
	}
	if len(m.Answer) != o.records && !m.Truncated || len(m.Answer) > o.records || len(m.Answer) == o.records && m.Truncated {
		c.errorf("%d records of %d, truncated %v", len(m.Answer), o.records, m.Truncated)
	}
	least := 512
	if q.tcp {
		least = dns.MaxMsgSize
	}
	if m.Truncated && size+30+len(q.msg.Question[0].Name) < least {
		c.errorf("truncated with %d bytes", size)
	}
	for i, rr := range m.Answer {
		if a := addrOf(rr); a != orderAddr(q.msg.Question[0].Qtype, o.uid, i) || rr.Header().Name != q.msg.Question[0].Name || rr.Header().Ttl != 60 {
			c.errorf("record %d is %v", i, rr)
			return
		}
	}
}

func addrOf(rr dns.RR) netip.Addr {
	var a netip.Addr
	switch rr := rr.(type) {
	case *dns.A:
		a, _ = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		a, _ = netip.AddrFromSlice(rr.AAAA.To16())
	}
	return a
}

// checkForwarded checks an answer that is from one of the nameservers.
func (c *dnsClient) checkForwarded(q *dnsQuery, m *dns.Msg) {
	s := c.server
	if s.resolver == nil {
		if m.Rcode != dns.RcodeRefused && m.Rcode != dns.RcodeServerFailure {
			c.errorf("code %d of a server that forwards nothing", m.Rcode)
		}
		return
	}
	if m.Rcode == dns.RcodeServerFailure {
		return // the nameservers have failed, or do not answer
	}
	key := questionOf(q.msg.Question[0])
	var said bool
	for _, r := range s.zones.said[key] {
		said = said || r.rcode == m.Rcode
	}
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, r := range s.zones.said[question{key.name, t}] {
			said = said || r.notExist() && m.Rcode == r.rcode
		}
	}
	if !said && s.honest {
		c.errorf("code %d of %v, which no nameserver has said", m.Rcode, q.msg.Question)
	}
	serials := 0
	var seen uint64
	for _, rr := range m.Answer {
		a := addrOf(rr)
		if !a.IsValid() || strings.HasPrefix(rr.Header().Name, "other.") || !s.honest {
			continue
		}
		serial, index, genuine := serialOf(a)
		r := s.zones.find(serial)
		switch {
		case !genuine || r == nil || r.question != key:
			c.errorf("record %v of another answer than to %v", rr, key)
		case serials != 0 && serials != serial+1 || seen>>index&1 != 0:
			c.errorf("records of more than one answer: %v", m.Answer)
		case time.Duration(rr.Header().Ttl)*time.Second > r.ttl && r.canon == "" && !r.cut:
			c.errorf("TTL %d of a record with %v", rr.Header().Ttl, r.ttl)
		case r.records < bits.OnesCount64(seen)+1:
			c.errorf("more records than there are")
		}
		serials, seen = serial+1, seen|1<<index
	}
}

// lastQuery sends a query that is answered at once.
func (c *dnsClient) lastQuery() {
	q := c.drawQuery(false)
	for q.forward || q.refused {
		q = c.drawQuery(false)
	}
	q.order = order{uid: q.order.uid, records: 1}
	q.msg.Question[0].Name = q.order.name()
	q.wire, _ = q.msg.Pack()
	c.last = q
	c.sendUDP(q)
}

// finish checks that all queries have had their answers.
func (c *dnsClient) finish() {
	s := c.server
	for _, conn := range c.conns {
		// A reset that is lost is not sent again.
		if q := conn.missing(); q != nil && !conn.done && s.calm {
			c.errorf("a connection still waits for the answer to %v", q.msg.Question)
		}
	}
	if !s.calm || s.udp == nil {
		return
	}
	if s.leastUDP < 100 {
		return // some may have been ignored
	}
	for id := range int(c.nextID) + 1 {
		q := c.queries[uint16(id)]
		if q != nil && q.answers == 0 && q.rcode >= 0 && q.due() {
			c.errorf("no answer to %v", q.msg.Question)
		}
	}
}

// end closes everything.
func (c *dnsClient) end() {
	if c.socket != nil {
		_ = c.socket.Close() // nothing is expected any more
	}
	for _, conn := range c.conns {
		conn.close()
	}
}
