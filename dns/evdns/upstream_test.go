package evdns_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdns"
)

// An upstream is a nameserver that does what the test tells it to, over UDP and
// TCP on the same port of the loopback interface.
type upstream struct {
	t    testing.TB
	addr netip.AddrPort
	udp  plainUDP
	tcp  *net.TCPListener

	mu      sync.Mutex
	script  func(*question)
	deaf    bool
	asked   []string // names, in lower case, without a dot
	streams map[net.Conn]bool
	opened  int // connections
	work    sync.WaitGroup
}

// A question is a message that the upstream has received.
type question struct {
	u      *upstream
	msg    *dns.Msg
	wire   []byte
	from   netip.AddrPort
	stream net.Conn // or nil
	number int      // of the question, from 1
	onConn int      // of the question on its stream, from 1
}

// newUpstream starts a nameserver. Unless it is told otherwise, all names have
// the addresses 192.0.2.1 and 2001:db8::1.
func newUpstream(t testing.TB) *upstream {
	t.Helper()
	u := &upstream{t: t, script: (*question).good, streams: map[net.Conn]bool{}}
	u.listen(netip.MustParseAddrPort("127.0.0.1:0"))
	t.Cleanup(u.stop)
	return u
}

// listen opens the sockets. A free port for UDP may be one that is not for TCP.
func (u *upstream) listen(addr netip.AddrPort) {
	u.t.Helper()
	for try := 0; ; try++ {
		udp, err := listenUDP(addr)
		ok(u.t, err)
		at := udp.LocalAddr().(*net.UDPAddr).AddrPort()
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		if err == nil {
			u.addr, u.udp, u.tcp = at, udp, tcp
			break
		}
		udp.Close()
		if try == 100 {
			u.t.Fatal(err)
		}
	}
	u.work.Go(u.serveUDP)
	u.work.Go(u.accept)
}

// stop closes the sockets: nobody listens any more.
func (u *upstream) stop() {
	u.udp.Close()
	u.tcp.Close()
	u.hangUp()
	u.work.Wait()
}

// hangUp closes all connections.
func (u *upstream) hangUp() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.streams {
		c.Close()
	}
}

// does tells the nameserver what to do about each question. It is called from
// goroutines of the nameserver's.
func (u *upstream) does(script func(*question)) {
	u.mu.Lock()
	u.script = script
	u.mu.Unlock()
}

// ignores tells the nameserver to take no notice of what it is asked.
func (u *upstream) ignores() {
	u.mu.Lock()
	u.deaf = true
	u.mu.Unlock()
}

// questions returns what the nameserver was asked.
func (u *upstream) questions() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// forgetQuestions makes the nameserver forget what it was asked, so that it needs
// no memory for that.
func (u *upstream) forgetQuestions() {
	u.mu.Lock()
	u.asked = nil
	u.mu.Unlock()
}

// connections returns how many connections there were.
func (u *upstream) connections() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.opened
}

func (u *upstream) serveUDP() {
	udp := u.udp
	buf := make([]byte, 65535)
	for {
		n, from, err := udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		u.handle(&question{u: u, wire: slices.Clone(buf[:n]), from: from})
	}
}

func (u *upstream) accept() {
	for {
		c, err := u.tcp.Accept()
		if errors.Is(err, syscall.EMFILE) { // which a test wants the resolver to get
			runtime.Gosched()
			continue
		}
		if err != nil {
			return
		}
		u.mu.Lock()
		u.streams[c] = true
		u.opened++
		u.mu.Unlock()
		u.work.Go(func() { u.serveStream(c) })
	}
}

func (u *upstream) serveStream(c net.Conn) {
	defer func() {
		c.Close()
		u.mu.Lock()
		delete(u.streams, c)
		u.mu.Unlock()
	}()
	for n := 1; ; n++ {
		wire, err := readMessage(c)
		if err != nil {
			return
		}
		u.handle(&question{u: u, wire: wire, stream: c, onConn: n})
	}
}

func readMessage(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	wire := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, wire)
	return wire, err
}

func (u *upstream) handle(q *question) {
	u.mu.Lock()
	deaf := u.deaf
	u.mu.Unlock()
	if deaf {
		return
	}
	q.msg = new(dns.Msg)
	if err := q.msg.Unpack(q.wire); err != nil || len(q.msg.Question) != 1 {
		u.t.Errorf("received what is no query: %x: %v", q.wire, err)
		return
	}
	u.mu.Lock()
	u.asked = append(u.asked, q.name())
	q.number = len(u.asked)
	script := u.script
	u.mu.Unlock()
	script(q)
}

// name returns what is asked for, in lower case and without a dot at the end.
func (q *question) name() string {
	return strings.ToLower(strings.TrimSuffix(q.msg.Question[0].Name, "."))
}

func (q *question) qtype() uint16 { return q.msg.Question[0].Qtype }

// reply returns an answer, to be completed, and sent with send.
func (q *question) reply(rcode int, answers ...dns.RR) *dns.Msg {
	m := new(dns.Msg)
	m.SetRcode(q.msg, rcode)
	m.RecursionAvailable = true
	m.Compress = true
	m.Answer = answers
	return m
}

// send sends an answer.
func (q *question) send(m *dns.Msg) {
	wire, err := m.Pack()
	if err != nil {
		q.u.t.Error(err)
		return
	}
	q.sendWire(wire)
}

// sendWire sends bytes as an answer.
func (q *question) sendWire(wire []byte) {
	if q.stream == nil {
		q.u.udp.WriteToUDPAddrPort(wire, q.from) // if that fails, the test will notice
		return
	}
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(wire)))
	q.stream.Write(append(framed, wire...))
}

// good answers as an honest nameserver would.
func (q *question) good() {
	name := q.msg.Question[0].Name
	h := dns.RR_Header{Name: name, Rrtype: q.qtype(), Class: dns.ClassINET, Ttl: 300}
	switch q.qtype() {
	case dns.TypeA:
		q.send(q.reply(0, &dns.A{Hdr: h, A: net.IPv4(192, 0, 2, 1)}))
	case dns.TypeAAAA:
		q.send(q.reply(0, &dns.AAAA{Hdr: h, AAAA: net.ParseIP("2001:db8::1")}))
	case dns.TypePTR:
		q.send(q.reply(0, &dns.PTR{Hdr: h, Ptr: "host.example.com."}))
	case dns.TypeTXT:
		q.send(q.reply(0, &dns.TXT{Hdr: h, Txt: []string{"text"}}))
	default:
		q.send(q.reply(0))
	}
}

// at answers that the name has this IPv4 address.
func (q *question) at(addr string) {
	h := dns.RR_Header{Name: q.msg.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}
	q.send(q.reply(0, &dns.A{Hdr: h, A: net.ParseIP(addr)}))
}

// complains returns a script that answers all questions with an error.
func complains(rcode int) func(*question) {
	return func(q *question) { q.send(q.reply(rcode)) }
}

// silent is a script that answers nothing.
func silent(*question) {}

// expires is a script that answers nothing, and has b lose its patience.
func expires(loop *event.Base, b *evdns.Base) func(*question) {
	return func(q *question) {
		if err := loop.Post(func() { b.Expire(q.u.addr) }); err != nil {
			q.u.t.Error(err)
		}
	}
}

// reply0 returns the header and question of an answer that promises a record.
func (q *question) reply0() []byte {
	m := q.reply(0)
	wire, err := m.Pack()
	if err != nil {
		q.u.t.Error(err)
	}
	wire[7] = 1
	return wire
}
