package simulation_test

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpServer is a program that answers as the transactions say.
type httpServer struct {
	model    *httpModel
	host     *evtest.Host
	base     *event.Base
	server   *evhttp.Server
	sources  int // that are not closed
	switched int // streams that are HTTP no more
	ended    bool
	conns    map[*evhttp.Conn]bool // that have a callback for their end, and whether it was called
	contexts []context.Context     // of requests
	counts   map[*evhttp.Conn]int  // requests of each connection
	most     int                   // that there may be, or 0
}

const httpPort = 80

// start makes a server that listens. Only the loop of the host calls it.
func (s *httpServer) start(cfg *evhttp.ServerConfig) {
	s.base, s.most = s.host.Base(), cfg.MaxRequests
	cfg.OnAnswer, cfg.OnPanic, cfg.OnError = s.log, s.panicked, s.page
	var err error
	if s.server, err = evhttp.NewServerWithConfig(s.base, cfg); err != nil {
		s.model.w.T().Error(err)
		return
	}
	err = errors.Join(
		s.server.HandlePattern("/whole/{id}", s.whole),
		s.server.HandlePatternStream("/stream/{id}", s.stream))
	if err != nil {
		s.model.w.T().Error(err)
	}
	s.listen()
}

// listen tries again where a descriptor is not to be had.
func (s *httpServer) listen() {
	if s.ended {
		return
	}
	if _, err := s.server.Bind(s.host.AddrPort(httpPort)); err != nil {
		if !s.model.harsh {
			s.model.w.T().Errorf("listen: %v", err)
		}
		httpAfter(s.base, httpLeastTimeout/5, s.listen)
	}
}

// transaction returns the one that a request belongs to.
func (s *httpServer) transaction(r *evhttp.Request) *httpTransaction {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id < 0 || id >= len(s.model.all) {
		return nil
	}
	return s.model.all[id]
}

// An httpCall is a request that the server has.
type httpCall struct {
	s       *httpServer
	t       *httpTransaction
	r       *evhttp.Request
	watched bool // it has an error callback
	gone    bool // it has failed
	got     int  // bytes of the request's body
	full    bool // all of it has come
	replied bool // the answer has begun, or is about to
	sent    int  // bytes of the answer's body
	ended   bool // all of the answer was handed over
	told    bool // that it was sent
	late    bool // the callback for that is set when the answer was given

	consumer *httpConsumer // of the request's body
}

// begin begins with a request, when its handler is called.
func (s *httpServer) begin(r *evhttp.Request) *httpCall {
	t := s.transaction(r)
	if t == nil {
		s.model.w.T().Errorf("a request for %q has come to a handler", r.URI())
		return nil
	}
	s.model.w.Note("%d is handled", t.id)
	c := &httpCall{s: s, t: t, r: r, watched: s.model.chance(0.8) || t.style == answerNever}
	t.handled++
	t.asked = 0
	if c.watched {
		r.SetErrorCallback(c.failed)
	}
	if c.late = s.model.chance(0.3); !c.late {
		r.SetCompleteCallback(c.complete)
	}
	if t.patient && t.style != answerNever { // which would last as long as the server
		r.AllowHalfClose()
	}
	s.watch(t, r)
	switch {
	case r.Method() != t.method.String():
		t.errorf("it has the method %s", r.Method())
	case r.InputHeaders().Get(httpID) != strconv.Itoa(t.id):
		t.errorf("it has the field %q", r.InputHeaders().Get(httpID))
	case t.before != nil && t.before.handled > 0 && !t.before.handed && !t.before.anyCode && !t.before.over:
		t.errorf("it comes to its handler before this is answered: %v", t.before)
	case r.ExpectsContinue() != (t.expect && !t.old) && (!t.model.proxied || t.tunnelled):
		t.errorf("expects to be told to go on: %v", r.ExpectsContinue())
	}
	return c
}

// whole is the handler of requests that have come with their body.
func (s *httpServer) whole(r *evhttp.Request) {
	c := s.begin(r)
	if c == nil {
		return
	}
	if n := r.Input().Len(); n != c.t.ask.size {
		c.t.errorf("the handler is called with %d bytes of its body", n)
	}
	c.take(r.Input().Len())
	c.received()
}

// stream is the handler of requests whose body is to come.
func (s *httpServer) stream(r *evhttp.Request) {
	c := s.begin(r)
	if c == nil {
		return
	}
	if c.t.style == answerPanic {
		panic(c.t)
	}
	if c.t.early {
		c.answer()
		return
	}
	if c.t.expect && s.model.chance(0.3) {
		r.WantBody(false)
		httpAfter(s.base, s.model.upTo(httpLeastTimeout/10), func() { r.WantBody(true) })
	}
	c.consumer = newHTTPConsumer(c.t, s.base, r, c.take, func() bool { return c.gone || c.full })
	r.SetChunkCallback(func(*evhttp.Request) { c.chunk() })
}

