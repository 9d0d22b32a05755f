package evdnsserver

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/dns/internal/dnswire"
)

// A Callback gets a request, on the loop of the server's base. It answers
// with Respond, or puts that off and answers later, from wherever. A request that
// it leaves behind by a panic, or that is neither answered nor dropped for as long
// as SetRequestTimeout says, gets SERVFAIL. It may do anything to the server
// (evdns_request_callback_fn_type).
type Callback func(*Request)

// A Server takes requests on a UDP socket or on TCP connections, and gives
// them to a callback.
//
// It belongs to the goroutine that runs the loop of its base. If hooks of
// evthread were installed before it was made, its methods and those of its
// requests are for any goroutine; callbacks come from the loop in any case, and
// hold the lock of the server (struct evdns_server_port).
type Server struct {
	base     *event.Base
	callback Callback
	epoch    time.Time      // what times are counted from
	guard    evthread.Guard // of everything below
	config   Config         // complete
	udp      *udpServer     // one of these
	tcp      *tcpServer
	closed   bool // Close was called
	ended    bool // and there is nothing left to do
	open     int  // requests that were neither answered nor dropped
	handled  *Request
	pending  pending
	packer   packer
	stats    Stats

	lateness event.LogLimiter // requests that expire
	losses   event.LogLimiter // answers that cannot be sent
	stalls   event.LogLimiter // a socket that cannot receive
}

// Stats counts what has become of the messages that a server has got.
type Stats struct {
	Requests  uint64 // were given to the callback
	Answers   uint64 // were given to the system to be sent, refusals included
	Truncated uint64 // of these, with records left out
	Refused   uint64 // messages that no callback was asked about
	Ignored   uint64 // messages that got no answer: no header, no query, or too many at once
	Failed    uint64 // answers that could not be made or sent; for the former SERVFAIL was
	Expired   uint64 // requests that were not answered in time
}

// newServer makes a server for UDP or TCP without a socket.
func newServer(base *event.Base, cb Callback, udp bool) (*Server, error) {
	if base == nil || cb == nil {
		return nil, fmt.Errorf("event base and callback: %w", event.ErrNil)
	}
	s := &Server{base: base, callback: cb, epoch: base.Now()}
	if err := s.config.complete(udp); err != nil {
		return nil, err
	}
	if err := s.pending.timer.Assign(base, -1, event.Finalize, s.onPending); err != nil {
		return nil, err
	}
	var err error
	if evthread.Enabled() {
		s.guard, err = evthread.NewLockGuard("evdnsserver")
	} else {
		s.guard = base.Guard("evdnsserver")
	}
	return s, err
}

// Close ends the server: it takes no more requests, and connections are closed.
// Requests that came by UDP can still be answered, for as long as
// SetRequestTimeout says; the socket is closed after the last of them. If the base was
// freed before, they get SERVFAIL at once. For those
// that came by TCP, Respond is an error. A listener is freed at once. Closing a
// server again does nothing (evdns_close_server_port).
func (s *Server) Close() {
	s.lock()
	first := !s.closed
	s.closed = true
	if first && s.tcp != nil {
		s.tcp.disconnect()
		s.pending.forget()
		s.pending.timer.Free()
	}
	if first && s.udp != nil {
		s.udp.close()
	}
	s.settle()
	s.unlock()
	if first && s.tcp != nil {
		s.tcp.listener.Free() // whose lock comes before ours
	}
}

// settle ends a server that was closed once nothing is left to be done.
func (s *Server) settle() {
	if s.closed && !s.ended && s.udp != nil {
		s.udp.settle()
	}
}

// Stats returns what has become of messages so far.
func (s *Server) Stats() Stats {
	s.lock()
	defer s.unlock()
	return s.stats
}

// handle deals with a message. wire is good until it returns.
func (s *Server) handle(wire []byte, from origin) {
	h, ok := dnswire.ReadHeader(wire)
	if !ok || h.Bits&dnswire.BitQR != 0 {
		s.stats.Ignored++ // to answer an answer would make a loop
		return
	}
	r := &Request{server: s, origin: from, wire: wire, id: h.ID, bits: h.Bits & copiedBits}
	s.open++
	if r.client != nil {
		r.client.open++
	}
	if rcode := r.read(h); rcode != dns.RcodeSuccess {
		s.stats.Refused++
		r.refuse(rcode)
		return
	}
	s.stats.Requests++
	s.handled = r
	s.callback(r)
	s.handled = nil
	if r.ended {
		return
	}
	r.wire = slices.Clone(wire)
	if !s.closed || s.udp != nil {
		s.await(r)
	}
}

// endHandling answers the request whose callback has panicked. It is deferred where
// messages are received, and reports whether there was one.
func (s *Server) endHandling() (panicked bool) {
	r := s.handled
	s.handled = nil
	if r != nil && !r.ended {
		r.refuse(dns.RcodeServerFailure)
	}
	return r != nil
}

// An origin is where a request came from.
type origin struct {
	peer   netip.AddrPort
	local  netip.Addr // to which it was sent, if the system has told
	client *tcpClient // or nil
	cut    bool       // the message was longer than there was room
}

// lock and unlock bracket everything that others may do at the same time.
func (s *Server) lock() { s.guard.Lock() }

func (s *Server) unlock() { s.guard.Unlock() }
