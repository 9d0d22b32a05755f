package simulation_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpsCaller is the client under test.
type httpsCaller struct {
	scene  *httpsScene
	client *evhttp.Client
}

func (s *httpsScene) startClient() {
	c := &s.caller
	c.scene = s
	cfg := &evhttp.ClientConfig{
		Secure: s.connecting, IdleTimeout: 1 + s.upTo(5*time.Second), MaxPerHost: 1 + s.rand.IntN(4),
		SetUp: setUpConn(evhttp.ConnConfig{ConnectTimeout: httpsForever, ReadTimeout: httpsForever, WriteTimeout: httpsForever}),
	}
	s.client.Do(func() {
		var err error
		c.client, err = evhttp.NewClient(s.client.Base(), cfg)
		s.check(err)
	})
}

// end frees the client, and with it the connections that it has kept.
func (c *httpsCaller) end() { c.client.Free() }

// How long the body of an answer is said to be.
type httpsFraming int

const (
	httpsLength httpsFraming = iota
	httpsChunks
	httpsUntilEnd
	httpsFramings
)

// An httpsCall is a request of the client, with what the origin does about it.
type httpsCall struct {
	scene     *httpsScene
	id, size  int
	framing   httpsFraming
	last      bool // the client wants the connection to be closed
	cut       int  // after so many bytes of the body the origin ends, or -1
	tells     bool // the origin ends in order, though something is missing
	closes    bool // the origin ends its stream after the answer
	rude      bool // it frees the connection after the answer, without a word
	patience  time.Duration
	request   *evhttp.Request
	cancelled bool
	over      bool
}

// addCall draws a call, and begins it in its time.
func (s *httpsScene) addCall(id int) {
	c := &httpsCall{
		scene: s, id: id, size: s.rand.IntN(1 << (4 + s.rand.IntN(11))), framing: httpsFraming(s.rand.IntN(int(httpsFramings))),
		last: s.chance(0.2), cut: -1, closes: s.chance(0.3), rude: s.chance(0.1), patience: httpsForever,
	}
	if s.chance(0.3) && c.size > 0 {
		c.cut = s.rand.IntN(c.size)
		c.tells = c.framing != httpsUntilEnd && s.chance(0.5)
	}
	if s.impatient && s.chance(0.4) {
		c.patience = s.upTo(time.Second)
	}
	s.calls = append(s.calls, c)
	s.open++
	s.world.At(s.upTo(4*time.Second), func() { s.client.Post(c.begin) })
}

func (c *httpsCall) begin() {
	s := c.scene
	c.request = evhttp.NewRequest(c.done)
	if c.last {
		s.check(c.request.OutputHeaders().Add("Connection", "close"))
	}
	to := netip.AddrPortFrom(s.server.Addr(), httpsOriginPort)
	if err := s.caller.client.MakeRequest(c.request, evhttp.MethodGet, fmt.Sprintf("https://%v/%d", to, c.id)); err != nil {
		s.errorf("call %d: %v", c.id, err)
		c.end()
		return
	}
	if c.patience < httpsForever {
		httpAfter(s.client.Base(), c.patience, c.cancel)
	}
}

func (c *httpsCall) cancel() {
	if c.over {
		return
	}
	c.cancelled = true
	c.request.Cancel()
	if !c.over {
		c.end()
	}
}

func (c *httpsCall) end() {
	c.over = true
	c.scene.open--
}

// done is told what has become of the call.
func (c *httpsCall) done(r *evhttp.Request) {
	if c.over || c.cancelled {
		return
	}
	s := c.scene
	err := r.Err()
	s.world.Note("call %d is over: %v", c.id, err == nil)
	switch {
	case err == nil:
		c.compare(r)
	case c.cut < 0 && s.clean && !(c.rude && c.framing == httpsUntilEnd):
		s.errorf("call %d has failed: %v", c.id, err)
	}
	c.end()
}

// compare compares what the client has taken for a whole answer.
func (c *httpsCall) compare(r *evhttp.Request) {
	s := c.scene
	got := make([]byte, r.Input().Len())
	_, err := r.Input().Remove(got)
	s.check(err)
	switch {
	case c.cut >= 0, c.rude && c.framing == httpsUntilEnd:
		s.errorf("call %d: an answer that was cut off passes for whole, with %d bytes of %d", c.id, len(got), c.size)
	case r.ResponseCode() != 200 || !bytes.Equal(got, httpsBody(c.id, c.size)):
		s.errorf("call %d: the answer with status %d has %d other bytes, of %d", c.id, r.ResponseCode(), len(got), c.size)
	}
}

// An httpsOrigin answers the client as the calls say.
type httpsOrigin struct {
	scene    *httpsScene
	listener *listener.Listener
	open     int // connections
}

