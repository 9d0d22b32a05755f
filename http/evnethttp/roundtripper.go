package evnethttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A roundTripper is a client as net/http knows it.
type roundTripper struct{ client *evhttp.Client }

// RoundTripper returns a client as an http.RoundTripper, for an http.Client or
// an httputil.ReverseProxy, that any goroutine may use but that of the loop, which
// has to run meanwhile: see event.LoopNoExitOnEmpty.
//
// It does what http.Transport does with bodies in both directions, trailers,
// informational responses, the callbacks of httptrace, which are called on the loop
// (but those about name resolution, connecting, TLS, and idle connections),
// cancelling, and other protocols (101), whose body is an io.ReadWriteCloser.
// Requests that may be sent twice are sent again if a connection turns out to be
// stale, provided that they have no body or a GetBody. Different is that it neither
// asks for compression on its own nor sends a User-Agent.
func RoundTripper(c *evhttp.Client) http.RoundTripper { return &roundTripper{c} }

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *roundTripper) CloseIdleConnections() {
	_ = t.client.Base().Post(t.client.CloseIdleConnections) // fails when the base was freed, and they with it
}

// A roundTrip is a request of net/http and its answer.
type roundTrip struct {
	client *evhttp.Client
	req    *http.Request
	r      *evhttp.Request // the loop's once it is under way
	trace  *httptrace.ClientTrace
	heard  bool // something of an answer, which was traced
	upload upload
	body   bridge.Reader // of the answer
	over   chan struct{} // closed when the request is

	answered chan struct{} // closed when there is resp
	stop     func() bool   // ends the watching of the request's context
	unhook   func() bool   // undoes AfterFree
	bodiless bool          // there is nothing to read
	atEnd    sync.Once     // the caller has come to the end of the body

	mu       sync.Mutex
	resp     *http.Response
	aborted  bool  // the rest is not wanted
	finished bool  // the caller is at the end of the answer
	err      error // why there is no more
	trailer  http.Header
}

