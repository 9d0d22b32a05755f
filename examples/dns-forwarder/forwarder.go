package main

import (
	"errors"
	"log"

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
	q := req.Questions
	switch {
	case len(q) != 1:
		refuse(req, evdns.ErrFormat)
		return
	case q[0].Qclass != dns.ClassINET:
		refuse(req, evdns.ErrNotImpl)
		return
	case f.waiting == f.max:
		refuse(req, evdns.ErrRefused)
		return
	}
	// What the client wants of DNSSEC is the nameserver's to give.
	how := evdns.QueryConfig{
		Flags:            evdns.NoSearch,
		DNSSEC:           req.DNSSEC(),
		CheckingDisabled: req.Flags()&evdns.FlagCD != 0,
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
func refuse(req *evdns.ServerRequest, code evdns.Err) { report(req.Respond(code)) }

// report logs that an answer could not be sent, and that the client got another one or
// none, unless it is the client that has gone.
func report(err error) {
	if err != nil && !errors.Is(err, evdns.ErrClientGone) {
		log.Print(err)
	}
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

// answer answers a request with the message of a nameserver, if there is one.
func answer(req *evdns.ServerRequest, m *dns.Msg, err error) {
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
func failure(err error) evdns.Err {
	var reason evdns.Err
	if errors.As(err, &reason) && reason <= evdns.ErrRefused {
		return reason
	}
	return evdns.ErrServerFailed
}
