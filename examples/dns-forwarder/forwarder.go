package main

import (
	"errors"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
)

// A forwarder answers requests with what a resolver finds out.
type forwarder struct {
	resolver *evdns.Base
	max      int // requests that may wait for the resolver
	waiting  int
}

// serve begins to answer a request. It is the callback of the server's ports.
func (f *forwarder) serve(req *evdns.ServerRequest) {
	q := req.Questions()
	switch {
	case len(q) != 1:
		req.Respond(evdns.ErrFormat)
		return
	case q[0].Qclass != dns.ClassINET:
		req.Respond(evdns.ErrNotImpl)
		return
	case f.waiting == f.max:
		req.Respond(evdns.ErrRefused)
		return
	}
	_, err := f.resolver.Query(q[0].Name, q[0].Qtype, evdns.NoSearch, func(m *dns.Msg, err error) {
		f.waiting--
		answer(req, m, err)
	})
	if err != nil {
		req.Respond(refusal(err))
		return
	}
	f.waiting++
}

// refusal is what a client is told when its query cannot be asked.
func refusal(err error) evdns.Err {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return evdns.ErrNotImpl
	case errors.Is(err, evdns.ErrName):
		return evdns.ErrFormat
	}
	return evdns.ErrServerFailed
}

// answer answers a request with a message of a nameserver, if there is one. It is
// not the end of a client that an answer cannot be sent: it asks again.
func answer(req *evdns.ServerRequest, m *dns.Msg, err error) {
	if m == nil {
		req.Respond(failure(err))
		return
	}
	sections := []struct {
		where   evdns.Section
		records []dns.RR
	}{{evdns.SectionAnswer, m.Answer}, {evdns.SectionAuthority, m.Ns}, {evdns.SectionAdditional, m.Extra}}
	for _, s := range sections {
		for _, rr := range s.records {
			if rr.Header().Rrtype == dns.TypeOPT {
				continue // is between the nameserver and us
			}
			if req.AddReply(s.where, rr) != nil {
				req.Respond(evdns.ErrServerFailed)
				return
			}
		}
	}
	req.Respond(evdns.Err(m.Rcode))
}

// failure is what a client is told when there is no message. Those that a
// nameserver has sent keep their code.
func failure(err error) evdns.Err {
	var reason evdns.Err
	if errors.As(err, &reason) && reason <= evdns.ErrRefused {
		return reason
	}
	return evdns.ErrServerFailed
}