// chunk takes some of the body, or all.
func (c *httpCall) chunk() {
	if c.gone {
		c.t.errorf("the chunk callback is called after the error callback")
	}
	if c.r.Complete() {
		c.take(c.r.Input().Len())
		c.received()
		return
	}
	c.consumer.chunk()
}

// take takes n bytes of the body.
func (c *httpCall) take(n int) {
	got, err := httpTake(c.r.Input(), c.t.askSeed(), c.got, n)
	if err != nil {
		c.t.errorf("on the server: %v", err)
	}
	c.got += got
	if c.t.asked = c.got; c.got > c.t.ask.size {
		c.t.errorf("%d bytes of its body have come", c.got)
	}
}

// received is called when all of the request has come.
func (c *httpCall) received() {
	if c.full {
		c.t.errorf("it is complete twice")
	}
	c.full = true
	if c.got != c.t.ask.size {
		c.t.errorf("it is complete with %d bytes of its body", c.got)
	}
	if sum := c.r.InputTrailers().Get(httpSum); c.t.ask.trailer && !c.t.old && sum != c.t.ask.sum(c.t.askSeed()) {
		c.t.errorf("its trailer is %q", sum)
	}
	if c.t.style == answerPanic {
		panic(c.t)
	}
	c.answer()
}

// answer begins the answer, now or later.
func (c *httpCall) answer() {
	if c.replied {
		return
	}
	c.replied = true
	if c.t.delay > 0 {
		httpAfter(c.s.base, c.t.delay, c.reply)
		return
	}
	c.reply()
}

// failed is the error callback.
func (c *httpCall) failed(_ *evhttp.Request, err error) {
	c.s.model.w.Note("%d has failed on the server", c.t.id)
	c.t.failures++
	switch {
	case c.gone:
		c.t.errorf("the error callback is called twice, with %v", err)
	case err == nil:
		c.t.errorf("the error callback is called without an error")
	case !c.t.mayFail() && !c.t.over && !c.handedOver() && !errors.Is(err, evhttp.ErrPanic):
		c.t.errorf("it fails on the server, though nothing has gone wrong: %v", err)
	case c.told && c.ended && c.full:
		c.t.errorf("it fails after all was sent: %v", err)
	}
	c.gone = true
}

// handedOver reports whether the client has all that it needs of the answer, perhaps.
func (c *httpCall) handedOver() bool {
	return c.replied && (!c.t.hasBody() || c.t.answer.known && c.sent == c.t.answer.size)
}

// complete is the callback that the answer was sent.
func (c *httpCall) complete(*evhttp.Request) {
	c.t.complete++
	if c.told {
		c.t.errorf("it is complete twice")
	}
	c.told = true
	if !c.ended && c.t.style != answerPanic && c.r.ResponseCode() == c.t.code {
		c.t.errorf("an answer that is not complete was sent")
	}
	if c.gone {
		c.t.errorf("it is complete after it has failed")
	}
}

// refused reports whether a call has failed, which is right when the request is over.
func (c *httpCall) refused(err error) bool {
	over := c.gone || c.s.ended
	switch {
	case err == nil && !over:
		return false
	case err == nil:
		c.t.errorf("a call succeeds after the request has failed")
	case !errors.Is(err, evhttp.ErrDone):
		c.t.errorf("a call fails: %v", err)
	case !over && c.watched && !c.willFail(err):
		c.t.errorf("the request is over, and no callback was told")
	}
	return true
}

// willFail reports whether a call has failed because of the stream, which is told later.
func (c *httpCall) willFail(err error) bool {
	conn := c.r.Conn()
	if conn == nil || conn.Bufferevent().WriteErr() == nil {
		return false
	}
	return errors.Is(err, conn.Bufferevent().WriteErr())
}

