package evhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// roundTripper is the Client as net/http knows it.
type roundTripper struct{ client *Client }

// RoundTripper returns the client as an http.RoundTripper, for an http.Client or
// an httputil.ReverseProxy, that any goroutine may use but that of the loop, which
// has to run meanwhile: see event.LoopNoExitOnEmpty.
//
// It does what http.Transport does with bodies in both directions, trailers,
// informational responses, the callbacks of httptrace, which are called on the loop
// (but those about name resolution, connecting, TLS, and idle connections),
// cancelling, and other protocols (101), whose body is an io.ReadWriteCloser.
// Requests that may be sent twice are sent again if a connection turns out to be
// stale, provided that they have no body or a GetBody. Different is that it neither asks for
// compression on its own nor sends a User-Agent.
func (c *Client) RoundTripper() http.RoundTripper { return &roundTripper{c} }

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *roundTripper) CloseIdleConnections() { t.client.base.Post(t.client.CloseIdleConnections) }

// A trip is a request of net/http and its answer.
type trip struct {
	client *Client
	req    *http.Request
	r      *Request // the loop's once it is under way
	trace  *httptrace.ClientTrace
	heard  bool // something of an answer, which was traced
	upload upload
	over   chan struct{} // closed when the request is

	answered chan struct{} // closed when there is resp
	stop     func() bool   // ends the watching of the request's context
	unhook   func() bool   // and that of the base
	bodiless bool          // there is nothing to read

	mu       sync.Mutex
	changed  sync.Cond
	resp     *http.Response
	body     evbuffer.Buffer // of the answer, as far as the loop has given it
	left     bool            // it has more
	asked    bool            // and knows that there is room for it
	complete bool            // that is all
	aborted  bool            // nobody wants the rest
	finished bool            // the caller is at the end of the answer
	err      error           // why there is no more
	trailer  http.Header
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, stale, err := t.try(req)
	for stale && req.GetBody != nil && methodOf([]byte(req.Method))&idempotent != 0 {
		body, bodyErr := req.GetBody()
		if bodyErr != nil {
			break
		}
		again := *req
		again.Body = body
		if resp, stale, err = t.try(&again); err == nil {
			resp.Request = req
		}
	}
	return resp, err
}

// try makes a request once, and tells whether it has failed because the connection
// was stale.
func (t *roundTripper) try(req *http.Request) (resp *http.Response, stale bool, err error) {
	p := &trip{client: t.client, req: req, over: make(chan struct{}), answered: make(chan struct{})}
	p.changed.L = &p.mu
	p.upload.trip = p
	if err := p.prepare(); err != nil {
		p.upload.close()
		return nil, false, err
	}
	ctx := req.Context()
	p.trace = httptrace.ContextClientTrace(ctx)
	if err := ctx.Err(); err != nil {
		p.upload.close()
		return nil, false, context.Cause(ctx)
	}
	p.stop = context.AfterFunc(ctx, func() { p.abort(context.Cause(ctx)) })
	p.unhook = t.client.base.AfterFree(p.baseFreed)
	t.client.base.Post(p.start) // fails only once the base was freed, which ends the trip
	select {
	case <-p.answered:
		return p.answer(), false, nil
	case <-p.over:
	}
	select {
	case <-p.answered: // which came first
		return p.answer(), false, nil
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return nil, p.r.client.stale && !p.aborted, p.err
}

// prepare makes the request that the client sends.
func (p *trip) prepare() error {
	req := p.req
	switch {
	case req.URL == nil:
		return fmt.Errorf("round trip without a URL: %w", ErrInvalid)
	case req.URL.Host == "":
		return fmt.Errorf("round trip to %s without a host: %w", req.URL.Redacted(), ErrInvalid)
	}
	p.r = NewRequest(func(r *Request) { p.done() })
	h := p.r.OutputHeaders()
	host, err := p.host()
	if err == nil {
		err = h.Add("Host", host)
	}
	if err != nil {
		return err
	}
	for name, values := range req.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		case "User-Agent": // an empty one says that there is to be none
			if values = values[:min(len(values), 1)]; len(values) == 0 || values[0] == "" {
				continue
			}
		}
		for _, value := range values {
			if err := h.Add(name, strings.Trim(value, " \t")); err != nil {
				return err
			}
		}
	}
	if req.Close && !h.HasToken("Connection", "close") {
		_ = h.Add("Connection", "close") // a field that is valid
	}
	return p.upload.prepare()
}

