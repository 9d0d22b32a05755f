package main

import (
	"errors"
	"log"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// A forwarder answers requests with what a resolver finds out.
type forwarder struct {
	resolver *evdns.Base
	max      int // requests that may wait for the resolver
	waiting  int
}

// serve begins to answer a request. It is the callback of the server's ports.
func (f *forwarder) serve(req *evdnsserver.Request) {
	q := req.Questions
	switch {
	case len(q) != 1:
		refuse(req, dns.RcodeFormatError)
		return
	case q[0].Qclass != dns.ClassINET:
		refuse(req, dns.RcodeNotImplemented)
		return
	case f.waiting == f.max:
		refuse(req, dns.RcodeRefused)
		return
	}
	// What the client wants of DNSSEC is the nameserver's to give.
	how := evdns.QueryConfig{
		Flags:            evdns.NoSearch,
		DNSSEC:           req.DNSSEC(),
		CheckingDisabled: req.Flags()&evdnsserver.FlagCD != 0,
	}
	_, err := f.resolver.QueryWith(q[0].Name, q[0].Qtype, how, func(m *dns.Msg, err error) {
		f.waiting--
		answer(req, m, err)
	})
	if err != nil {
		refuse(req, refusal(err))
		return
	}
	f.waiting++
}

// refuse answers a request with a code alone.
func refuse(req *evdnsserver.Request, rcode int) { report(req.Respond(rcode)) }

// report logs that an answer could not be sent, and that the client got another one or
// none, unless it is the client that has gone.
func report(err error) {
	if err != nil && !errors.Is(err, evdnsserver.ErrClientGone) {
		log.Print(err)
	}
}

// refusal is what a client is told when its query cannot be asked.
func refusal(err error) int {
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return dns.RcodeNotImplemented
	case errors.Is(err, evdns.ErrName):
		return dns.RcodeFormatError
	}
	return dns.RcodeServerFailure
}

// answer answers a request with the message of a nameserver, if there is one.
func answer(req *evdnsserver.Request, m *dns.Msg, err error) {
	if m == nil {
		refuse(req, failure(err))
		return
	}
	m.Authoritative = false // we are not
	m.RecursionAvailable = true
	report(req.RespondMsg(m))
}

// failure is what a client is told when there is no message. Those that a
// nameserver has sent keep their code.
func failure(err error) int {
	var reason evdns.Err
	if errors.As(err, &reason) && reason <= evdns.ErrRefused {
		return int(reason)
	}
	return dns.RcodeServerFailure
}