// reply sends the answer, or begins to.
func (c *httpCall) reply() {
	t, r := c.t, c.r
	if t.style == answerNever {
		return
	}
	for range t.infos {
		if c.refused(r.SendInformational(103)) {
			return
		}
	}
	h := r.OutputHeaders()
	if c.gone {
		return
	}
	_ = h.Set(httpID, strconv.Itoa(t.id)) // a field that is valid
	body := httpBytes(t.answerSeed(), 0, t.answer.size)
	t.handed = t.style < answerParts || t.style == answerPage || (t.style == answerSource || t.style == answerBroken) && !t.hasBody()
	var err error
	switch t.style {
	case answerAtOnce:
		err = r.SendReplyBytes(t.code, "", body)
	case answerBuffer:
		err = c.replyBuffer(body)
	case answerPage:
		err = r.SendError(t.code, "")
	case answerSource, answerBroken:
		c.s.sources++
		c.announce()
		err = r.SendReplySource(t.code, "", &httpSource{call: c})
		if !c.refused(err) {
			t.begun++
		}
		return
	case answerSwitch:
		c.hijack()
		return
	default:
		c.replyParts()
		return
	}
	if !c.refused(err) {
		t.begun++
		c.end(nil)
	}
}

// replyBuffer answers with a body in two buffers.
func (c *httpCall) replyBuffer(body []byte) error {
	cut := c.s.model.rand.IntN(len(body) + 1)
	rest := evbuffer.New()
	if err := errors.Join(c.r.Output().Add(body[:cut]), rest.Add(body[cut:])); err != nil {
		return err
	}
	return c.r.SendReply(c.t.code, "", rest)
}

// announce announces the length of an answer that is known.
func (c *httpCall) announce() {
	if c.t.answer.known {
		_ = c.r.OutputHeaders().Set("Content-Length", strconv.Itoa(c.t.answer.size)) // a field that is valid
	}
	if c.t.answer.trailer {
		_ = c.r.OutputTrailers().Set(httpSum, c.t.answer.sum(c.t.answerSeed())) // as above
	}
}

// replyParts answers part by part.
func (c *httpCall) replyParts() {
	c.announce()
	if c.refused(c.r.SendReplyStart(c.t.code, "")) {
		return
	}
	c.t.begun++
	switch c.t.style {
	case answerParts:
		for c.sent < c.t.answer.size {
			if c.refused(c.r.SendReplyChunk(c.part())) {
				return
			}
		}
		c.finish()
	case answerPaced:
		c.next()
	default:
		c.tick()
	}
}

// part returns the next part of the answer's body.
func (c *httpCall) part() *evbuffer.Buffer {
	p := evbuffer.New()
	n := min(c.t.answer.piece, c.t.answer.size-c.sent)
	_ = p.AddReference(httpBytes(c.t.answerSeed(), c.sent, n), nil) // a buffer that is not frozen
	c.sent += n
	return p
}

// next sends the next part when the one before has left.
func (c *httpCall) next() {
	switch {
	case c.gone:
		c.t.errorf("the part before has left after the request has failed")
	case c.sent == c.t.answer.size:
		c.finish()
	default:
		if b := c.r.Conn().Bufferevent(); b.Output().Len() > 0 && c.sent > 0 {
			c.t.errorf("%d bytes wait, though the part before has left", b.Output().Len())
		}
		c.refused(c.r.SendReplyChunkFunc(c.part(), c.next))
	}
}

// tick sends the next part when some time has passed.
func (c *httpCall) tick() {
	if c.gone || c.s.ended {
		return
	}
	if c.t.doomed && c.sent >= c.t.answer.size/2 {
		c.breakOff()
		return
	}
	if c.sent == c.t.answer.size {
		c.finish()
		return
	}
	if !c.refused(c.r.SendReplyChunk(c.part())) {
		httpAfter(c.s.base, c.t.answer.pause/4, c.tick)
	}
}

var errBroken = errors.New("broken off")

// breakOff ends an answer that is not complete.
func (c *httpCall) breakOff() {
	conn := c.r.Conn()
	if conn == nil { // the connection has gone
		if c.watched {
			c.t.errorf("its connection has gone without a word")
		}
		return
	}
	failures := c.t.failures
	switch c.t.style {
	case answerAbort:
		c.r.Abort(errBroken)
		if c.watched && (c.t.failures != failures+1 || !errors.Is(c.r.Err(), errBroken)) {
			c.t.errorf("%d calls of the error callback after Abort, %v", c.t.failures-failures, c.r.Err())
		}
	case answerCancel:
		c.r.Cancel()
		if c.t.failures != failures {
			c.t.errorf("the error callback is called after Cancel")
		}
		c.gone = true
	case answerFree:
		conn.Free()
		if c.watched && c.t.failures != failures+1 {
			c.t.errorf("%d calls of the error callback after Free", c.t.failures-failures)
		}
	}
}

// finish ends an answer that was sent part by part.
func (c *httpCall) finish() {
	c.t.handed = true
	c.end(c.r.SendReplyEnd())
}

