package evhttp

import (
	"net"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
)

// clientStage is how far a connection has got with a request.
type clientStage uint8

const (
	wroteHead clientStage = iota
	wroteAll
)

// reach tells who traces a request how far it has got.
func (c *ClientConn) reach(x *clientExchange, stage clientStage) {
	if x.onStage != nil {
		x.onStage(c, stage)
	}
}

// traceStart traces that a connection is wanted.
func (p *trip) traceStart() {
	p.r.SetInformationalCallback(p.inform)
	p.r.client.onStage = p.traceStage
	if p.trace.GetConn == nil {
		return
	}
	if host, port, err := splitHost(p.req.URL); err == nil {
		p.trace.GetConn(withPort(host, port))
	}
}

// traceStage traces what a connection does with the request.
func (p *trip) traceStage(o *ClientConn, stage clientStage) {
	t := p.trace
	switch stage {
	case wroteHead:
		if t.GotConn != nil {
			t.GotConn(httptrace.GotConnInfo{Conn: newTracedConn(o.bev), Reused: o.reused, WasIdle: o.reused})
		}
		if t.WroteHeaders != nil {
			t.WroteHeaders()
		}
		if o.body == bodyAsked && t.Wait100Continue != nil {
			t.Wait100Continue()
		}
	case wroteAll:
		if t.WroteRequest != nil {
			t.WroteRequest(httptrace.WroteRequestInfo{})
		}
	}
}

// inform passes an informational response on.
func (p *trip) inform(_ *Request, code int, h *Header) {
	p.traceFirstByte()
	if code == 100 && p.trace.Got100Continue != nil {
		p.trace.Got100Continue()
	}
	if fn := p.trace.Got1xxResponse; fn != nil {
		if err := fn(code, textproto.MIMEHeader(toHTTP(h))); err != nil {
			p.abort(err)
			p.cancel()
		}
	}
}

// traceFirstByte traces that something of an answer has come, once.
func (p *trip) traceFirstByte() {
	if p.trace == nil || p.heard {
		return
	}
	p.heard = true
	if p.trace.GotFirstResponseByte != nil {
		p.trace.GotFirstResponseByte()
	}
}

// A tracedConn is the connection that a trace is told of, for its addresses: only
// the client may use it.
type tracedConn struct{ local, remote net.Addr }

func newTracedConn(b *bufferevent.Bufferevent) tracedConn {
	local, remote := b.NetAddrs()
	return tracedConn{local, remote}
}

func (c tracedConn) LocalAddr() net.Addr  { return c.local }
func (c tracedConn) RemoteAddr() net.Addr { return c.remote }

func (tracedConn) Read([]byte) (int, error)         { return 0, ErrBusy }
func (tracedConn) Write([]byte) (int, error)        { return 0, ErrBusy }
func (tracedConn) Close() error                     { return ErrBusy }
func (tracedConn) SetDeadline(time.Time) error      { return ErrBusy }
func (tracedConn) SetReadDeadline(time.Time) error  { return ErrBusy }
func (tracedConn) SetWriteDeadline(time.Time) error { return ErrBusy }
