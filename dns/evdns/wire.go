package evdns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

const (
	headerLen = 12
	// maxName is how long a name may be on the wire, maxLabel a part of it, and
	// minUDPSize what a datagram without EDNS may have (RFC 1035, section 2.3.4).
	maxName    = 255
	maxLabel   = 63
	minUDPSize = 512
)

// checkHostname says what is wrong with a name that is to be looked up. The
// names of services and the like have underscores, so they are let through.
func checkHostname(name string) error {
	if len(name) == 0 {
		return fmt.Errorf("empty name: %w", ErrName)
	}
	start := 0 // of the label
	for i := range len(name) {
		switch c := name[i]; {
		case inLabel[c]:
		case c != '.':
			return fmt.Errorf("character %q in it: %w", c, ErrName)
		case i == start:
			return fmt.Errorf("empty label: %w", ErrName)
		case i-start > maxLabel:
			return fmt.Errorf("label of %d bytes: %w", i-start, ErrName)
		default:
			start = i + 1
		}
	}
	if n := len(name) - start; n > maxLabel {
		return fmt.Errorf("label of %d bytes: %w", n, ErrName)
	}
	if len(strings.TrimSuffix(name, "."))+2 > maxName { // with the length of the first label, and the root
		return fmt.Errorf("%d bytes long: %w", len(name), ErrName)
	}
	return nil
}

// inLabel says which characters the labels of a name to be looked up have.
var inLabel = func() (table [256]bool) {
	for c := range table {
		table[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	}
	return table
}()

// shown returns name without the dot at its end, unless that is part of a label.
func shown(name string) string {
	if len(name) > 1 && dns.IsFqdn(name) {
		return name[:len(name)-1]
	}
	return name
}

// reverseName returns the name under which the names of an address are.
func reverseName(addr netip.Addr) (string, error) {
	if !addr.IsValid() {
		return "", ErrAddress
	}
	return dns.ReverseAddr(addr.Unmap().WithZone("").String())
}

// packQuery returns the message that asks for name, which ends with a dot, and
// without an id yet. With random, the case of its letters is. extra is what
// follows the question: an OPT record, or nothing.
func packQuery(name string, qtype uint16, random *rand.ChaCha8, extra []byte) ([]byte, error) {
	msg := make([]byte, headerLen+len(name)+1+4+len(extra))
	binary.BigEndian.PutUint16(msg[2:], 1<<8) // RD: recursion desired
	binary.BigEndian.PutUint16(msg[4:], 1)
	if len(extra) > 0 {
		binary.BigEndian.PutUint16(msg[10:], 1)
	}
	end, err := dns.PackDomainName(name, msg, headerLen, nil, false)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	if end-headerLen > maxName {
		return nil, fmt.Errorf("%d bytes long: %w", end-headerLen, ErrName)
	}
	if random != nil {
		randomizeCase(msg[headerLen:end], random)
	}
	binary.BigEndian.PutUint16(msg[end:], qtype)
	binary.BigEndian.PutUint16(msg[end+2:], dns.ClassINET)
	end += 4
	return msg[:end+copy(msg[end:], extra)], nil
}

// randomizeCase makes letters small or capital at random. An answer must have
// them the same, which somebody who cannot see the query has to guess.
func randomizeCase(name []byte, random *rand.ChaCha8) {
	var bits uint64
	for i, c := range name { // lengths of labels are less than any letter
		if i%64 == 0 {
			bits = random.Uint64()
		}
		if c|0x20 >= 'a' && c|0x20 <= 'z' {
			name[i] = c&^0x20 | byte(bits&1)<<5
		}
		bits >>= 1
	}
}

// packOPT returns the record that says how long an answer in one datagram may
// be (RFC 6891).
func packOPT(size uint16) ([]byte, error) {
	opt := dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: size}}
	buf := make([]byte, dns.Len(&opt))
	n, err := dns.PackRR(&opt, buf, 0, nil, false)
	return buf[:n], err
}

// A header is the beginning of a message.
type header struct {
	id, bits  uint16
	questions uint16
	answers   int
	authority int
	extra     int
}

const (
	bitQR      = 1 << 15
	bitTC      = 1 << 9
	maskOpcode = 0xf << 11
	maskRcode  = 0xf
)

// readHeader reads the header of a message, if it has one.
func readHeader(msg []byte) (h header, ok bool) {
	if len(msg) < headerLen {
		return h, false
	}
	return header{
		id:        binary.BigEndian.Uint16(msg),
		bits:      binary.BigEndian.Uint16(msg[2:]),
		questions: binary.BigEndian.Uint16(msg[4:]),
		answers:   int(binary.BigEndian.Uint16(msg[6:])),
		authority: int(binary.BigEndian.Uint16(msg[8:])),
		extra:     int(binary.BigEndian.Uint16(msg[10:])),
	}, true
}

func (h header) rcode() int { return int(h.bits & maskRcode) }

// matches says whether a message answers a query with the given question. It
// must repeat it, letter by letter if exactly. Only a complaint may come
// without a question: some nameservers cannot even read it.
func (h header) matches(msg, question []byte, exactly bool) bool {
	if h.bits&bitQR == 0 || h.bits&maskOpcode != 0 {
		return false
	}
	if h.questions == 0 && h.answers == 0 {
		rcode := h.rcode()
		return rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError
	}
	if h.questions != 1 || len(msg) < headerLen+len(question) {
		return false
	}
	got := msg[headerLen : headerLen+len(question)]
	if exactly {
		return bytes.Equal(got, question)
	}
	return equalFold(got, question)
}

// equalFold compares the wire forms of questions. Type and class have bytes
// that look like letters, but there are none that differ in case only: the
// class is 1, and for the type case matters.
func equalFold(a, b []byte) bool {
	name := len(a) - 4
	for i := range name {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return bytes.Equal(a[name:], b[name:])
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
