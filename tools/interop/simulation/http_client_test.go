package simulation_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpClient is a program that sends requests by a Client, and by connections of its
// own.
type httpClient struct {
	model  *httpModel
	host   *evtest.Host
	base   *event.Base
	client *evhttp.Client
	cfg    evhttp.ClientConfig
	conns  []*evhttp.ClientConn
	server string // the host of URLs
	port   int
	ended  bool
	dead   map[*evhttp.ClientConn]bool // that were freed
	last   []*evhttp.ClientConn        // that are freed with their last request
	queues map[*evhttp.ClientConn]*httpQueue
	most   int // requests that a connection may have, or 0
}

// httpNames is a resolver that knows some hosts.
type httpNames struct {
	model *httpModel
	base  *event.Base
	hosts map[string]netip.Addr
}

// GetAddrInfo implements bufferevent.Resolver.
func (n *httpNames) GetAddrInfo(node, service string, hints *evutil.AddrInfoHints, done func([]evutil.AddrInfo, error)) func() {
	addr, ok := n.hosts[node]
	if !ok {
		if a, err := netip.ParseAddr(node); err == nil {
			addr, ok = a, true
		}
	}
	port, err := strconv.Atoi(service)
	if err != nil || !ok {
		done(nil, fmt.Errorf("lookup %s %s: %w", node, service, errNoName))
		return func() {}
	}
	info := []evutil.AddrInfo{{Family: syscall.AF_INET, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP,
		Addr: netip.AddrPortFrom(addr, uint16(port))}}
	if n.model.chance(0.5) {
		done(info, nil)
		return func() {}
	}
	cancelled := false
	httpAfter(n.base, n.model.upTo(100*time.Millisecond), func() {
		if !cancelled {
			done(info, nil)
		}
	})
	return func() { cancelled = true }
}

var errNoName = errors.New("no such name")

// start makes the client. Only the loop of the host calls it.
func (c *httpClient) start(conn evhttp.ConnConfig, conns int) {
	c.base, c.dead = c.host.Base(), make(map[*evhttp.ClientConn]bool)
	c.queues, c.most = make(map[*evhttp.ClientConn]*httpQueue), conn.MaxQueue
	conn.OnPanic = c.panicked
	c.cfg.SetUp = setUpConn(conn)
	conn.Resolver = c.cfg.Resolver
	var err error
	if c.client, err = evhttp.NewClient(c.base, &c.cfg); err != nil {
		c.model.w.T().Error(err)
		return
	}
	for range conns {
		own := conn
		cc, err := evhttp.NewClientConn(c.base, c.server, c.port, &own)
		if err != nil {
			c.model.w.T().Error(err)
			return
		}
		cc.SetCloseCallback(func(*evhttp.Conn) { c.closed(cc) })
		c.conns = append(c.conns, cc)
	}
	c.watch(conn)
}

// setUpConn has the connections of a client be as cfg says.
func setUpConn(cfg evhttp.ConnConfig) func(c *evhttp.ClientConn) error {
	return func(c *evhttp.ClientConn) error {
		if cfg.MaxBody > 0 {
			c.SetMaxBodySize(cfg.MaxBody)
		}
		return errors.Join(c.SetPanicCallback(cfg.OnPanic), c.SetConnectTimeout(cfg.ConnectTimeout), c.SetReadTimeout(cfg.ReadTimeout),
			c.SetWriteTimeout(cfg.WriteTimeout), c.SetContinueTimeout(cfg.ContinueTimeout), c.SetRetries(cfg.Retries),
			c.SetInitialRetry(cfg.InitialRetry), c.SetFlags(cfg.Flags))
	}
}

// An httpCancel is when a client gives a request up.
type httpCancel int

const (
	cancelNever httpCancel = iota
	cancelByTimer
	cancelInHeader // the header callback refuses it
	cancelInChunk
	cancelInStage
	cancelByFree // of its connection
	cancelByPanic
	httpCancels
)