func (s *httpsScene) startOrigin() {
	o := &s.origin
	o.scene = s
	s.server.Do(func() {
		var err error
		o.listener, err = listener.NewBind(s.server.Base(), s.server.AddrPort(httpsOriginPort),
			listener.CloseOnFree|listener.Reuseable, 4, o.accept)
		s.check(err)
	})
}

// An httpsOriginConn is a connection that the client has made.
type httpsOriginConn struct {
	origin *httpsOrigin
	b      *bufferevent.Bufferevent
	calls  []*httpsCall
	said   bool // we have ended our stream
}

func (o *httpsOrigin) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := o.scene.accepting(o.scene.server.Base(), fd)
	if err != nil {
		if o.scene.clean {
			o.scene.errorf("accept: %v", err)
		}
		return
	}
	o.open++
	c := &httpsOriginConn{origin: o, b: b}
	b.SetCallbacks(c.onRead, nil, c.onEvent)
	o.scene.check(b.Enable(event.Read))
}

// onRead answers each request that has come.
func (c *httpsOriginConn) onRead(b *bufferevent.Bufferevent) {
	for c.b != nil && !c.said {
		at, err := b.Input().Search([]byte("\r\n\r\n"), nil)
		if err != nil {
			return
		}
		head := make([]byte, at.Pos()+4)
		_, err = b.Input().Remove(head)
		c.origin.scene.check(err)
		c.answer(head)
	}
}

// answer answers a request.
func (c *httpsOriginConn) answer(head []byte) {
	s := c.origin.scene
	path, _, _ := bytes.Cut(bytes.TrimPrefix(head, []byte("GET /")), []byte(" "))
	id, err := strconv.Atoi(string(path))
	if err != nil || id >= len(s.calls) {
		s.errorf("the origin is asked for %q", head)
		return
	}
	call := s.calls[id]
	c.calls = append(c.calls, call)
	s.world.Note("the origin answers call %d: framing %d, cut %d, closes %v, rude %v", id, call.framing, call.cut, call.closes, call.rude)
	var out evbuffer.Buffer
	call.write(&out)
	s.check(c.b.WriteBuffer(&out))
	switch {
	case call.cut >= 0 && !call.tells, call.rude:
		c.breakOff()
	case call.cut >= 0, call.framing == httpsUntilEnd, call.closes:
		c.said = true
		s.check(c.b.CloseWrite())
	}
}

// write writes the answer, or a part of it.
func (c *httpsCall) write(out *evbuffer.Buffer) {
	s := c.scene
	body := httpsBody(c.id, c.size)
	switch c.framing {
	case httpsLength:
		s.check(out.AddString(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", c.size)))
	case httpsChunks:
		s.check(out.AddString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
	case httpsUntilEnd:
		s.check(out.AddString("HTTP/1.0 200 OK\r\n\r\n"))
	}
	if c.cut >= 0 {
		body = body[:c.cut]
	}
	for c.framing == httpsChunks && len(body) > 0 {
		n := min(len(body), 1000)
		s.check(out.AddString(fmt.Sprintf("%x\r\n%s\r\n", n, body[:n])))
		body = body[n:]
	}
	s.check(out.Add(body))
	if c.framing == httpsChunks && c.cut < 0 {
		s.check(out.AddString("0\r\n\r\n"))
	}
}

// breakOff ends the stream below once all was sent, without a word above.
func (c *httpsOriginConn) breakOff() {
	c.said = true
	b := c.b
	var wait func()
	wait = func() {
		if c.b == nil {
			return
		}
		if b.Unsent() > 0 {
			httpAfter(b.Base(), time.Millisecond, wait)
			return
		}
		c.free()
	}
	wait()
}

func (c *httpsOriginConn) free() {
	c.b.Free()
	c.b = nil
	c.origin.open--
}

// onEvent is told that the client's stream has ended: in order, if it is over with all
// that it has asked for.
func (c *httpsOriginConn) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	s := c.origin.scene
	s.world.Note("the origin, after %d answers: %v", len(c.calls), what)
	switch what.Outcome() {
	case bufferevent.InputEnded:
		b.FreeWhenWritten(httpsForever)
		c.b = nil
		c.origin.open--
	case bufferevent.Failed, bufferevent.OutputFailed:
		if s.clean && c.wantsGoodbye() {
			s.errorf("the origin, after %d answers that were whole: %v", len(c.calls), b.Err())
		}
		c.free()
	}
}

// wantsGoodbye reports whether the client has had all that it has asked for.
func (c *httpsOriginConn) wantsGoodbye() bool {
	for _, call := range c.calls {
		if call.cut >= 0 || call.rude {
			return false
		}
	}
	// Who is impatient may have asked for more, and so may who was not told of our end yet.
	return len(c.calls) > 0 && !c.said && !c.origin.scene.impatient
}
