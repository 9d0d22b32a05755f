package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evnethttp"
)

// webLimit is how long anything may take, and webPatience how long clients wait for an
// answer at least unless a plan says otherwise.
const (
	webLimit    = 5 * time.Minute
	webPatience = 45 * time.Second
)

// A webClient sends requests, one after the other.
type webClient struct {
	scene  *webScene
	host   *evtest.Host
	plans  []*webPlan
	ours   bool // the transport
	client http.Client
	close  func() // ends what its transport has
	done   atomic.Bool
}

// newWebClient makes a client with a transport of ours, or with that of net/http over
// connections of ours.
func newWebClient(s *webScene, h *evtest.Host, ours bool) *webClient {
	c := &webClient{scene: s, host: h, ours: ours}
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if ours {
		c.client.Transport, c.close = newRoundTripper(s, h)
		return c
	}
	t := &http.Transport{DialContext: dialIn(h), DisableCompression: true, ExpectContinueTimeout: time.Second}
	c.client.Transport, c.close = t, t.CloseIdleConnections
	return c
}

// newRoundTripper makes a transport on the loop of a host.
func newRoundTripper(s *webScene, h *evtest.Host) (rt http.RoundTripper, free func()) {
	var client *evhttp.Client
	h.Do(func() {
		var err error
		if client, err = evhttp.NewClient(h.Base(), nil); err != nil {
			s.errorf("%s: %v", h.Name(), err)
		}
	})
	return evnethttp.RoundTripper(client), func() { h.Do(client.Free) }
}

// dialIn returns a function that connects by way of the loop of a host.
func dialIn(h *evtest.Host) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil, err
		}
		type outcome struct {
			conn net.Conn
			err  error
		}
		done := make(chan outcome, 1)
		err = h.Base().Post(func() {
			b, err := bufferevent.NewSocket(h.Base(), -1, bufferevent.CloseOnFree)
			if err != nil {
				done <- outcome{nil, err}
				return
			}
			b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				if what&bufferevent.EventConnected != 0 {
					done <- outcome{bufferevent.NewConn(b), nil}
					return
				}
				done <- outcome{nil, b.Err()}
				b.Free()
			})
			if err := b.Connect(to); err != nil {
				b.Free()
				done <- outcome{nil, err}
			}
		})
		if err != nil {
			return nil, err
		}
		o := <-done // a connect ends by itself
		return o.conn, o.err
	}
}

// run sends all requests.
func (c *webClient) run() {
	for _, p := range c.plans {
		if p.id%7 == 0 {
			c.client.CloseIdleConnections()
		}
		c.send(p)
		if p.silent { // as long as servers keep connections: one may be about to be closed
			time.Sleep(time.Second)
		}
	}
	c.done.Store(true)
}

// send sends a request, and checks what becomes of it.
func (c *webClient) send(p *webPlan) {
	s := c.scene
	ctx, cancel := context.WithTimeout(context.Background(), webLimit)
	defer cancel()
	if p.cancel > 0 {
		timer := time.AfterFunc(p.cancel, cancel)
		defer timer.Stop()
	}
	client := c.client
	client.Timeout = p.timeout
	trace := &webTrace{plan: p}
	if p.traced {
		ctx = httptrace.WithClientTrace(ctx, trace.hooks(s))
	}
	began := time.Now()
	resp, err := client.Do(c.request(ctx, p))
	if err == nil {
		if err = c.receive(resp, p); p.traced && err == nil && resp.Header.Get("Answer") != "" {
			trace.check(s)
		}
	}
	s.world.Note("plan %d: %s after %v", p.id, outcomeOf(err), time.Since(began))
	if err != nil {
		c.checkFailure(p, err, time.Since(began))
	}
}

func outcomeOf(err error) string {
	if err == nil {
		return "done"
	}
	return "failed"
}

// request makes the request of a plan.
func (c *webClient) request(ctx context.Context, p *webPlan) *http.Request {
	to := c.scene.server
	if p.proxied {
		to = c.scene.front
	}
	open := func() (io.ReadCloser, error) {
		b := newWebBody(webUp, p.id, p.upload)
		if p.stops && c.ours { // net/http's transport gives the answer up then
			b.stopped = p.answered
		}
		if p.uploadFail {
			b.left, b.fail = p.upload/2, errUpload
		}
		if p.lazy {
			return io.NopCloser(&slowReader{b, true}), nil
		}
		return io.NopCloser(b), nil
	}
	var body io.Reader
	if p.upload > 0 && !p.upgrade {
		body, _ = open()
	}
	r, err := http.NewRequestWithContext(ctx, p.method, fmt.Sprintf("http://%s/%s/%d", to.AddrPort(webPort), p.place(), p.id), body)
	if err != nil {
		c.scene.errorf("plan %d: %v", p.id, err)
	}
	r.Header.Set(webPlans, fmt.Sprint(p.id))
	if body != nil && p.sized {
		r.ContentLength = int64(p.upload + p.wrong)
	}
	if body != nil && p.repeatable {
		r.GetBody = open
	}
	if p.summed {
		r.Trailer = http.Header{"Up-Sum": {fmt.Sprint(p.id)}}
	}
	if p.expect {
		r.Header.Set("Expect", "100-continue")
	}
	if p.upgrade {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "echo")
	}
	return r
}