// An httpAsk is a request that the client has sent.
type httpAsk struct {
	c        *httpClient
	t        *httpTransaction
	r        *evhttp.Request
	conn     *evhttp.ClientConn // that it was given to, or nil
	cancel   httpCancel
	follows  bool // the body is sent part by part
	paced    bool
	sent     int           // bytes of the body
	failed   bool          // the error callback was called
	given    bool          // up by us
	closed   bool          // the rest of the body is not sent
	taken    bool          // its stream was, for another protocol
	headers  int           // calls of the header callback
	consumer *httpConsumer // of the answer's body, once some of it has come
	repeated int           // calls of ready
	queued   bool          // it is on conn
	then     func()
}

// send sends a request. then is called when it is over.
func (c *httpClient) send(t *httpTransaction, r *evhttp.Request, then func()) {
	m := c.model
	a := &httpAsk{c: c, t: t, r: r, then: then, follows: t.ask.size > 0 && m.chance(0.5), paced: m.chance(0.5)}
	if !a.follows {
		t.ask.known, t.ask.trailer = true, false
	}
	if m.chance(0.08) {
		a.cancel, t.shaky = httpCancel(1+m.rand.IntN(int(httpCancels-1))), true
	}
	if a.r == nil || m.chance(0.5) {
		a.r = evhttp.NewRequest(func(r *evhttp.Request) { r.Data.(*httpAsk).done(r) })
	}
	r = a.r
	r.Data = a
	a.prepare()
	t.sent(c.host)
	m.w.Note("send %v", t)
	err := a.begin()
	switch {
	case errors.Is(err, evhttp.ErrQueueFull), errors.Is(err, evhttp.ErrDone):
		if errors.Is(err, evhttp.ErrDone) && !c.ended || errors.Is(err, evhttp.ErrQueueFull) && !m.full {
			t.errorf("cannot be sent: %v", err)
		}
		t.shaky = true
		t.end(&evhttp.Error{Code: evhttp.ReqCancel, Err: err})
		then()
		return
	case err != nil:
		t.errorf("cannot be sent: %v", err)
		return
	}
	if t.over && a.cancel != cancelInStage && a.cancel != cancelByPanic {
		t.errorf("is over before MakeRequest has returned")
	}
	if a.cancel == cancelByTimer {
		httpAfter(c.base, m.upTo(3*time.Second), a.giveUp)
	}
}

// forget notes that a connection is about to be freed, and takes it out of those that
// requests are given to.
func (c *httpClient) forget(conn *evhttp.ClientConn) {
	c.dead[conn] = true
	c.conns = slices.DeleteFunc(c.conns, func(other *evhttp.ClientConn) bool { return other == conn })
}

// prepare fills in what is sent.
func (a *httpAsk) prepare() {
	t, r := a.t, a.r
	h := r.OutputHeaders()
	h.Clear()
	r.OutputTrailers().Clear()
	_ = r.Output().Drain(r.Output().Len()) // a buffer that is not frozen
	fields := [][2]string{{httpID, strconv.Itoa(t.id)}}
	if t.expect {
		fields = append(fields, [2]string{"Expect", "100-continue"})
	}
	if t.last {
		fields = append(fields, [2]string{"Connection", "close"})
	}
	if t.style == answerSwitch {
		fields = append(fields, [2]string{"Connection", "Upgrade"}, [2]string{"Upgrade", httpUpgrade})
	}
	if a.follows && t.ask.known {
		fields = append(fields, [2]string{"Content-Length", strconv.Itoa(t.ask.size)})
	}
	for _, f := range fields {
		if err := h.Add(f[0], f[1]); err != nil {
			t.errorf("header: %v", err)
		}
	}
	if t.ask.trailer {
		_ = r.OutputTrailers().Set(httpSum, t.ask.sum(t.askSeed())) // a field that is valid
	}
	if t.ask.size > 0 && !a.follows {
		_ = r.Output().AddReference(httpBytes(t.askSeed(), 0, t.ask.size), nil) // a buffer that is not frozen
	}
	evhttpCallbacks(a)
}

