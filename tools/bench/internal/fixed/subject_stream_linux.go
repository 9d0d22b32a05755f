package fixed

import (
	"crypto/tls"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
	"github.com/go-libevent/libevent/tools/bench/internal/certificate"
)

// loopback is where subjects listen: on a port that the system chooses.
var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// messageSize is the length of an echo's message in bytes.
const messageSize = 64

// stream is a subject with connections, which waits for a number of units.
type stream struct {
	base  *event.Base
	addr  netip.AddrPort
	conns int // that are ready
	units int // that were done
	work  Work
	err   error
}

func (s *stream) address() string { return s.addr.String() }

func (s *stream) prepare() error {
	return s.await(func() bool { return s.conns >= s.work.N })
}

func (s *stream) issue() error { return nil }

func (s *stream) step() error {
	s.units = 0
	return s.await(func() bool { return s.units >= s.work.N*s.work.Depth })
}

func (s *stream) await(holds func() bool) error {
	if err := until(s.base, func() bool { return s.err != nil || holds() }); err != nil {
		return err
	}
	return s.err
}

// echo sends what it gets back.
type echo struct {
	stream
	bytes  int
	config *evtls.Config // or nil
}

func newEcho(w Work, base *event.Base, _ string) (subject, error) {
	return listenEcho(&echo{stream: stream{base: base, work: w}})
}

func newTLS(w Work, base *event.Base, _ string) (subject, error) {
	cert, err := certificate.Load()
	if err != nil {
		return nil, err
	}
	config := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}}
	return listenEcho(&echo{stream: stream{base: base, work: w}, config: config})
}

func listenEcho(e *echo) (subject, error) {
	l, err := listener.NewBind(e.base, loopback, listener.CloseOnFree, -1, e.accept)
	if err != nil {
		return nil, err
	}
	e.addr = l.AddrPort()
	return e, nil
}

func (e *echo) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := e.newStream(fd)
	if err != nil {
		e.err = err
		return
	}
	b.SetCallbacks(e.onRead, nil, e.onEvent)
	if err := b.Enable(event.Read); err != nil {
		e.err = err
	}
}

func (e *echo) newStream(fd int) (*bufferevent.Bufferevent, error) {
	if e.config != nil {
		return evtls.NewSocket(e.base, fd, evtls.Accepting, e.config, bufferevent.CloseOnFree)
	}
	e.conns++
	return bufferevent.NewSocket(e.base, fd, bufferevent.CloseOnFree)
}

func (e *echo) onRead(b *bufferevent.Bufferevent) {
	e.bytes += b.Input().Len()
	e.units, e.bytes = e.units+e.bytes/messageSize, e.bytes%messageSize
	if err := b.WriteBuffer(b.Input()); err != nil {
		e.err = err
	}
}

func (e *echo) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what == bufferevent.EventConnected {
		e.conns++
		return
	}
	b.Free()
}

// web answers requests.
type web struct{ stream }

// hello is the body of an answer, and helloBytes the same.
const hello = "hello, world"

var helloBytes = []byte(hello)

func newHTTP(w Work, base *event.Base, _ string) (subject, error) {
	h := &web{stream{base: base, work: w}}
	server := evhttp.NewServer(base)
	server.SetGenericCallback(h.answer)
	bound, err := server.Bind(loopback)
	if err != nil {
		return nil, err
	}
	h.addr = bound.AddrPort()
	h.conns = w.N // they come with the first requests
	return h, nil
}

func (h *web) answer(r *evhttp.Request) {
	h.units++
	if err := r.OutputHeaders().Add("Content-Type", "text/plain"); err != nil {
		h.err = err
	}
	if err := r.SendReplyBytes(200, "", helloBytes); err != nil {
		h.err = err
	}
}
