package evdnsserver

import (
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// optHeader is the header of the OPT record in answers.
var optHeader = dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: maxRequestSize}

// packer packs answers, in memory that it reuses. A result is valid until the next one,
// and has two bytes before the message, for the length prefix of TCP.
type packer struct {
	buf   []byte
	names map[string]int // in the message, for compression
	a     dns.A
	aaaa  dns.AAAA
	ip    [16]byte
	opt   dns.OPT
}

const frameHeader = 2

func (p *packer) room() []byte {
	if p.buf == nil {
		p.buf = make([]byte, frameHeader+dns.MaxMsgSize)
		p.names = make(map[string]int)
	}
	return p.buf[frameHeader:]
}

// pack packs the answer to r, truncated to what the client can receive.
func (p *packer) pack(r *Request, rcode int) ([]byte, error) {
	msg := p.room()
	clear(p.names)
	opt, optSize, fits := p.edns(r, rcode)
	limit := r.maxAnswer() - optSize
	bits := r.bits | dnswire.BitQR | uint16(rcode&0xf)

	off, questions, err := p.questions(r, msg, limit)
	if err != nil {
		return nil, err
	}
	var counts [sections]int
	fits = fits && questions == len(r.Questions)
	if !fits {
		bits |= dnswire.BitTC
	}
	for section := AnswerSection; section < sections && fits; section++ {
		if off, counts[section], fits, err = p.section(r, section, msg, off, limit); err != nil {
			return nil, err
		}
		if !fits && section != AdditionalSection { // which the client can do without (RFC 2181, section 9)
			bits |= dnswire.BitTC
		}
	}
	if opt != nil {
		if off, err = dns.PackRR(opt, msg, off, nil, false); err != nil {
			return nil, fmt.Errorf("record %v: %w: %w", opt, ErrRecord, err)
		}
		counts[AdditionalSection]++
	}
	for i, n := range [6]int{int(r.id), int(bits), questions, counts[0], counts[1], counts[2]} {
		binary.BigEndian.PutUint16(msg[2*i:], uint16(n))
	}
	return p.buf[:frameHeader+off], nil
}

// edns returns the OPT record of an answer, or nil, and its size. Options that are
// too long for any answer to the client are left out.
func (p *packer) edns(r *Request, rcode int) (opt *dns.OPT, size int, fits bool) {
	if !r.edns {
		return nil, 0, true
	}
	opt = &p.opt
	*opt = dns.OPT{Hdr: optHeader}
	if r.opt != nil {
		*opt = *r.opt
	}
	opt.SetExtendedRcode(uint16(rcode))
	if r.do { // RFC 3225, section 3
		opt.SetDo()
	}
	size = dns.Len(opt)
	fits = size <= r.maxAnswer()-dnswire.HeaderLen
	if !fits {
		opt.Option = nil
		size = dnswire.OPTLen
	}
	return opt, size, fits
}

// questions packs the questions, or none if they are too long.
func (p *packer) questions(r *Request, msg []byte, limit int) (off, n int, err error) {
	off = dnswire.HeaderLen
	for _, q := range r.Questions {
		if off, err = dns.PackDomainName(q.Name, msg, off, p.names, true); err != nil {
			return 0, 0, fmt.Errorf("question %q: %w: %w", q.Name, ErrRecord, err)
		}
		binary.BigEndian.PutUint16(msg[off:], q.Qtype)
		binary.BigEndian.PutUint16(msg[off+2:], q.Qclass)
		off += 4
	}
	if off > limit {
		return dnswire.HeaderLen, 0, nil
	}
	return off, len(r.Questions), nil
}

// section packs the records of a section, up to the first that does not fit.
func (p *packer) section(r *Request, section Section, msg []byte, off, limit int) (end, n int, fits bool, err error) {
	for i := range r.records {
		rec := &r.records[i]
		if rec.section != section {
			continue
		}
		rr := p.rr(rec)
		next, err := dns.PackRR(rr, msg, off, p.names, true)
		if err != nil && off+dns.Len(rr) <= len(msg) { // it is not for lack of space
			return 0, 0, false, fmt.Errorf("record of %q: %w: %w", rr.Header().Name, ErrRecord, err)
		}
		if err != nil || next > limit {
			return off, n, false, nil
		}
		off = next
		n++
	}
	return off, n, true, nil
}

// rr returns a record in the form of package dns, in memory that it reuses.
func (p *packer) rr(rec *record) dns.RR {
	switch {
	case rec.rr != nil:
		return rec.rr
	case rec.addr.Is4():
		p.a.Hdr = dns.RR_Header{Name: rec.name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: rec.ttl}
		addr := rec.addr.As4()
		p.a.A = append(p.ip[:0], addr[:]...)
		return &p.a
	default:
		p.aaaa.Hdr = dns.RR_Header{Name: rec.name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: rec.ttl}
		p.ip = rec.addr.As16()
		p.aaaa.AAAA = p.ip[:]
		return &p.aaaa
	}
}