// evhttpCallbacks sets all callbacks of a request.
func evhttpCallbacks(a *httpAsk) {
	r := a.r
	r.SetErrorCallback(a.onError)
	r.SetHeaderCallback(a.onHeader)
	r.SetInformationalCallback(a.onInformational)
	r.SetSendCallback(a.onStage)
	r.SetChunkCallback(nil)
	if a.cancel == cancelInChunk || a.c.model.chance(0.5) {
		r.SetChunkCallback(a.onChunk)
	}
}

// begin gives the request to the client or to a connection.
func (a *httpAsk) begin() error {
	c, t, r := a.c, a.t, a.r
	ready := a.ready
	if len(c.conns) == 0 || c.model.chance(0.5) {
		url := fmt.Sprintf("http://%s:%d%s", c.server, c.port, t.path())
		if c.model.proxied && (t.style == answerSwitch || c.model.chance(0.4)) {
			url = "https://" + c.server + t.path()
			t.tunnelled = true
		}
		if a.follows {
			return c.client.StartRequest(r, t.method, url, ready)
		}
		return c.client.MakeRequest(r, t.method, url)
	}
	i := c.model.rand.IntN(len(c.conns))
	c.model.w.Note("%d goes to connection %d", t.id, i)
	a.conn, t.shared = c.conns[i], true
	var err error
	if a.follows {
		err = a.conn.StartRequest(r, t.method, t.path(), ready)
	} else {
		err = a.conn.MakeRequest(r, t.method, t.path())
	}
	a.entered(err)
	return err
}

// ready is called when it is time for the body.
func (a *httpAsk) ready(r *evhttp.Request) {
	if a.repeated++; a.repeated > 1 {
		a.t.errorf("it is time for the body twice")
	}
	a.check(r, "ready")
	a.next()
}

// check checks that a callback may be called.
func (a *httpAsk) check(r *evhttp.Request, name string) {
	switch {
	case r != a.r:
		a.t.errorf("%s is called with another request", name)
	case a.t.over:
		a.t.errorf("%s is called after the end", name)
	case a.failed:
		a.t.errorf("%s is called after the error callback", name)
	case a.given:
		a.t.errorf("%s is called after the request was given up", name)
	}
}

// next sends the next part of the body.
func (a *httpAsk) next() {
	t := a.t
	for !t.over && a.r.Data == a && !a.closed {
		if a.sent == t.ask.size {
			if err := a.r.SendReplyEnd(); err != nil && !errors.Is(err, evhttp.ErrDone) {
				t.errorf("the end of the body: %v", err)
			}
			return
		}
		n := min(t.ask.piece, t.ask.size-a.sent)
		p := evbuffer.New()
		_ = p.AddReference(httpBytes(t.askSeed(), a.sent, n), nil) // a buffer that is not frozen
		a.sent += n
		var err error
		switch {
		case t.ask.pause > 0:
			if err = a.r.SendReplyChunk(p); err == nil {
				httpAfter(a.c.base, t.ask.pause/4, a.next)
				return
			}
		case a.paced:
			if err = a.r.SendReplyChunkFunc(p, a.next); err == nil {
				return
			}
		default:
			err = a.r.SendReplyChunk(p)
		}
		if err != nil {
			if !errors.Is(err, evhttp.ErrDone) {
				t.errorf("a part of the body: %v", err)
			}
			return
		}
	}
}

// giveUp cancels the request.
func (a *httpAsk) giveUp() {
	if a.t.over || a.given || a.r.Data != a || a.taken {
		return
	}
	a.given = true
	if conn := a.r.ClientConn(); a.cancel == cancelByFree && conn != nil {
		a.c.forget(conn)
		conn.Free()
	} else {
		a.r.Cancel()
	}
	if !a.t.over {
		a.t.errorf("is not over after Cancel")
	}
}

