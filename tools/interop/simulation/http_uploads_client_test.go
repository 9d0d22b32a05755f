package simulation_test

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpPipe sends uploads as bytes, one after the other. It goes on with a body when it has
// the answer already, as clients do that write first and then read.
type httpPipe struct {
	s       *httpUploads
	host    *evtest.Host
	base    *event.Base
	todo    []*httpUpload
	u       *httpUpload
	b       *bufferevent.Bufferevent // or nil
	reader  *httpReader
	left    []byte // of the request
	piece   int
	deaf    bool // it reads nothing before it has sent all
	holds   bool // it leaves the connections open that the server closes
	endless bool // and sends on by them
	got     bool // the answer has come
	closing bool // it was the last one
}

func (s *httpUploads) draw(n int) (todo []*httpUpload) {
	for range n {
		u := s.m.upload(len(s.all))
		s.all = append(s.all, u)
		todo = append(todo, u)
	}
	s.open++
	return todo
}

// pipe begins a client.
func (s *httpUploads) pipe(host *evtest.Host, uploads int) {
	m := s.m
	p := &httpPipe{s: s, host: host, base: host.Base(), todo: s.draw(uploads), deaf: m.chance(0.4), holds: m.chance(0.5), endless: m.chance(0.3)}
	httpAfter(p.base, m.upTo(2*time.Second), p.next)
}

// next begins with the next upload.
func (p *httpPipe) next() {
	if len(p.todo) == 0 {
		p.done()
		return
	}
	p.u, p.todo = p.todo[0], p.todo[1:]
	p.got, p.closing = false, false
	p.left = p.request(p.u)
	p.piece = max(p.u.piece, len(p.left)/uploadPauses)
	if p.b == nil {
		p.connect()
		return
	}
	p.begin()
}

// request makes the bytes of a request.
func (p *httpPipe) request(u *httpUpload) (all []byte) {
	all = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: server.test\r\n%s: %d\r\n", u.path(), httpID, u.id)
	if u.way == uploadExpects {
		all = append(all, "Expect: something\r\n"...)
	}
	body := httpBytes(u.askSeed(), 0, u.size)
	if !u.chunked {
		return append(fmt.Appendf(all, "Content-Length: %d\r\n\r\n", u.size), body...)
	}
	return p.s.m.appendChunks(append(all, "Transfer-Encoding: chunked\r\n\r\n"...), body, u.piece, "")
}

func (p *httpPipe) connect() {
	b, err := bufferevent.NewSocket(p.base, -1, bufferevent.CloseOnFree)
	if err != nil {
		p.u.errorf("no stream: %v", err)
		return
	}
	p.b = b
	p.reader = &httpReader{bodiless: func(m *httpMessage) bool {
		code := m.status()
		return code < 200 || code == 204 || code == 304
	}, got: p.answered}
	b.SetCallbacks(p.read, nil, p.event)
	if err := b.Connect(p.s.host.AddrPort(httpPort)); err != nil {
		p.u.errorf("connect: %v", err)
	}
}

// begin begins to send.
func (p *httpPipe) begin() {
	if p.deaf {
		p.b.Disable(event.Read)
	} else {
		_ = p.b.Enable(event.Read) // fails only for one that was freed
	}
	p.send(p.u)
}

// send sends a piece, and then the others.
func (p *httpPipe) send(u *httpUpload) {
	if p.u != u || p.b == nil {
		return
	}
	n := min(len(p.left), p.piece)
	_, _ = p.b.Write(p.left[:n]) // fails only with an event
	if p.left = p.left[n:]; len(p.left) == 0 {
		_ = p.b.Enable(event.Read) // as in begin
		p.settle()
		return
	}
	httpAfter(p.base, u.pause, func() { p.send(u) })
}

func (p *httpPipe) read(b *bufferevent.Bufferevent) {
	data := make([]byte, b.Input().Len())
	_, _ = b.Input().Remove(data) // it has as many
	if p.u == nil {
		return
	}
	if err := p.reader.feed(data); err != nil {
		p.u.errorf("%v", err)
	}
	p.settle()
}

