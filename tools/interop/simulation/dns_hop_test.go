package simulation_test

import (
	"github.com/miekg/dns"
)

// addHop adds options of EDNS that are between a nameserver and its client.
func (s *nameserver) addHop(m *dns.Msg, opt *dns.OPT) {
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "00112233445566778899aabbccddeeff"})
}
