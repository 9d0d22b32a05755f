package evdns

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
)

// A ServerCallback gets a request, on the loop of the port's base. It answers
// with Respond, or puts that off and answers later, from wherever. A request that
// it leaves behind by a panic, or that is neither answered nor dropped for as long
// as SetRequestTimeout says, gets SERVFAIL. It may do anything to the port
// (evdns_request_callback_fn_type).
type ServerCallback func(*ServerRequest)

// A ServerPort takes requests on a UDP socket or on TCP connections, and gives
// them to a callback.
//
// It belongs to the goroutine that runs the loop of its base. If hooks of
// evthread were installed before it was made, its methods and those of its
// requests are for any goroutine; callbacks come from the loop in any case, and
// hold the lock of the port (struct evdns_server_port).
type ServerPort struct {
	base     *event.Base
	callback ServerCallback
	epoch    time.Time     // what times are counted from
	mu       evthread.Lock // of everything below, or nil
	log      *slog.Logger  // or nil: slog.Default
	udp      *udpPort      // one of these
	tcp      *tcpPort
	closed   bool // Close was called
	ended    bool // and there is nothing left to do
	open     int  // requests that were neither answered nor dropped
	handled  *ServerRequest
	pending  pending
	packer   packer
	stats    ServerStats

	lateness, losses complaint // requests that expire, answers that cannot be sent
}

// ServerStats counts what has become of the messages that a port has got.
type ServerStats struct {
	Requests  uint64 // were given to the callback
	Answers   uint64 // were given to the system to be sent, refusals included
	Truncated uint64 // of these, with records left out
	Refused   uint64 // messages that no callback was asked about
	Ignored   uint64 // messages that got no answer: no header, no query, or too many at once
	Failed    uint64 // answers that could not be made or sent; for the former SERVFAIL was
	Expired   uint64 // requests that nobody has answered in time
}

// newServerPort makes a port without a socket.
func newServerPort(base *event.Base, cb ServerCallback) (*ServerPort, error) {
	if base == nil || cb == nil {
		return nil, fmt.Errorf("event base and callback: %w", ErrNil)
	}
	p := &ServerPort{base: base, callback: cb, epoch: base.Now()}
	p.pending.longest = DefaultRequestTimeout
	if err := p.pending.timer.Assign(base, -1, event.Finalize, p.onPending); err != nil {
		return nil, err
	}
	if !evthread.Enabled() {
		return p, nil
	}
	mu, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		return nil, err
	}
	p.mu = mu
	// Requests use the lock as long as there are any.
	runtime.AddCleanup(p, func(mu evthread.Lock) { evthread.FreeLock(mu, evthread.Recursive) }, mu)
	return p, nil
}

// Close ends the port: it takes no more requests, and connections are closed.
// Requests that came by UDP can still be answered, for as long as
// SetRequestTimeout says; the socket is closed after the last of them. If the base was
// freed before, they get SERVFAIL at once. For those
// that came by TCP, Respond is an error. A listener is freed at once. Closing a
// port again does nothing (evdns_close_server_port).
func (p *ServerPort) Close() {
	p.lock()
	first := !p.closed
	p.closed = true
	if first && p.tcp != nil {
		p.tcp.disconnect()
		p.pending.forget()
		p.pending.timer.Free()
	}
	if first && p.udp != nil {
		p.udp.stopReading()
		p.udp.sendLast()
	}
	p.settle()
	p.unlock()
	if first && p.tcp != nil {
		p.tcp.listener.Free() // whose lock comes before ours
	}
}

// settle ends a port that was closed once nothing is left to be done.
func (p *ServerPort) settle() {
	if !p.closed || p.ended || p.udp == nil {
		return
	}
	if p.open == 0 && len(p.udp.queue) == 0 {
		p.ended = true
		p.pending.timer.Free()
		p.udp.end()
	}
}

// SetLogger sets where the port tells about sockets that fail; nil is
// slog.Default (evdns_set_log_fn).
func (p *ServerPort) SetLogger(log *slog.Logger) {
	p.lock()
	defer p.unlock()
	p.log = log
}

// Stats returns what has become of messages so far.
func (p *ServerPort) Stats() ServerStats {
	p.lock()
	defer p.unlock()
	return p.stats
}

// handle deals with a message. wire is good until it returns.
func (p *ServerPort) handle(wire []byte, from origin) {
	h, ok := readHeader(wire)
	if !ok || h.bits&bitQR != 0 {
		p.stats.Ignored++ // to answer an answer would make a loop
		return
	}
	r := &ServerRequest{port: p, origin: from, wire: wire, id: h.id, bits: h.bits & copiedBits}
	p.open++
	if r.client != nil {
		r.client.open++
	}
	if rcode := r.read(h); rcode != dns.RcodeSuccess {
		p.stats.Refused++
		r.refuse(rcode)
		return
	}
	p.stats.Requests++
	p.handled = r
	p.callback(r)
	p.handled = nil
	if r.ended {
		return
	}
	r.wire = slices.Clone(wire)
	if !p.closed || p.udp != nil {
		p.await(r)
	}
}

// endHandling answers the request whose callback has panicked. It is deferred where
// messages are received, and reports whether there was one.
func (p *ServerPort) endHandling() (panicked bool) {
	r := p.handled
	p.handled = nil
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

// checkServerOption says what is wrong with an option: that the port is not of
// its kind, or that it cannot have this value.
func checkServerOption(kind, value bool) error {
	switch {
	case !kind:
		return ErrOption
	case !value:
		return ErrValue
	default:
		return nil
	}
}

// lock and unlock bracket everything that others may do at the same time.
func (p *ServerPort) lock() {
	if p.mu != nil {
		if err := p.mu.Lock(0); err != nil {
			panic(fmt.Errorf("evdns: %w", err))
		}
	}
}

func (p *ServerPort) unlock() {
	if p.mu != nil {
		if err := p.mu.Unlock(0); err != nil {
			panic(fmt.Errorf("evdns: %w", err))
		}
	}
}

func (p *ServerPort) logger() *slog.Logger {
	if p.log == nil {
		return slog.Default()
	}
	return p.log
}

func (p *ServerPort) warn(msg string, err error) { p.logger().Warn("evdns: "+msg, "error", err) }