// RoundTrip implements http.RoundTripper.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, stale, err := t.try(req)
	for stale && req.GetBody != nil && idempotent(req.Method) {
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

// idempotent reports whether a method has no more effect twice than once (RFC 9110,
// section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// try makes a request once, and reports whether it has failed because the connection
// was stale.
func (t *roundTripper) try(req *http.Request) (resp *http.Response, stale bool, err error) {
	p := &roundTrip{client: t.client, req: req, over: make(chan struct{}), answered: make(chan struct{})}
	p.body.Init(t.client.Base(), bridge.Config{High: maxUnread, Ready: p.receive})
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
	p.unhook = t.client.Base().AfterFree(p.baseFreed)
	_ = t.client.Base().Post(p.start) // fails only once the base was freed, which ends the round trip
	select {                          // in any order: which of them came first is asked below
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
	return nil, p.r.Stale() && !p.aborted, p.err
}

// prepare makes the request that the client sends.
func (p *roundTrip) prepare() error {
	req := p.req
	switch {
	case req.URL == nil:
		return fmt.Errorf("round trip without a URL: %w", evhttp.ErrInvalid)
	case req.URL.Host == "":
		return fmt.Errorf("round trip to %s without a host: %w", req.URL.Redacted(), evhttp.ErrInvalid)
	}
	p.r = evhttp.NewRequest(func(*evhttp.Request) { p.done() })
	h := p.r.OutputHeaders()
	host, err := p.host()
	if err == nil {
		err = h.Add("Host", host)
	}
	if err != nil {
		return err
	}
	for name, values := range byName(req.Header) {
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
func (p *roundTrip) host() (string, error) {
	host := p.req.Host
	if host == "" {
		host = p.req.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	switch {
	case err != nil:
		return "", fmt.Errorf("host %q: %w: %w", host, evhttp.ErrInvalid, err)
	case httpguts.ValidHostHeader(host):
		return withoutZone(host), nil
	}
	if forwarded, err := p.client.Forwarded(p.req.URL); err != nil || forwarded {
		return "", fmt.Errorf("host %q: %w", host, evhttp.ErrInvalid)
	}
	return "", nil
}

// withoutZone returns a host without the zone of its IPv6 address, which has a meaning on
// this machine alone (RFC 6874, section 3).
func withoutZone(host string) string {
	end := strings.LastIndexByte(host, ']')
	zone := strings.LastIndexByte(host[:max(end, 0)], '%')
	if host[:min(len(host), 1)] != "[" || zone < 0 {
		return host
	}
	return host[:zone] + host[end:]
}

// start begins on the loop.
func (p *roundTrip) start() {
	p.mu.Lock()
	aborted := p.aborted
	p.mu.Unlock()
	if aborted {
		p.finish(nil)
		return
	}
	r := p.r
	r.SetErrorCallback(func(_ *evhttp.Request, err error) { p.failed(err) })
	r.SetHeaderCallback(func(*evhttp.Request) bool { p.gotHead(); return true })
	r.SetChunkCallback(func(*evhttp.Request) { p.receive() })
	if p.trace != nil {
		p.traceStart()
	}
	method := p.req.Method
	if method == "" {
		method = http.MethodGet
	}
	var ready func(*evhttp.Request)
	if p.upload.streams {
		ready = p.upload.start
	}
	u := p.req.URL
	if u.User != nil { // which is http.Client's business
		without := *u
		without.User = nil
		u = &without
	}
	if err := p.client.RequestURL(r, method, u, ready); err != nil {
		p.finish(err)
	}
}

// answer returns what came, to the caller of RoundTrip.
func (p *roundTrip) answer() *http.Response {
	if p.bodiless {
		p.upload.waitForRead()
	}
	return p.resp
}

// gotHead gives the head of the answer to RoundTrip. One that ends HTTP waits for
// the stream.
func (p *roundTrip) gotHead() {
	p.traceFirstByte()
	if p.r.SwitchesProtocol() {
		return
	}
	resp := newResponse(p.r, p.req)
	if p.r.BodyLength() == 0 {
		resp.Body, p.bodiless = http.NoBody, true
	} else {
		resp.Body = (*responseBody)(p)
	}
	p.give(resp)
}

func (p *roundTrip) give(resp *http.Response) {
	p.resp = resp
	close(p.answered)
}

// done is called when the request is over. Its error was reported before.
func (p *roundTrip) done() {
	if p.r.Err() == nil && p.r.Conn() != nil {
		p.tunnel()
	}
	p.finish(nil)
}

// tunnel gives the stream of another protocol to RoundTrip.
func (p *roundTrip) tunnel() {
	resp := newResponse(p.r, p.req)
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

// baseFreed ends the round trip when there is no loop any more that could.
func (p *roundTrip) baseFreed() {
	p.conclude(&evhttp.Error{Code: evhttp.ReqEOF, Err: event.ErrFreed})
}

// finish ends the round trip, on the loop.
func (p *roundTrip) finish(err error) {
	p.unhook()
	p.conclude(err)
}

// conclude ends the round trip. It runs on the loop, or there is none.
func (p *roundTrip) conclude(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	if p.err == nil && p.resp == nil {
		p.err = errClosed
	}
	failed, finished := p.err != nil, p.finished || p.bodiless
	p.mu.Unlock()
	p.receive()
	select {
	case <-p.over:
		return
	default:
	}
	close(p.over)
	if p.resp == nil || p.bodiless {
		p.stop()
	}
	p.upload.conclude()
	switch {
	case failed:
		p.upload.giveUp()
	case finished:
		p.upload.closeLater()
	}
}

// failed notes why the request has failed, if it was not given up.
func (p *roundTrip) failed(err error) {
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	if e, ok := errors.AsType[*evhttp.Error](err); ok && e.Code == evhttp.ReqCancel {
		p.finish(nil) // nothing else is called
	}
}

// abort gives the request up, from any goroutine.
func (p *roundTrip) abort(err error) {
	p.mu.Lock()
	if p.err == nil && !p.aborted {
		p.err = err
	}
	p.aborted = true
	err = p.err
	p.mu.Unlock()
	_ = p.body.CloseWithError(err)       // fails only if it is closed already
	_ = p.client.Base().Post(p.r.Cancel) // fails when the base was freed, which ends the round trip
}
