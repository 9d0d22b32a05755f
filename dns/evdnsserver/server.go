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

// A Callback handles a request, on the loop of the server's base. It answers it with
// Respond, or keeps it to answer it later, from any callback. If it panics before, or if
// the request is neither answered nor dropped within Config.RequestTimeout, the server
// answers with SERVFAIL. It may call all methods of the server
// (evdns_request_callback_fn_type).
type Callback func(*Request)

// A Server receives requests on a UDP socket or on TCP connections, and calls a callback
// with each.
//
// It belongs to the goroutine that runs the loop of its base. If hooks of evthread were
// installed before it was made, any goroutine may call its methods and those of its
// requests; the loop calls the callbacks in either case, with the lock of the server held
// (struct evdns_server_port).
type Server struct {
	base       *event.Base
	callback   Callback
	epoch      time.Time      // what times are counted from
	guard      evthread.Guard // of everything below
	config     Config         // complete
	udp        *udpServer     // one of these
	tcp        *tcpServer
	closed     bool // Close was called
	ended      bool // and its socket is closed
	unanswered int  // requests that were neither answered nor dropped
	current    *Request
	pending    pending
	packer     packer
	stats      Stats

	expiryLog  event.LogLimiter // of requests that expire
	sendLog    event.LogLimiter // of answers that cannot be sent
	receiveLog event.LogLimiter // of errors of receiving
}

// Stats counts the messages that a server has received and sent.
type Stats struct {
	Requests  uint64 // the callback was called with
	Answers   uint64 // that were passed to the system, refusals included
	Truncated uint64 // of these, with records left out
	Refused   uint64 // requests that were answered with an error, without the callback
	Ignored   uint64 // messages without an answer: no header, no query, or over a limit
	Failed    uint64 // answers that could not be packed, for which SERVFAIL was sent, or not be sent
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

// Close closes the server: it receives no more requests, and connections are closed.
// Requests over UDP can still be answered, within Config.RequestTimeout; the socket is
// closed after the last of them. If the base was freed before, they are answered with
// SERVFAIL at once. For requests over TCP, Respond returns ErrClientGone. A listener is
// freed at once. Further calls do nothing (evdns_close_server_port).
func (s *Server) Close() {
	s.lock()
	first := !s.closed
	s.closed = true
	if first && s.tcp != nil {
		s.tcp.disconnect()
		s.pending.clear()
		s.pending.timer.Free()
	}
	if first && s.udp != nil {
		s.udp.close()
	}
	s.endIfDrained()
	s.unlock()
	if first && s.tcp != nil {
		s.tcp.listener.Free() // whose lock comes before that of the server
	}
}

// endIfDrained ends a server for UDP that was closed, if nothing is left to be sent.
func (s *Server) endIfDrained() {
	if s.closed && !s.ended && s.udp != nil {
		s.udp.endIfDrained()
	}
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.lock()
	defer s.unlock()
	return s.stats
}

// handle handles a message. wire is valid until it returns.
func (s *Server) handle(wire []byte, from origin) {
	h, ok := dnswire.ReadHeader(wire)
	if !ok || h.Bits&dnswire.BitQR != 0 {
		s.stats.Ignored++ // answering an answer could loop
		return
	}
	r := &Request{server: s, origin: from, wire: wire, id: h.ID, bits: h.Bits & copiedBits}
	s.unanswered++
	if r.client != nil {
		r.client.unanswered++
	}
	if rcode := r.read(h); rcode != dns.RcodeSuccess {
		s.stats.Refused++
		r.refuse(rcode)
		return
	}
	s.stats.Requests++
	s.current = r
	s.callback(r)
	s.current = nil
	if r.ended {
		return
	}
	r.wire = slices.Clone(wire)
	if !s.closed || s.udp != nil {
		s.addPending(r)
	}
}

// recoverCurrent answers the request whose callback has panicked, and reports whether
// there is one. It is deferred where messages are received.
func (s *Server) recoverCurrent() (panicked bool) {
	r := s.current
	s.current = nil
	if r != nil && !r.ended {
		r.refuse(dns.RcodeServerFailure)
	}
	return r != nil
}

// An origin is where a request came from.
type origin struct {
	peer      netip.AddrPort
	local     netip.Addr // that it was sent to, if the system reports it
	client    *tcpClient // or nil
	truncated bool       // the datagram was longer than the buffer
}

// lock takes the lock, if there is one, or else checks the goroutine.
func (s *Server) lock() { s.guard.Lock() }

func (s *Server) unlock() { s.guard.Unlock() }