var errUpload = errors.New("the body cannot be read")

// Read implements io.Reader.
func (b *webBody) Read(p []byte) (int, error) {
	if b.stopped != nil && b.stopped.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.left == 0 {
		if b.fail != nil {
			return 0, b.fail
		}
		return 0, io.EOF
	}
	return b.fill(p), nil
}

// receive takes an answer, and checks it.
func (c *webClient) receive(resp *http.Response, p *webPlan) error {
	s := c.scene
	defer resp.Body.Close()
	if resp.Header.Get("Answer") == "" {
		return c.checkRefusal(resp, p)
	}
	if got := resp.Header.Get("Answer"); got != fmt.Sprint(p.id) {
		s.errorf("plan %d: the answer is that of %s", p.id, got)
	}
	p.answered.Store(true)
	if p.upgrade {
		return c.useEcho(resp, p)
	}
	if resp.StatusCode != p.status {
		s.errorf("plan %d: status %d instead of %d", p.id, resp.StatusCode, p.status)
	}
	answer := p.answer
	if !bodyOf(p.method, p.status) {
		answer = 0
	}
	limit := answer + 1
	if p.partial {
		limit = answer / 2
	}
	n, err := compareWeb(&slowReader{io.LimitReader(resp.Body, int64(limit)), p.slow}, newWebBody(webDown, p.id, answer))
	switch {
	case errors.Is(err, errOtherBytes):
		s.errorf("plan %d: other bytes of the answer after %d", p.id, n)
		return nil
	case err != nil || p.partial:
		return err
	case n < answer || p.cut():
		s.errorf("plan %d: the answer ends after %d bytes of %d as if it were whole", p.id, n, answer)
	case p.trailer && resp.Trailer.Get("Sum") != fmt.Sprint(p.id):
		s.errorf("plan %d: trailer %q", p.id, resp.Trailer)
	}
	return nil
}

// checkRefusal checks an answer that is none of the handler.
func (c *webClient) checkRefusal(resp *http.Response, p *webPlan) error {
	switch {
	case (p.act == webPanics || p.act == webPanicsLater) && resp.StatusCode == http.StatusInternalServerError:
		// Nothing was sent before.
	case p.proxied && resp.StatusCode == http.StatusBadGateway && (!c.scene.clean || !p.harmless()):
	case !p.harmless() && resp.StatusCode == http.StatusBadRequest: // a body that has failed
	case !c.scene.clean && resp.StatusCode == http.StatusRequestTimeout:
	default:
		c.scene.errorf("plan %d: refused with %s", p.id, resp.Status)
	}
	_, err := io.Copy(io.Discard, resp.Body)
	return err
}

// useEcho talks to the echo of a connection that was upgraded.
func (c *webClient) useEcho(resp *http.Response, p *webPlan) error {
	if resp.StatusCode != http.StatusSwitchingProtocols {
		c.scene.errorf("plan %d: status %d instead of 101", p.id, resp.StatusCode)
		return nil
	}
	stream, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		c.scene.errorf("plan %d: the stream of an upgrade cannot be written to", p.id)
		return nil
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(stream, newWebBody(webUp, p.id, p.upload))
		sent <- err
	}()
	n, err := compareWeb(io.LimitReader(stream, int64(p.upload)), newWebBody(webUp, p.id, p.upload))
	if errors.Is(err, errOtherBytes) {
		c.scene.errorf("plan %d: other bytes of the echo after %d", p.id, n)
	}
	_ = stream.Close()
	err = errors.Join(err, <-sent)
	if n < p.upload && err == nil && c.scene.clean && p.harmless() {
		c.scene.errorf("plan %d: the echo ends after %d bytes of %d", p.id, n, p.upload)
	}
	return err
}

// slowReader reads a little now and then.
type slowReader struct {
	r    io.Reader
	slow bool
}

func (r *slowReader) Read(p []byte) (int, error) {
	if !r.slow {
		return r.r.Read(p)
	}
	time.Sleep(100 * time.Millisecond)
	return r.r.Read(p[:min(len(p), 3000)])
}

// checkFailure checks that a request had a reason to fail.
func (c *webClient) checkFailure(p *webPlan, err error, after time.Duration) {
	s := c.scene
	var timeout interface{ Timeout() bool }
	isTimeout := errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case errors.Is(err, evhttp.ErrLength):
		if p.wrong == 0 {
			s.errorf("plan %d: %v", p.id, err)
		}
	case errors.Is(err, errUpload):
		if !p.uploadFail {
			s.errorf("plan %d: %v", p.id, err)
		}
	case p.cancel > 0 && errors.Is(err, context.Canceled):
		if after < p.cancel {
			s.errorf("plan %d: cancelled after %v, not %v", p.id, after, p.cancel)
		}
	case p.timeout > 0 && isTimeout && after >= p.timeout:
	case p.silent && s.clean && !isTimeout && !p.uploadFail:
		s.errorf("plan %d: no answer, and no timeout: %v", p.id, err)
	case isTimeout && s.clean && after < webPatience:
		s.errorf("plan %d: a deadline after %v: %v", p.id, after, err)
	case isTimeout && s.slow: // what was handed to the system has yet to arrive
	case s.clean && p.harmless():
		s.errorf("plan %d (%+v) has failed after %v: %v", p.id, *p, after, err)
	}
}
