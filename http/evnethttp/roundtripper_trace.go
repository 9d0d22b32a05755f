package evnethttp

import (
	"net"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/http/evhttp"
)

// traceStart traces that a connection is wanted.
func (p *roundTrip) traceStart() {
	p.r.SetInformationalCallback(p.inform)
	p.r.SetSendCallback(p.traceStage)
	if p.trace.GetConn == nil {
		return
	}
	if addr, err := dialAddr(p.req.URL); err == nil {
		p.trace.GetConn(addr)
	}
}

// traceStage traces what a connection does with the request.
func (p *roundTrip) traceStage(r *evhttp.Request, stage evhttp.SendStage) {
	t := p.trace
	switch stage {
	case evhttp.SentHead:
		if t.GotConn != nil {
			t.GotConn(httptrace.GotConnInfo{Conn: newTracedConn(r.Conn().Bufferevent()), Reused: r.Reused(), WasIdle: r.Reused()})
		}
		if t.WroteHeaders != nil {
			t.WroteHeaders()
		}
		if p.awaitsContinue() && t.Wait100Continue != nil {
			t.Wait100Continue()
		}
	case evhttp.SentBody:
		if t.WroteRequest != nil {
			t.WroteRequest(httptrace.WroteRequestInfo{})
		}
	}
}

// dialAddr returns the host and port of a URL, as net/http traces them.
func dialAddr(u *url.URL) (string, error) {
	host, err := httpguts.PunycodeHostPort(u.Hostname())
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(host, port), err
}

// awaitsContinue reports whether the body waits for the server to want it.
func (p *roundTrip) awaitsContinue() bool {
	return p.r.OutputHeaders().HasToken("Expect", "100-continue") && (p.upload.streams || p.r.Output().Len() > 0)
}

// inform passes an informational response on.
func (p *roundTrip) inform(_ *evhttp.Request, code int, h *evhttp.Header) {
	p.traceFirstByte()
	if code == 100 && p.trace.Got100Continue != nil {
		p.trace.Got100Continue()
	}
	if fn := p.trace.Got1xxResponse; fn != nil {
		if err := fn(code, textproto.MIMEHeader(toHTTP(h))); err != nil {
			p.abort(err)
			p.r.Cancel()
		}
	}
}

// traceFirstByte traces that something of an answer has come, once.
func (p *roundTrip) traceFirstByte() {
	if p.trace == nil || p.heard {
		return
	}
	p.heard = true
	if p.trace.GotFirstResponseByte != nil {
		p.trace.GotFirstResponseByte()
	}
}

// A tracedConn is the connection that a trace gets, for its addresses: the client alone
// may read and write it.
type tracedConn struct{ local, remote net.Addr }

func newTracedConn(b *bufferevent.Bufferevent) tracedConn {
	local, remote := b.NetAddrs()
	return tracedConn{local, remote}
}

func (c tracedConn) LocalAddr() net.Addr  { return c.local }
func (c tracedConn) RemoteAddr() net.Addr { return c.remote }

func (tracedConn) Read([]byte) (int, error)         { return 0, evhttp.ErrBusy }
func (tracedConn) Write([]byte) (int, error)        { return 0, evhttp.ErrBusy }
func (tracedConn) Close() error                     { return evhttp.ErrBusy }
func (tracedConn) SetDeadline(time.Time) error      { return evhttp.ErrBusy }
func (tracedConn) SetReadDeadline(time.Time) error  { return evhttp.ErrBusy }
func (tracedConn) SetWriteDeadline(time.Time) error { return evhttp.ErrBusy }