func (a *httpAsk) onHeader(r *evhttp.Request) bool {
	a.check(r, "the header callback")
	if a.headers++; a.headers > 1 {
		a.t.errorf("the header callback is called twice")
	}
	a.panicIf(0)
	if a.cancel == cancelInHeader {
		return false
	}
	if a.cancel == cancelByFree {
		a.giveUp()
		return true
	}
	if a.noAnswer() {
		return true
	}
	if a.t.way == wayBefore && a.follows && a.sent < a.t.ask.size && a.t.id%2 == 0 {
		if a.closed = true; r.CloseSend() != nil {
			a.t.errorf("the rest of its body cannot be given up")
		}
	}
	if !a.t.anyCode && !a.t.garbage {
		if r.ResponseCode() != a.t.code {
			a.t.errorf("it is answered with %d", r.ResponseCode())
		}
		if id := r.InputHeaders().Get(httpID); id != strconv.Itoa(a.t.id) && a.t.code != 101 {
			a.t.errorf("it has the answer of %q", id)
		}
	}
	return true
}

// noAnswer reports whether the answer says that there will be none: the server's that the
// request is late, or the proxy's that it has got none.
func (a *httpAsk) noAnswer() bool {
	t, r := a.t, a.r
	if r.ResponseCode() == 408 && t.model.harsh && r.InputHeaders().Get(httpID) == "" { // the request did not come in time
		t.anyCode, t.shaky = true, true
		return true
	}
	if !t.model.proxied || t.tunnelled || t.anyCode || r.ResponseCode() < 400 || r.InputHeaders().Get(httpID) != "" {
		return false
	}
	if !t.mayFail() && !(t.model.closes() && (!t.idempotent() || t.ask.size > 0)) {
		t.errorf("the proxy says %d", r.ResponseCode())
	}
	t.anyCode, t.shaky = true, true
	return true
}

func (a *httpAsk) onInformational(r *evhttp.Request, code int, _ *evhttp.Header) {
	if code == 100 && (a.t.expect || a.t.way == wayContinues) || a.t.garbage {
		return
	}
	a.check(r, "the informational callback")
	if a.t.told++; code != 103 || a.headers > 0 || a.t.told > a.t.infos {
		a.t.errorf("informational answer %d, the %d of %d", code, a.t.told, a.t.infos)
	}
}

func (a *httpAsk) onStage(r *evhttp.Request, stage evhttp.SendStage) {
	a.check(r, "the send callback")
	a.panicIf(1)
	if stage == evhttp.SentHead {
		a.t.reused = a.t.reused || r.Reused()
	}
	if a.cancel == cancelInStage && (stage == evhttp.SentBody || a.t.id%2 == 0) {
		a.giveUp()
	}
}

func (a *httpAsk) onChunk(r *evhttp.Request) {
	a.check(r, "the chunk callback")
	if a.headers == 0 {
		a.t.errorf("the body comes before the header")
	}
	a.panicIf(2)
	if a.cancel == cancelInChunk {
		a.giveUp()
		return
	}
	if r.Complete() {
		a.take(r.Input().Len())
		return
	}
	if a.consumer == nil {
		a.consumer = newHTTPConsumer(a.t, a.c.base, r, a.take, func() bool { return a.t.over || a.r.Data != a })
	}
	a.consumer.chunk()
}

func (a *httpAsk) take(n int) {
	if a.t.anyCode || a.t.garbage {
		_ = a.r.Input().Drain(n) // the page of an error
		return
	}
	got, err := httpTake(a.r.Input(), a.t.answerSeed(), a.t.got, n)
	if err != nil {
		a.t.errorf("on the client: %v", err)
	}
	if a.t.got += got; a.t.got > a.t.wanted() {
		a.t.errorf("%d bytes have come", a.t.got)
	}
}

