package evdnsserver_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// packet makes a message of a header with these counts and bytes.
func packet(bits uint16, questions, answers, authority, additional byte, rest string) []byte {
	return append([]byte{0x12, 0x34, byte(bits >> 8), byte(bits), 0, questions, 0, answers, 0, authority, 0, additional}, rest...)
}

const (
	exampleQuestion = "\x07example\x03com\x00\x00\x01\x00\x01"
	emptyOPT        = "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"
	rd              = 1 << 8
)

// What cannot be read is answered with nothing but a code.
func TestServerRefusesMalformedRequests(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wire  []byte
		rcode int
	}{
		{"no question where one is announced", packet(rd, 1, 0, 0, 0, ""), dns.RcodeFormatError},
		{"name cut off", packet(0, 1, 0, 0, 0, "\x07exam"), dns.RcodeFormatError},
		{"name without an end", packet(0, 1, 0, 0, 0, "\x07example"), dns.RcodeFormatError},
		{"type cut off", packet(0, 1, 0, 0, 0, "\x07example\x00\x00"), dns.RcodeFormatError},
		{"class cut off", packet(0, 1, 0, 0, 0, "\x07example\x00\x00\x01\x00"), dns.RcodeFormatError},
		{"pointer to itself", packet(0, 1, 0, 0, 0, "\xc0\x0c\x00\x01\x00\x01"), dns.RcodeFormatError},
		{"pointers in a circle", packet(0, 1, 0, 0, 0, "\xc0\x0e\xc0\x0c\x00\x01\x00\x01"), dns.RcodeFormatError},
		{"pointer past the end", packet(0, 1, 0, 0, 0, "\xff\xff\x00\x01\x00\x01"), dns.RcodeFormatError},
		{"reserved kind of label", packet(0, 1, 0, 0, 0, "\x80a\x00\x00\x01\x00\x01"), dns.RcodeFormatError},
		{"name too long", packet(0, 1, 0, 0, 0, strings.Repeat("\x3f"+strings.Repeat("a", 63), 4)+"\x00\x00\x01\x00\x01"), dns.RcodeFormatError},
		{"too many questions", packet(0, 33, 0, 0, 0, strings.Repeat("\x00\x00\x01\x00\x01", 33)), dns.RcodeFormatError},
		{"too many records", packet(0, 1, 11, 11, 11, exampleQuestion+strings.Repeat("\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00", 33)), dns.RcodeFormatError},
		{"record cut off", packet(0, 1, 0, 0, 1, exampleQuestion+emptyOPT[:10]), dns.RcodeFormatError},
		{"record missing", packet(0, 1, 1, 0, 0, exampleQuestion), dns.RcodeFormatError},
		{"data past the end", packet(0, 1, 0, 1, 0, exampleQuestion+"\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x05abcd"), dns.RcodeFormatError},
		{"two OPTs", packet(0, 1, 0, 0, 2, exampleQuestion+emptyOPT+emptyOPT), dns.RcodeFormatError},
		{"OPT with a name", packet(0, 1, 0, 0, 1, exampleQuestion+"\x01a"+emptyOPT), dns.RcodeFormatError},
		{"longer than there is room", packet(0, 1, 0, 0, 0, exampleQuestion+strings.Repeat("x", 4000)), dns.RcodeFormatError},
		{"inverse query", packet(1<<11, 1, 0, 0, 0, exampleQuestion), dns.RcodeNotImplemented},
		{"status", packet(2<<11, 0, 0, 0, 0, ""), dns.RcodeNotImplemented},
		{"notify", packet(dns.OpcodeNotify<<11, 1, 0, 0, 0, exampleQuestion), dns.RcodeNotImplemented},
		{"update", packet(dns.OpcodeUpdate<<11|rd, 1, 0, 0, 0, exampleQuestion), dns.RcodeNotImplemented},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newUDPServer(t)
			c := s.dial()
			c.send(tt.wire)
			got := c.recv()
			dnstest.Equal(t, "bytes", len(got), 12)
			m := unpack(t, got)
			dnstest.Equal(t, "id", m.Id, 0x1234)
			dnstest.Equal(t, "answer", m.Response, true)
			dnstest.Equal(t, "code", m.Rcode, tt.rcode)
			dnstest.Equal(t, "opcode", m.Opcode, int(tt.wire[2]>>3))
			dnstest.Equal(t, "RD", m.RecursionDesired, tt.wire[2]&1 != 0)
			dnstest.Equal(t, "requests", len(s.requests), 0)
			dnstest.Equal(t, "refused", s.Stats().Refused, 1)
		})
	}
}

