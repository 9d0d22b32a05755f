package simulation_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/evtest"
)

// zones is what nameservers know, and the ledger of what they have said. Each response
// has a serial number that its records carry, so that whatever a resolver reports can be
// traced to the response that it is from.
type zones struct {
	world     *evtest.World
	names     map[string]*zoneName // by name in lower case with a dot at the end
	responses []*response
	said      map[question][]*response
}

// A zoneName is a name that exists. With an alias it has nothing else.
type zoneName struct {
	v4, v6 int // how many addresses it has
	ptr    int // and how many names, if it is that of an address
	alias  string
	ttl    uint32
	whims  map[uint16]whim // by type
}

// A whim is what is wrong with the answers to questions of a type, whoever is asked: the
// nameservers of a domain may know nothing of IPv6, say.
type whim int

const (
	whimNone   whim = iota
	whimSilent      // there are none
	whimFailed      // SERVFAIL
	whimAbsent      // the name does not exist
)

// A question is a name in lower case with a dot at the end, and a type.
type question struct {
	name  string
	qtype uint16
}

func questionOf(q dns.Question) question {
	return question{strings.ToLower(q.Name), q.Qtype}
}

// A response is a message that a nameserver has sent.
type response struct {
	serial    int
	at        time.Time
	server    *nameserver
	question  question
	rcode     int
	records   int           // of the type that was asked for, at the end of the aliases
	canon     string        // what the name is an alias of in the end, or ""
	ttl       time.Duration // how long it may be cached
	tcp       bool
	truncated bool
	malformed bool
	referral  bool
	validated bool      // it has AD
	ede       bool      // and an extended error
	cut       bool      // it has TC though it came over TCP
	shown     time.Time // when a lookup first had it as its result, or zero
	used      time.Time // when one did last
	cached    bool      // as the answer to the question
}

func (r *response) positive() bool {
	return r.rcode == dns.RcodeSuccess && r.records > 0 && !r.truncated && !r.malformed
}

// negative reports whether the response says that the name does not exist, or has no
// records of the type.
func (r *response) notExist() bool { return r.rcode == dns.RcodeNameError && !r.malformed }

func (r *response) noData() bool {
	return r.rcode == dns.RcodeSuccess && r.records == 0 && !r.truncated && !r.malformed && !r.cut
}

const (
	zoneDomain  = "example.test."
	otherDomain = "corp.test."
	deepDomain  = "a.deep.tree.test."
)

// newZones draws the names.
func newZones(w *evtest.World) *zones {
	z := &zones{world: w, names: make(map[string]*zoneName), said: make(map[question][]*response)}
	for i := range w.Draw("names", 1, 10) {
		for _, domain := range []string{zoneDomain, otherDomain, deepDomain} {
			if w.Rand().IntN(4) > 0 {
				z.names[hostName(i)+"."+domain] = z.drawName(i)
			}
		}
		if w.Rand().IntN(3) > 0 {
			z.names[reverseName(zoneAddr(i))] = &zoneName{ptr: 1 + w.Rand().IntN(3), ttl: z.drawTTL()}
		}
	}
	return z
}

func hostName(i int) string { return fmt.Sprintf("h%d", i) }

// zoneAddr is an address that has names.
func zoneAddr(i int) netip.Addr {
	if i%3 == 0 {
		return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x33, 15: byte(i)})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
}

func reverseName(addr netip.Addr) string {
	name, err := dns.ReverseAddr(addr.String())
	if err != nil {
		panic(err)
	}
	return name
}

func (z *zones) drawTTL() uint32 {
	return []uint32{0, 1, 5, 30, 300, 100000}[z.world.Rand().IntN(6)]
}

func (z *zones) drawName(i int) *zoneName {
	r := z.world.Rand()
	n := &zoneName{ttl: z.drawTTL()}
	switch r.IntN(8) {
	case 0: // has no addresses
	case 1: // does not fit into a datagram
		n.v4, n.v6 = 30+r.IntN(33), 20+r.IntN(43)
	case 2, 3:
		if i > 0 {
			n.alias = hostName(r.IntN(i)) + "." + []string{zoneDomain, otherDomain}[r.IntN(2)]
			break
		}
		fallthrough
	default:
		n.v4, n.v6 = r.IntN(4), r.IntN(4)
	}
	return n
}

// change has one of the names, or its absence, be another from now on.
func (z *zones) change(most int) {
	i := z.world.Rand().IntN(most)
	name := hostName(i) + "." + zoneDomain
	if z.names[name] != nil && z.world.Rand().IntN(2) == 0 {
		delete(z.names, name)
		return
	}
	z.names[name] = z.drawName(i)
}

// add adds a name with one address of each family.
func (z *zones) add(name string) {
	z.names[name] = &zoneName{v4: 1, v6: 1, ttl: 60}
}

// genuine and forged addresses.
const (
	genuineV4 = 11
	forgedV4  = 66
	indexBits = 6
)

func serialAddr(qtype uint16, first byte, serial, i int) netip.Addr {
	n := uint32(serial)<<indexBits | uint32(i)
	if qtype == dns.TypeA {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], n)
		a[0] = first
		return netip.AddrFrom4(a)
	}
	a := [16]byte{0: 0xfd, 1: first}
	binary.BigEndian.PutUint32(a[12:], n)
	return netip.AddrFrom16(a)
}