// end notes that all of the answer was handed over.
func (c *httpCall) end(err error) {
	if c.refused(err) {
		return
	}
	c.t.ended++
	c.ended = true
	if c.late {
		c.r.SetCompleteCallback(c.complete)
	}
	if err := c.r.SendReplyBytes(200, "", nil); !errors.Is(err, evhttp.ErrDone) && !errors.Is(err, evhttp.ErrOrder) {
		c.t.errorf("a second answer: %v", err)
	}
}

// An httpSource yields the body of an answer.
type httpSource struct {
	call   *httpCall
	closed bool
	fails  bool
}

func (s *httpSource) Next(piece *evbuffer.Buffer) error {
	c := s.call
	if s.closed || piece.Len() > 0 || !c.t.hasBody() {
		c.t.errorf("the source is asked, closed: %v, with %d bytes", s.closed, piece.Len())
	}
	if c.t.doomed && c.sent >= c.t.answer.size/2 {
		s.fails = true
		if c.t.id%2 == 0 {
			return nil // and no piece: it has no progress
		}
		return errBroken
	}
	if c.sent == c.t.answer.size {
		c.t.handed = true
		return io.EOF
	}
	p := c.part()
	err := piece.AddBuffer(p)
	if err == nil && c.sent == c.t.answer.size && c.t.id%2 == 0 {
		c.t.handed = true
		err = io.EOF // with the last one
	}
	return err
}

func (s *httpSource) Close(err error) {
	c := s.call
	if s.closed {
		c.t.errorf("the source is closed twice")
		return
	}
	s.closed = true
	c.t.handed = true
	c.s.sources--
	switch {
	case s.fails && !errors.Is(err, errBroken) && !errors.Is(err, io.ErrNoProgress):
		c.t.errorf("the source that has failed is closed with %v", err)
	case err != nil:
	case c.sent != c.t.answer.size && c.t.hasBody():
		c.t.errorf("the source is closed without an error after %d bytes", c.sent)
	default:
		c.t.ended++
		c.ended = true
	}
}

// hijack speaks another protocol, which sends everything back.
func (c *httpCall) hijack() {
	h := c.r.OutputHeaders()
	_ = h.Set("Connection", "Upgrade") // fields that are valid
	_ = h.Set("Upgrade", httpUpgrade)  // as above
	if c.refused(c.r.SendReplyStart(101, "")) {
		return
	}
	b, err := c.r.Hijack()
	if err != nil {
		c.t.errorf("hijack: %v", err)
		return
	}
	c.t.begun++
	c.t.ended++
	c.s.switched++
	e := &httpEcho{server: c.s}
	b.SetCallbacks(e.read, nil, e.event)
	e.read(b)
}

// An httpEcho sends back what comes by a stream that was one of HTTP.
type httpEcho struct{ server *httpServer }

func (e *httpEcho) read(b *bufferevent.Bufferevent) { _ = b.WriteBuffer(b.Input()) } // fails only with an event

func (e *httpEcho) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		e.server.switched--
		b.FreeWhenWritten(httpForever)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		e.server.switched--
		b.Free()
	}
}

// log is called for each request that had an answer.
func (s *httpServer) log(r *evhttp.Request) {
	t := s.transaction(r)
	if t == nil {
		return
	}
	t.logged++
	e := r.LogEntry()
	switch {
	case string(e.Method) != t.method.String() || string(e.Target) != t.target():
		t.errorf("the log says %s %s", e.Method, e.Target)
	case t.anyCode || t.handled == 0:
	case e.Status == 408 && s.model.harsh: // it did not come in time
	case e.Status != t.code:
		t.errorf("the log says %d", e.Status)
	case int(e.Sent) > t.wanted():
		t.errorf("the log says that %d bytes were sent", e.Sent)
	case e.Peer.IsValid() && e.Peer == s.host.Addr():
		t.errorf("the log says that the client is %v", e.Peer)
	}
}

func (s *httpServer) panicked(r *evhttp.Request, value any) {
	t, ok := value.(*httpTransaction)
	if !ok || t.style != answerPanic {
		panic(value)
	}
}

// page makes the pages of errors.
func (s *httpServer) page(r *evhttp.Request, code int, _ string) bool {
	t := s.transaction(r)
	if t == nil || t.style != answerPage || code != t.code {
		return false
	}
	_ = r.OutputHeaders().Set(httpID, strconv.Itoa(t.id))           // a field that is valid
	_ = r.Output().Add(httpBytes(t.answerSeed(), 0, t.answer.size)) // a buffer that is not frozen
	return true
}

// stop ends the server, in order if it is to.
func (s *httpServer) free() {
	s.ended = true
	s.server.Free()
}