func (a *httpAsk) onError(r *evhttp.Request, err error) {
	if a.failed {
		a.t.errorf("the error callback is called twice, with %v", err)
	}
	a.failed = true
	var e *evhttp.Error
	switch {
	case !errors.As(err, &e):
		a.t.errorf("it fails with %v", err)
	case a.given || e.Code == evhttp.ReqCancel && errors.Is(err, evhttp.ErrDone) && a.headers == 0:
		// It was cancelled, or its connection freed: nothing else will be called.
		if a.given && e.Code != evhttp.ReqCancel {
			a.t.errorf("it is cancelled with %v", err)
		}
		if a.conn != nil && a.c.dead[a.conn] {
			a.t.shaky = true
		}
		a.left()
		a.over(err)
	}
}

// done is called when the request is over, unless it was cancelled.
func (a *httpAsk) done(r *evhttp.Request) {
	err := r.Err()
	a.left()
	switch {
	case a.t.over:
		a.t.errorf("done is called after the end")
		return
	case errors.Is(err, evhttp.ErrPanic) && a.cancel != cancelByPanic:
		a.t.errorf("it fails with %v, and nothing has panicked", err)
	case err != nil && a.closed && !a.t.model.harsh && !a.t.tooLarge() && !a.given && a.cancel != cancelByPanic:
		a.t.errorf("it fails with %v, though only the rest of its body was given up", err)
	case (err != nil) != a.failed:
		a.t.errorf("done is called with %v, the error callback was called: %v", err, a.failed)
	case err == nil && r.SwitchesProtocol():
		a.speak(r)
		return
	}
	if err == nil {
		a.succeeded()
	} else if r.Stale() && (!a.t.idempotent() || a.follows) {
		a.t.shaky = true // it may not be sent again
	}
	a.over(err)
}

// succeeded checks an answer.
func (a *httpAsk) succeeded() {
	a.take(a.r.Input().Len())
	if a.headers != 1 {
		a.t.errorf("it is answered without a header")
	}
	if sum := a.r.InputTrailers().Get(httpSum); a.t.chunked() && !a.t.anyCode && a.t.answer.trailer && sum != a.t.answer.sum(a.t.answerSeed()) {
		a.t.errorf("the trailer is %q", sum)
	}
}

func (a *httpAsk) over(err error) {
	a.c.checkIdle()
	a.t.end(err)
	if a.then != nil {
		then := a.then
		a.then = nil
		then()
	}
}

// speak speaks the other protocol: what is sent comes back.
func (a *httpAsk) speak(r *evhttp.Request) {
	if a.c.model.chance(0.1) { // it is not taken, and so closed
		a.over(nil)
		return
	}
	b, err := r.Hijack()
	if err != nil {
		a.t.errorf("hijack: %v", err)
		return
	}
	a.taken = true
	s := &httpSpeech{a: a, data: httpBytes(a.t.askSeed(), 0, 1+a.c.model.rand.IntN(3000))}
	b.SetCallbacks(s.read, nil, s.event)
	_, _ = b.Write(s.data) // fails only with an event
	_ = b.CloseWrite()     // as above
	s.read(b)
}

// An httpSpeech is what is said after HTTP.
type httpSpeech struct {
	a    *httpAsk
	data []byte
	got  int
}

func (s *httpSpeech) read(b *bufferevent.Bufferevent) {
	n, err := httpTake(b.Input(), s.a.t.askSeed(), s.got, b.Input().Len())
	if s.got += n; err != nil || s.got > len(s.data) {
		s.a.t.errorf("after HTTP: %d bytes of %d, %v", s.got, len(s.data), err)
	}
}

func (s *httpSpeech) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		if s.got != len(s.data) {
			s.a.t.errorf("after HTTP: %d bytes of %d have come back", s.got, len(s.data))
		}
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		if !s.a.t.mayFail() {
			s.a.t.errorf("after HTTP: %v", b.Err())
		}
	default:
		return
	}
	b.Free()
	s.a.over(nil)
}

// free ends the client.
func (c *httpClient) free() {
	c.ended = true
	c.client.Free()
	for _, conn := range append(c.conns, c.last...) {
		c.dead[conn] = true
		conn.Free()
	}
}