// answered is called with an answer.
func (p *httpPipe) answered(m *httpMessage) {
	if p.u == nil || p.got {
		p.s.m.w.Failf("an answer %q to nothing", m.line)
		return
	}
	p.got, p.closing = true, m.fields.get("connection") == "close"
	if p.u.closes && !p.closing && p.u.way < uploadMissing {
		p.u.errorf("the answer does not say that it is the last one")
	}
	p.u.compare(p.s, m.status(), m.body)
	p.closing = p.closing || p.u.way == uploadPanicsAfter // which nobody could know
}

// settle goes on when all was sent and the answer has come.
func (p *httpPipe) settle() {
	if !p.got || len(p.left) > 0 || p.b == nil || p.u == nil {
		return
	}
	p.u.settled = true
	p.s.m.w.Note("%d is settled", p.u.id)
	p.u = nil
	if p.closing {
		p.release()
	}
	_ = p.base.Post(p.next) // fails only for a base that was freed
}

// release leaves a connection to the server, which is to end it.
func (p *httpPipe) release() {
	b := p.b
	p.b = nil
	if !p.holds && !p.endless {
		b.Free()
		return
	}
	freed := false
	free := func() {
		if !freed {
			freed = true
			b.Free()
		}
	}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { _ = b.Input().Drain(b.Input().Len()) }, nil,
		func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			if o := what.Outcome(); o == bufferevent.OutputFailed || o == bufferevent.Failed {
				free()
			}
		})
	p.s.held = append(p.s.held, free)
	var more func()
	more = func() {
		if !freed && p.endless {
			_, _ = b.WriteString("x") // as in send
			httpAfter(p.base, time.Second, more)
		}
	}
	more()
}

func (p *httpPipe) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		p.begin()
	case bufferevent.InputEnded:
		p.ended(b)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		u := p.u
		switch {
		case u == nil: // the server has ended a connection without a request
		case p.got && p.s.panicked(u):
		case !u.mayFail(p.s):
			u.errorf("its connection fails, with an answer: %v, and %d bytes left to be sent: %v", p.got, len(p.left), b.Err())
		}
		p.lost()
	}
}

// panicked reports whether the loop of a server has passed the panic of a handler on.
func (s *httpUploads) panicked(u *httpUpload) bool { return u.way >= uploadPanics && !s.catches }

// ended is called when the server has ended its stream.
func (p *httpPipe) ended(b *bufferevent.Bufferevent) {
	switch u := p.u; {
	case u == nil:
		b.Free()
		p.b = nil
	case p.got && p.closing: // it sends what it has to send
	case p.got && p.s.panicked(u), u.mayFail(p.s):
		p.lost()
	default:
		u.errorf("the server ends the stream, with an answer: %v, and %d bytes left to be sent", p.got, len(p.left))
		p.lost()
	}
}

// lost goes on without the connection.
func (p *httpPipe) lost() {
	p.b.Free()
	p.b = nil
	if p.u != nil {
		p.u = nil
		_ = p.base.Post(p.next) // fails only for a base that was freed
	}
}

func (p *httpPipe) done() {
	if p.b != nil {
		p.b.Free()
		p.b = nil
	}
	p.s.open--
}

// knock asks for something by a connection that stays open, and tells the first line of the
// answer.
func (s *httpUploads) knock(host *evtest.Host, tell func(line string)) {
	b, err := bufferevent.NewSocket(host.Base(), -1, bufferevent.CloseOnFree)
	if err != nil {
		s.m.w.Failf("no stream: %v", err)
		return
	}
	reader := &httpReader{bodiless: func(*httpMessage) bool { return false }, got: func(m *httpMessage) { tell(m.line) }}
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		data := make([]byte, b.Input().Len())
		_, _ = b.Input().Remove(data) // it has as many
		if err := reader.feed(data); err != nil {
			s.m.w.Failf("%v", err)
		}
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what.Outcome() == bufferevent.ConnectionMade {
			_, _ = b.WriteString("GET /missing HTTP/1.1\r\nHost: server.test\r\n\r\n") // fails only with an event
			_ = b.Enable(event.Read)                                                   // as above
			return
		}
		b.Free()
	})
	if err := b.Connect(s.host.AddrPort(httpPort)); err != nil {
		s.m.w.Failf("connect: %v", err)
	}
}

