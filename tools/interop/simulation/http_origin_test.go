package simulation_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpOrigin is a server for our client that is no HTTP library: it answers with bytes,
// which may be those of an answer, or not.
type httpOrigin struct {
	model    *httpModel
	host     *evtest.Host
	base     *event.Base
	listener *listener.Listener
	conns    []*httpOriginConn // that are open
}

// An httpWay is how an origin answers.
type httpWay int

const (
	wayWell      httpWay = iota // a good answer
	wayUntilEnd                 // one that ends with the connection
	wayThenEnd                  // a good one, and the connection ends without a word
	wayBefore                   // a good one, before the body of the request has come
	wayContinues                // a good one, after 100 that nobody has asked for
	wayOld                      // HTTP/1.0
	wayCut                      // the connection ends within it
	wayReset                    // it is reset within it
	waySilent                   // none
	wayEnds                     // the connection ends instead
	wayMore                     // a good one, and something behind it
	wayGarbage                  // something else
	waysAll
)

// An httpOriginConn is a connection to the origin.
type httpOriginConn struct {
	origin *httpOrigin
	b      *bufferevent.Bufferevent
	reader *httpReader
	t      *httpTransaction // that is being answered
	ahead  bool             // it is answered though its body has yet to come
	half   bool             // the rest of the body does not come
	over   bool
}

// start listens.
func (o *httpOrigin) start() {
	o.base = o.host.Base()
	l, err := listener.NewBind(o.base, o.host.AddrPort(httpPort), listener.CloseOnFree|listener.Reuseable,
		listener.DefaultBacklog, o.accept)
	if err != nil {
		if !o.model.harsh {
			o.model.w.Failf("listen: %v", err)
		}
		httpAfter(o.base, time.Second, o.start)
		return
	}
	o.listener = l
}

func (o *httpOrigin) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := bufferevent.NewSocket(o.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		o.model.w.Failf("accept: %v", err)
		return
	}
	c := &httpOriginConn{origin: o, b: b}
	o.conns = append(o.conns, c)
	c.reader = &httpReader{request: true, head: c.head, got: c.got}
	b.SetCallbacks(c.read, nil, c.event)
	_ = b.Enable(event.Read) // a stream that is new
}

func (c *httpOriginConn) read(b *bufferevent.Bufferevent) {
	data := make([]byte, b.Input().Len())
	_, _ = b.Input().Remove(data) // it has as many
	if err := c.reader.feed(data); err != nil {
		c.origin.model.w.Failf("a request: %v", err)
	}
}

func (c *httpOriginConn) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		switch {
		case c.ahead && c.t == nil: // the answer may have yet to leave
			c.leave()
			b.FreeWhenWritten(httpForever)
		case c.ahead && c.t.begun > 0: // its client wants the answer alone
			c.half = true
		default:
			c.free()
		}
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		c.free()
	}
}

func (c *httpOriginConn) free() {
	if c.over {
		return
	}
	c.leave()
	c.b.Free()
}

// leave takes the connection off the list.
func (c *httpOriginConn) leave() {
	c.over = true
	c.origin.conns = slices.DeleteFunc(c.origin.conns, func(other *httpOriginConn) bool { return other == c })
}

// transaction returns what a request belongs to.
func (c *httpOriginConn) transaction(m *httpMessage) *httpTransaction {
	w := c.origin.model.w
	method, rest, _ := strings.Cut(m.line, " ")
	target, version, _ := strings.Cut(rest, " ")
	id, err := strconv.Atoi(target[strings.LastIndexByte(target, '/')+1:])
	if err != nil || id >= len(c.origin.model.all) {
		w.Failf("a request %q", m.line)
		return nil
	}
	t := c.origin.model.all[id]
	host := fmt.Sprintf("server.test:%d", httpPort)
	if httpPort == 80 {
		host = "server.test"
	}
	switch {
	case method != t.method.String() || target != t.path() || version != "HTTP/1.1":
		t.errorf("it comes as %q", m.line)
	case m.fields.get("host") != host:
		t.errorf("its host is %q", m.fields.get("host"))
	case m.fields.get(strings.ToLower(httpID)) != strconv.Itoa(id):
		t.errorf("its field is %q", m.fields.get(strings.ToLower(httpID)))
	case (m.fields.get("expect") != "") != t.expect:
		t.errorf("it expects %q", m.fields.get("expect"))
	}
	return t
}