// What is no query gets no answer at all: an answer to an answer would go round
// and round.
func TestServerIgnoresWhatIsNoQuery(t *testing.T) {
	ignored := [][]byte{
		[]byte("x"),
		packet(0, 1, 0, 0, 0, "")[:11],
		packet(1<<15, 1, 0, 0, 0, exampleQuestion),
		packet(1<<15|3, 0, 0, 0, 0, ""),
		packet(1<<15|5<<11, 1, 0, 0, 0, "\x80"),
	}
	eachServer(t, func(t *testing.T, s *testServer) {
		c := s.dial()
		if s.net == "udp" {
			c.send([]byte{})
		}
		c.send(ignored...)
		c.send(pack(t, query("example.com")))
		r := s.receive(1)[0]
		ok(t, r.Respond(0))
		dnstest.Equal(t, "question", c.recvMsg().Question[0].Name, "example.com.")
		want := uint64(len(ignored))
		if s.net == "udp" {
			want++
		}
		dnstest.Equal(t, "ignored", s.Stats().Ignored, want)
	})
}

// What is odd but readable is the user's to judge.
func TestServerLetsOddRequestsThrough(t *testing.T) {
	for name, wire := range map[string][]byte{
		"no question":              packet(rd, 0, 0, 0, 0, ""),
		"several questions":        packet(0, 32, 0, 0, 0, strings.Repeat("\x00\x00\x01\x00\x01", 32)),
		"compressed question":      packet(0, 2, 0, 0, 0, exampleQuestion+"\x03www\xc0\x0c\x00\x01\x00\x01"),
		"records in all sections":  packet(0, 1, 1, 1, 2, exampleQuestion+strings.Repeat("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04abcd", 3)+emptyOPT),
		"many records":             packet(0, 1, 10, 11, 11, exampleQuestion+strings.Repeat("\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00", 32)),
		"more than is announced":   packet(0, 1, 0, 0, 0, exampleQuestion+"garbage"),
		"special characters":       packet(0, 1, 0, 0, 0, "\x09a.b\\\x00\xff \"(\x00\x00\x01\x00\x01"),
		"reserved bits":            packet(0x7f&^0x78<<8|0xff, 1, 0, 0, 0, exampleQuestion),
		"unknown type and class":   packet(0, 1, 0, 0, 0, "\x00\xff\xfe\xff\xfd"),
		"options that are garbage": packet(0, 1, 0, 0, 1, exampleQuestion+"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x03abc"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newUDPServer(t)
			c := s.dial()
			c.send(wire)
			r := s.receive(1)[0]
			questions := r.Questions
			dnstest.Equal(t, "questions", len(questions), int(wire[5]))
			ok(t, r.Respond(0))
			m := c.recvMsg()
			dnstest.Equal(t, "questions in the answer", len(m.Question), len(questions))
			for i := range questions {
				dnstest.Equal(t, "question", m.Question[i], questions[i])
			}
			dnstest.Equal(t, "code", m.Rcode, 0)
		})
	}
}

// A query of which only the options are malformed is one, but not for Msg.
func TestServerMsgReportsWhatIsMalformed(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	c.send(packet(0, 1, 0, 0, 1, exampleQuestion+"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x03abc"))
	r := s.receive(1)[0]
	if m, err := r.Msg(); err == nil {
		t.Errorf("read %v", m)
	}
	ok(t, r.Respond(1))
}

// Questions that are too long for the answer are left out, and with them the
// rest.
func TestServerQuestionsThatDoNotFit(t *testing.T) {
	s := newUDPServer(t)
	c := s.dial()
	var long string
	for i := range 8 {
		long += "\x3f" + strings.Repeat(string(rune('a'+i)), 63) + "\x3f" + strings.Repeat(string(rune('A'+i)), 63) + "\x00\x00\x01\x00\x01"
	}
	c.send(packet(0, 8, 0, 0, 0, long))
	r := s.receive(1)[0]
	dnstest.Equal(t, "questions", len(r.Questions), 8)
	ok(t, r.AddA("example.com", ttl, v4))
	ok(t, r.Respond(0))
	m := c.recvMsg()
	dnstest.Equal(t, "truncated", m.Truncated, true)
	dnstest.Equal(t, "questions in the answer", len(m.Question), 0)
	dnstest.Equal(t, "answers", len(m.Answer), 0)
}
