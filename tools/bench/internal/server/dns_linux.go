package server

import (
	"net"

	"github.com/miekg/dns"
)

// dnsTTL is for how many seconds the answers of the DNS servers hold.
const dnsTTL = 300

// dnsAddress is what every name resolves to.
var dnsAddress = [4]byte{192, 0, 2, 1}

// serveMiekg runs a DNS server of miekg/dns on one socket, with the defaults of
// that package: a goroutine a request.
func serveMiekg(r ready) error {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	r(conn.LocalAddr())
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(answerMiekg)}
	return s.ActivateAndServe()
}

func answerMiekg(w dns.ResponseWriter, request *dns.Msg) {
	var response dns.Msg
	response.SetReply(request)
	for _, q := range request.Question {
		if q.Qtype == dns.TypeA && q.Qclass == dns.ClassINET {
			response.Answer = append(response.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: q.Qclass, Ttl: dnsTTL},
				A:   dnsAddress[:],
			})
		}
	}
	_ = w.WriteMsg(&response) // a client that is gone asks again
}