// head is called when the header of a request has come.
func (c *httpOriginConn) head(m *httpMessage) {
	t := c.transaction(m)
	if t == nil {
		return
	}
	if c.t != nil {
		t.errorf("it comes before %d was answered", c.t.id)
	}
	c.t, c.ahead = t, false
	t.handled++
	t.asked = 0
	switch {
	case t.way == wayBefore && t.ask.size > 0:
		c.ahead = true
		httpAfter(c.origin.base, t.delay, func() { c.answer(t) })
	case t.expect && c.origin.model.chance(0.7), t.way == wayContinues:
		c.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// got is called when a request has come.
func (c *httpOriginConn) got(m *httpMessage) {
	t := c.t
	if t == nil {
		return
	}
	t.asked = len(m.body)
	if len(m.body) != t.ask.size {
		t.errorf("%d bytes of its body have come", len(m.body))
	}
	if err := httpSame(t.askSeed(), 0, m.body); err != nil {
		t.errorf("on the origin: %v", err)
	}
	if sum := m.trailer.get(strings.ToLower(httpSum)); t.ask.trailer && sum != t.ask.sum(t.askSeed()) {
		t.errorf("its trailer is %q", sum)
	}
	if !c.ahead {
		httpAfter(c.origin.base, t.delay, func() { c.answer(t) })
	}
	c.ahead = false
}

func (c *httpOriginConn) write(p []byte) {
	if !c.over {
		_, _ = c.b.Write(p) // fails only with an event
	}
}

// answer answers.
func (c *httpOriginConn) answer(t *httpTransaction) {
	if c.over || c.t != t {
		return
	}
	t.begun++
	p := c.origin.model.answerBytes(t)
	switch t.way {
	case waySilent:
		return
	case wayEnds:
		p = nil
	case wayCut, wayReset:
		p = p[:c.origin.model.rand.IntN(len(p))]
	}
	c.send(t, p)
}

// send sends the bytes of an answer piece by piece.
func (c *httpOriginConn) send(t *httpTransaction, p []byte) {
	m := c.origin.model
	for !c.over && len(p) > 0 {
		n := len(p)
		if m.chance(0.6) {
			n = 1 + m.rand.IntN(n)
		}
		c.write(p[:n])
		if p = p[n:]; len(p) > 0 && m.chance(0.5) {
			httpAfter(c.origin.base, m.upTo(200*time.Millisecond), func() { c.send(t, p) })
			return
		}
	}
	if !c.over {
		c.sent(t)
	}
}

// sent is called when the answer was sent.
func (c *httpOriginConn) sent(t *httpTransaction) {
	if c.t == t {
		c.t = nil
	}
	switch t.way {
	case wayReset:
		_ = c.origin.model.w.Reset(c.b.FD()) // fails for one that has ended
		c.free()
		return
	case wayUntilEnd, wayThenEnd, wayCut, wayEnds:
		t.ended++
		c.leave()
		c.b.FreeWhenWritten(httpForever)
		return
	}
	t.ended++
	if t.last || t.way == wayOld || t.way == wayGarbage || c.half {
		c.leave()
		c.b.FreeWhenWritten(httpForever)
	}
}

// answerBytes makes the bytes of an answer.
func (m *httpModel) answerBytes(t *httpTransaction) (p []byte) {
	if t.way == wayGarbage {
		return []byte(m.badAnswer())
	}
	for range t.infos {
		p = append(m.appendField(append(p, "HTTP/1.1 103 Early Hints\r\n"...), "Link", "</a>"), "\r\n"...)
	}
	version := "1.1"
	if t.way == wayOld {
		version = "1.0"
	}
	p = fmt.Appendf(p, "HTTP/%s %d %s\r\n", version, t.code, [...]string{"", "OK", "Some phrase"}[m.rand.IntN(3)])
	fields := [][2]string{{httpID, strconv.Itoa(t.id)}, {"Server", "origin"}}
	if t.last && t.way != wayOld {
		fields = append(fields, [2]string{"Connection", "close"})
	}
	body := httpBytes(t.answerSeed(), 0, t.answer.size)
	switch {
	case t.method == evhttp.MethodHead && m.chance(0.5):
		fields = append(fields, [2]string{"Content-Length", strconv.Itoa(t.answer.size)})
		body = nil
	case t.method == evhttp.MethodHead, t.code == 204, t.code == 304:
		body = nil
	case t.way == wayUntilEnd:
	case t.chunked():
		fields = append(fields, [2]string{"Transfer-Encoding", "chunked"})
		sum := ""
		if t.answer.trailer {
			sum = t.answer.sum(t.answerSeed())
		}
		body = m.appendChunks(nil, body, t.answer.piece, sum)
	default:
		fields = append(fields, [2]string{"Content-Length", strconv.Itoa(t.answer.size)})
	}
	m.rand.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	for _, f := range fields {
		p = m.appendField(p, f[0], f[1])
	}
	p = append(append(p, "\r\n"...), body...)
	if t.way == wayMore {
		p = append(p, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Id: 9999\r\n\r\nwrong"[:1+m.rand.IntN(50)]...)
	}
	return p
}

// badAnswer returns something that is no answer.
func (m *httpModel) badAnswer() string {
	all := [...]string{
		"HTTP/1.1\r\n\r\n",
		"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
		"SSH-2.0-server\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 300) + "\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70_000) + "\r\n\r\n",
		strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 70) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
	}
	n := len(all)
	if m.most < 10_000 {
		n -= 4
	}
	return all[m.rand.IntN(n)]
}

// drawWay draws how an origin answers, and what must come of it.
func (m *httpModel) drawWay(t *httpTransaction) {
	t.style, t.doomed, t.anyCode, t.early = answerAtOnce, false, false, false
	if t.code == 101 || t.code == 500 {
		t.code = 200
	}
	if m.chance(0.5) {
		t.way = httpWay(m.rand.IntN(int(waysAll)))
	}
	if !t.answer.known && t.way != wayOld && t.way != wayUntilEnd {
		t.style = answerParts
	}
	if t.code == 205 {
		t.answer.size, t.answer.known, t.style = 0, true, answerAtOnce
	}
	if t.way == wayUntilEnd && (!t.hasBody() || t.code == 205) {
		t.way = wayThenEnd
	}
	switch t.way {
	case wayCut, wayReset, waySilent, wayEnds:
		t.doomed = true
	case wayGarbage:
		t.doomed, t.garbage = true, true
	case wayBefore:
		t.shaky = t.ask.size > 0
	case wayMore:
		t.last = true // otherwise it may be taken for the answer to the next request
	}
	if t.way == wayCut && !t.hasBody() || t.way == wayCut && t.code == 205 {
		t.way = wayEnds
	}
}

// httpOrigins has our client ask a server of another make.
func httpOrigins(w *evtest.World) {
	m := newHTTPModel(w)
	m.unlogged = true
	m.ways = true
	origin := &httpOrigin{model: m, host: w.Host("origin")}
	client := m.newClient(origin.host)
	lanes, requests, conns := w.Draw("lanes", 1, 6), w.Draw("requests", 1, 24), w.Draw("conns", 0, 2)
	conn := m.connConfig()
	m.limit(&client.cfg, &conn)
	conn.ReadTimeout = min(conn.ReadTimeout, 10*time.Minute)
	origin.host.Do(origin.start)
	client.host.Do(func() { client.ask(conn, conns, lanes, requests) })
	m.accidents(origin.host, client.host)
	w.Await("all requests to be over", func() bool { return m.left == 0 })
	w.Run(httpLeftovers)
	client.host.Do(client.free)
	w.Await("all connections to end", func() bool { return len(origin.conns) == 0 || m.harsh })
	origin.host.Do(func() {
		if origin.listener != nil {
			origin.listener.Free()
		}
		for len(origin.conns) > 0 { // those whose end was lost
			origin.conns[0].free()
		}
	})
	m.checkEnd()
	m.awaitDescriptors(origin.host, client.host)
}