// serialOf returns the serial number in an address or a name, and the index of the record.
func serialOf(addr netip.Addr) (serial, index int, genuine bool) {
	var n uint32
	var first byte
	if addr.Is4() {
		a := addr.As4()
		first = a[0]
		n = binary.BigEndian.Uint32(a[:]) & (1<<24 - 1)
	} else {
		a := addr.As16()
		first = a[1]
		n = binary.BigEndian.Uint32(a[12:])
	}
	return int(n >> indexBits), int(n & (1<<indexBits - 1)), first == genuineV4
}

func serialName(serial, i int) string { return fmt.Sprintf("p%d-%d.names.test.", serial, i) }

// respond makes the true answer to a query, and enters it into the ledger.
func (z *zones) respond(server *nameserver, query *dns.Msg, tcp bool) (*dns.Msg, *response) {
	q := query.Question[0]
	r := &response{serial: len(z.responses), at: z.world.Now(), server: server, question: questionOf(q), tcp: tcp}
	z.responses = append(z.responses, r)
	z.said[r.question] = append(z.said[r.question], r)
	m := new(dns.Msg)
	m.SetReply(query)
	m.Question[0].Name = q.Name
	m.RecursionAvailable = true
	m.Compress = z.world.Rand().IntN(2) == 0
	z.fill(m, r, q)
	return m, r
}

// fill adds the records of the name, or says that there are none.
func (z *zones) fill(m *dns.Msg, r *response, q dns.Question) {
	ttl := uint32(1 << 30)
	owner := q.Name
	entry := z.names[r.question.name]
	for entry != nil && entry.alias != "" && q.Qtype != dns.TypeCNAME {
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME, entry.ttl), Target: entry.alias})
		ttl = min(ttl, entry.ttl)
		owner = entry.alias
		r.canon = strings.TrimSuffix(owner, ".")
		entry = z.names[owner]
	}
	if entry == nil {
		m.Rcode, r.rcode = dns.RcodeNameError, dns.RcodeNameError
	} else {
		z.addRecords(m, r, owner, q.Qtype, entry)
	}
	if r.records > 0 {
		ttl = min(ttl, entry.ttl)
	} else {
		ttl = min(ttl, z.addSOA(m))
		r.canon = ""
	}
	if z.world.Rand().IntN(4) == 0 { // what is not asked for is not to be used
		m.Answer = append(m.Answer, &dns.A{Hdr: header("other."+zoneDomain, dns.TypeA, 1000), A: serialAddr(dns.TypeA, forgedV4, r.serial, 0).AsSlice()})
	}
	r.ttl = time.Duration(ttl) * time.Second
}

func header(name string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func (z *zones) addRecords(m *dns.Msg, r *response, owner string, qtype uint16, entry *zoneName) {
	add := func(n int, record func(i int) dns.RR) {
		for i := range n {
			m.Answer = append(m.Answer, record(i))
		}
		r.records = n
	}
	switch qtype {
	case dns.TypeA:
		add(entry.v4, func(i int) dns.RR {
			return &dns.A{Hdr: header(owner, qtype, entry.ttl), A: serialAddr(qtype, genuineV4, r.serial, i).AsSlice()}
		})
	case dns.TypeAAAA:
		add(entry.v6, func(i int) dns.RR {
			return &dns.AAAA{Hdr: header(owner, qtype, entry.ttl), AAAA: serialAddr(qtype, genuineV4, r.serial, i).AsSlice()}
		})
	case dns.TypePTR:
		add(entry.ptr, func(i int) dns.RR {
			return &dns.PTR{Hdr: header(owner, qtype, entry.ttl), Ptr: serialName(r.serial, i)}
		})
	}
}

// addSOA adds the record that says for how long the absence may be cached, or none.
func (z *zones) addSOA(m *dns.Msg) (ttl uint32) {
	if z.world.Rand().IntN(4) == 0 {
		return 0
	}
	ttl = z.drawTTL()
	m.Ns = append(m.Ns, &dns.SOA{Hdr: header(zoneDomain, dns.TypeSOA, ttl), Ns: "ns.test.", Mbox: "mbox.test.", Minttl: ttl})
	return min(ttl, 3*60*60)
}

// count returns how many records a nameserver has for a question, and whether the name
// exists.
func (z *zones) count(q question) (n int, exists bool) {
	entry := z.names[q.name]
	for entry != nil && entry.alias != "" {
		entry = z.names[entry.alias]
	}
	if entry == nil {
		return 0, false
	}
	return map[uint16]int{dns.TypeA: entry.v4, dns.TypeAAAA: entry.v6, dns.TypePTR: entry.ptr}[q.qtype], true
}

// whim returns what is wrong with the answers to a question.
func (z *zones) whim(q question) whim {
	if n := z.names[q.name]; n != nil {
		return n.whims[q.qtype]
	}
	return whimNone
}

// find returns a response of the ledger.
func (z *zones) find(serial int) *response {
	if serial < 0 || serial >= len(z.responses) {
		return nil
	}
	return z.responses[serial]
}
