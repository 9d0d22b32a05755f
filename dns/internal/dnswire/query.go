package dnswire

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/miekg/dns"
)

// PackQuery returns the message that asks for name, which ends with a dot, with the
// id zero. If random is not nil, each letter of the name gets a random case. extra
// follows the question: an OPT record, or nothing. The error wraps ErrName.
func PackQuery(name string, qtype uint16, random *rand.ChaCha8, extra []byte) ([]byte, error) {
	msg := make([]byte, HeaderLen+len(name)+1+4+len(extra))
	binary.BigEndian.PutUint16(msg[2:], BitRD)
	binary.BigEndian.PutUint16(msg[4:], 1)
	if len(extra) > 0 {
		binary.BigEndian.PutUint16(msg[10:], 1)
	}
	end, err := dns.PackDomainName(name, msg, HeaderLen, nil, false)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	if end-HeaderLen > MaxName {
		return nil, fmt.Errorf("%d bytes long: %w", end-HeaderLen, ErrName)
	}
	if random != nil {
		randomizeCase(msg[HeaderLen:end], random)
	}
	binary.BigEndian.PutUint16(msg[end:], qtype)
	binary.BigEndian.PutUint16(msg[end+2:], dns.ClassINET)
	end += 4
	return msg[:end+copy(msg[end:], extra)], nil
}

// randomizeCase gives each letter of a name in wire form a random case. An answer
// must repeat it, so a forger who does not see the query has to guess it.
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

// PackOPT returns an OPT record without options that announces the length of the
// longest datagram that the sender takes (RFC 6891).
func PackOPT(size uint16) ([]byte, error) {
	opt := dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT, Class: size}}
	buf := make([]byte, dns.Len(&opt))
	n, err := dns.PackRR(&opt, buf, 0, nil, false)
	return buf[:n], err
}