// An httpProgram sends uploads by a connection of ours.
type httpProgram struct {
	s    *httpUploads
	base *event.Base
	conn *evhttp.ClientConn
	todo []*httpUpload
}

// program begins a client.
func (s *httpUploads) program(host *evtest.Host, uploads int) {
	m := s.m
	p := &httpProgram{s: s, base: host.Base(), todo: s.draw(uploads)}
	cfg := &evhttp.ConnConfig{ReadTimeout: httpForever, WriteTimeout: httpForever}
	if m.chance(0.5) {
		cfg.Flags = evhttp.ConReadOnWriteError
	}
	var err error
	if p.conn, err = evhttp.NewClientConn(p.base, s.host.Addr().String(), httpPort, cfg); err != nil {
		m.w.Failf("%v", err)
		return
	}
	httpAfter(p.base, m.upTo(2*time.Second), p.next)
}

// next begins with the next upload.
func (p *httpProgram) next() {
	if len(p.todo) == 0 {
		p.conn.Free()
		p.s.open--
		return
	}
	u := p.todo[0]
	p.todo = p.todo[1:]
	failures := 0
	r := evhttp.NewRequest(func(r *evhttp.Request) {
		p.over(u, r, failures)
		if u.way == uploadPanicsAfter { // its connection is about to end
			httpAfter(p.base, time.Second, p.next)
			return
		}
		p.next()
	})
	r.SetErrorCallback(func(*evhttp.Request, error) { failures++ })
	h := r.OutputHeaders()
	err := h.Set(httpID, strconv.Itoa(u.id))
	if u.way == uploadExpects {
		err = errors.Join(err, h.Set("Expect", "something"))
	}
	if !u.chunked {
		err = errors.Join(err, h.Set("Content-Length", strconv.Itoa(u.size)))
	}
	sent := 0
	if err := errors.Join(err, p.conn.StartRequest(r, evhttp.MethodPost, u.path(), func(r *evhttp.Request) { p.send(u, r, sent) })); err != nil {
		u.errorf("it cannot be sent: %v", err)
	}
}

// send sends a piece, and then the others.
func (p *httpProgram) send(u *httpUpload, r *evhttp.Request, sent int) {
	if sent == u.size {
		if err := r.SendReplyEnd(); err != nil && !errors.Is(err, evhttp.ErrDone) {
			u.errorf("the end of its body: %v", err)
		}
		return
	}
	part := evbuffer.New()
	n := min(u.piece, u.size-sent)
	_ = part.Add(httpBytes(u.askSeed(), sent, n)) // a buffer that is not frozen
	switch err := r.SendReplyChunk(part); {
	case errors.Is(err, evhttp.ErrDone): // it has its answer
	case err != nil:
		u.errorf("a part of its body: %v", err)
	default:
		httpAfter(p.base, u.pause, func() { p.send(u, r, sent+n) })
	}
}

// over checks what has become of an upload.
func (p *httpProgram) over(u *httpUpload, r *evhttp.Request, failures int) {
	if u.settled {
		u.errorf("it is over twice")
	}
	u.settled = true
	err := r.Err()
	switch {
	case err == nil:
		body := make([]byte, r.Input().Len())
		_, _ = r.Input().Remove(body) // it has as many
		u.compare(p.s, r.ResponseCode(), body)
	case !u.mayFail(p.s) || failures != 1:
		u.errorf("it fails, told %d times: %v", failures, err)
	}
}