// host returns the value of the Host field, by the rules of net/http: what is no
// host, such as the path of a Unix socket, becomes an empty one (RFC 9112, section
// 3.2), unless a proxy is to know where the request goes.
func (p *trip) host() (string, error) {
	host := p.req.Host
	if host == "" {
		host = p.req.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	switch {
	case err != nil:
		return "", fmt.Errorf("host %q: %w: %w", host, ErrInvalid, err)
	case httpguts.ValidHostHeader(host):
		return withoutZone(host), nil
	}
	if w, err := p.client.route(p.req.URL); err != nil || w.proxy != "" && !w.secure {
		return "", fmt.Errorf("host %q: %w", host, ErrInvalid)
	}
	return "", nil
}

// withoutZone returns a host without the zone of its IPv6 address, which concerns
// nobody else (RFC 6874, section 3).
func withoutZone(host string) string {
	end := strings.LastIndexByte(host, ']')
	zone := strings.LastIndexByte(host[:max(end, 0)], '%')
	if host[:min(len(host), 1)] != "[" || zone < 0 {
		return host
	}
	return host[:zone] + host[end:]
}

// start begins on the loop.
func (p *trip) start() {
	p.mu.Lock()
	aborted := p.aborted
	p.mu.Unlock()
	if aborted {
		p.finish(nil)
		return
	}
	r := p.r
	r.SetErrorCallback(func(_ *Request, err error) { p.failed(err) })
	r.SetHeaderCallback(func(*Request) bool { p.gotHead(); return true })
	r.SetChunkCallback(func(*Request) { p.pump() })
	if p.trace != nil {
		p.traceStart()
	}
	name := p.req.Method
	if name == "" {
		name = http.MethodGet
	}
	var ready func(*Request)
	if p.upload.streams {
		ready = p.upload.start
	}
	u := p.req.URL
	if u.User != nil { // which is http.Client's business
		without := *u
		without.User = nil
		u = &without
	}
	if err := p.client.do(r, methodOf([]byte(name)), name, u, p.upload.streams, ready); err != nil {
		p.finish(fmt.Errorf("request %s %s: %w", name, p.req.URL.Redacted(), err))
	}
}

// answer returns what came, to the caller of RoundTrip.
func (p *trip) answer() *http.Response {
	if p.bodiless {
		p.upload.waitForRead()
	}
	return p.resp
}

// gotHead gives the head of the answer to RoundTrip. One that ends HTTP waits for
// the stream.
func (p *trip) gotHead() {
	p.traceFirstByte()
	if p.r.incoming.Length == message.Tunnel {
		return
	}
	resp := p.response()
	if p.r.incoming.Length == 0 {
		resp.Body, p.bodiless = http.NoBody, true
	} else {
		resp.Body = (*tripBody)(p)
	}
	p.give(resp)
}

func (p *trip) give(resp *http.Response) {
	p.resp = resp
	close(p.answered)
}

// response makes net/http's form of the head.
func (p *trip) response() *http.Response {
	r, h := p.r, p.r.incoming
	resp := &http.Response{
		Status: fmt.Sprintf("%03d %s", r.code, r.reason), StatusCode: r.code,
		Proto: h.Proto.String(), ProtoMajor: int(h.Proto.Major), ProtoMinor: int(h.Proto.Minor),
		Header: toHTTP(r.InputHeaders()), Request: p.req, Close: closes(h),
	}
	if h.Header.HasTokenKnown(message.Connection, "close") {
		resp.Header.Del("Connection") // Close says it
	}
	switch h.Length {
	default:
		resp.ContentLength = h.Length
	case message.Unknown:
		resp.ContentLength = -1
		if !h.Header.Contains(message.TransferEncoding) { // it ends with the connection
			break
		}
		resp.TransferEncoding = []string{"chunked"}
		resp.Header.Del("Transfer-Encoding")
		resp.Trailer = announcedTrailer(resp.Header)
	case message.Tunnel:
	case 0:
		if n, ok := announced(&h.Header); ok && r.name == http.MethodHead {
			resp.ContentLength = n
		} else if r.name == http.MethodHead {
			resp.ContentLength = -1
		}
	}
	if p.req.URL.Scheme == "https" {
		resp.TLS = r.conn.TLS()
	}
	return resp
}

// closes reports whether a response says that the connection ends with it. One
// that makes it into a tunnel does not, though it is the last of HTTP.
func closes(h *message.Head) bool {
	if h.Length != message.Tunnel {
		return !h.KeepAlive
	}
	return h.Proto == message.HTTP10 && !h.Header.HasTokenKnown(message.Connection, "keep-alive") ||
		h.Header.HasTokenKnown(message.Connection, "close")
}

func toHTTP(h *Header) http.Header {
	list := make(http.Header, h.Len())
	for name, value := range h.All() {
		key := http.CanonicalHeaderKey(name)
		list[key] = append(list[key], value)
	}
	return list
}

// done is called when the request is over. Its error was told before.
func (p *trip) done() {
	if p.r.cause == nil && p.r.ex != nil {
		p.tunnel()
	}
	p.finish(nil)
}

// tunnel gives the stream of another protocol to RoundTrip.
func (p *trip) tunnel() {
	resp := p.response()
	bev, err := p.r.Hijack()
	if err != nil {
		p.failed(err)
		return
	}
	conn := bufferevent.NewConn(bev)
	p.mu.Lock()
	gone := p.aborted
	p.mu.Unlock()
	if gone {
		conn.Close()
		return
	}
	resp.Body = &tunnelBody{Conn: conn, stop: context.AfterFunc(p.req.Context(), func() { conn.Close() })}
	p.give(resp)
}

// baseFreed ends the trip when there is no loop any more that could.
func (p *trip) baseFreed() { p.conclude(&Error{Code: ReqEOF, Err: event.ErrFreed}) }

// finish ends the trip, on the loop.
func (p *trip) finish(err error) {
	p.unhook()
	p.conclude(err)
}

// conclude ends the trip. It runs on the loop, or there is none.
func (p *trip) conclude(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	if p.err == nil && p.resp == nil {
		p.err = errClosed
	}
	failed, finished := p.err != nil, p.finished || p.bodiless
	p.mu.Unlock()
	p.pump()
	select {
	case <-p.over:
		return
	default:
	}
	close(p.over)
	if p.resp == nil || p.bodiless {
		p.stop()
	}
	switch {
	case failed:
		p.upload.giveUp()
	case finished:
		p.upload.closeLater()
	}
}

// failed notes why the request has failed, if it was not given up.
func (p *trip) failed(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	var e *Error
	if errors.As(err, &e) && e.Code == ReqCancel {
		p.finish(nil) // nothing else is called
	}
}

// abort gives the request up, from any goroutine.
func (p *trip) abort(err error) {
	p.mu.Lock()
	if !p.aborted {
		p.aborted = true
		if p.err == nil {
			p.err = err
		}
		p.body.Free()
		p.changed.Broadcast()
	}
	p.mu.Unlock()
	p.client.base.Post(p.cancel)
}

func (p *trip) cancel() {
	if p.r.ex != nil {
		p.r.Cancel()
	}
}
