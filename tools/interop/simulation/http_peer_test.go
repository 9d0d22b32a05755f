package simulation_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// An httpPeer is a client of our server that is no HTTP library: it sends bytes over a
// bufferevent, many requests at once perhaps, and may break off at any of them.
type httpPeer struct {
	model *httpModel
	host  *evtest.Host
	base  *event.Base
	b     *bufferevent.Bufferevent
	all   []*httpTransaction
	end   httpPeerEnd
	slow  bool // it reads now and then

	patience *event.Event
	script   []httpStretch // what is left to be sent
	reader   *httpReader
	next     int  // the transaction whose answer is expected
	infos    int  // informational answers to it
	asked    bool // it was told to go on
	closing  bool // the server has said that this was the last answer
	quit     bool // it has broken off
	reckless bool // it may be sending when the last answer comes, which is lost then
	over     bool
}

// An httpStretch is some bytes to be sent.
type httpStretch struct {
	data []byte
	wait bool // until the server says that the body is wanted, or has answered
}

// An httpPeerEnd is how a peer ends.
type httpPeerEnd int

const (
	peerWaits   httpPeerEnd = iota // for all answers
	peerHalf                       // ends its stream behind the last request
	peerCuts                       // closes within the last request
	peerResets                     // resets the connection within the last request
	peerGarbles                    // sends something that is no request
	peerCrawls                     // sends another request, slower than the server waits
	peerIsSilent
	peerStalls // reads nothing for a while
	peerLeaves // closes after some time, wherever it is
	peerEnds
)

// start connects, and sends.
func (p *httpPeer) start(to *evtest.Host) {
	p.base = p.host.Base()
	b, err := bufferevent.NewSocket(p.base, -1, bufferevent.CloseOnFree)
	if err != nil {
		p.finish("no bufferevent")
		return
	}
	p.b = b
	// Whatever happens, it does not wait for ever.
	patience := httpForever
	if p.end == peerIsSilent {
		patience = p.model.upTo(2 * time.Minute)
	}
	p.patience = p.base.NewTimer(func(*event.Event, event.What) { p.leave() })
	_ = p.patience.AddTimeout(patience) // fails only for a base that was freed
	p.reader = &httpReader{bodiless: p.bodiless, head: p.head, got: p.got}
	b.SetCallbacks(p.read, nil, p.event)
	_ = b.Enable(event.Read) // a stream that is new
	if err := b.Connect(to.AddrPort(httpPort)); err != nil {
		p.finish("no connection")
	}
}

// write makes the bytes of everything that is to be sent.
func (p *httpPeer) write() {
	for i, t := range p.all {
		head, body := p.request(t)
		if t.expect && len(body) > 0 {
			p.script = append(p.script, httpStretch{data: head}, httpStretch{data: body, wait: true})
		} else {
			p.script = append(p.script, httpStretch{data: append(head, body...)})
		}
		if i == len(p.all)-1 && (p.end == peerCuts || p.end == peerResets) {
			last := &p.script[len(p.script)-1]
			last.data = last.data[:p.model.rand.IntN(len(last.data))]
			t.shaky, t.doomed = true, t.doomed || len(last.data) > 0
		}
	}
	switch p.end {
	case peerGarbles:
		p.script = append(p.script, httpStretch{data: []byte(p.model.garbage())})
	case peerCrawls:
		p.script = append(p.script, httpStretch{data: []byte("GET /whole/0 HTTP/1.1\r\nHost: ")})
	}
}

// request makes the bytes of a request.
func (p *httpPeer) request(t *httpTransaction) (head, body []byte) {
	m := p.model
	target, version := t.path(), "1.1"
	if t.old {
		version = "1.0"
	}
	if m.chance(0.1) {
		target = "http://server.test" + target
		t.absolute = true
	}
	if m.chance(0.1) {
		head = append(head, "\r\n"...) // which is to be skipped
	}
	head = fmt.Appendf(head, "%v %s HTTP/%s\r\n", t.method, target, version)
	fields := [][2]string{{"Host", "server.test"}, {httpID, strconv.Itoa(t.id)}, {"Accept", "*/*"}}
	switch {
	case t.old && !t.last:
		fields = append(fields, [2]string{"Connection", "keep-alive"})
	case t.last && !t.old:
		fields = append(fields, [2]string{"Connection", "close"})
	}
	if t.expect {
		fields = append(fields, [2]string{"Expect", "100-continue"})
	}
	content := httpBytes(t.askSeed(), 0, t.ask.size)
	switch {
	case t.ask.size == 0 && !m.chance(0.3):
		t.ask.trailer = false
	case t.ask.known || t.old:
		fields = append(fields, [2]string{"Content-Length", strconv.Itoa(t.ask.size)})
		body = slices.Clone(content)
	default:
		fields = append(fields, [2]string{"Transfer-Encoding", "chunked"})
		sum := ""
		if t.ask.trailer {
			sum = t.ask.sum(t.askSeed())
		}
		body = m.appendChunks(nil, content, t.ask.piece, sum)
	}
	m.rand.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	for _, f := range fields {
		head = m.appendField(head, f[0], f[1])
	}
	return append(head, "\r\n"...), body
}

// garbage returns something that is no request, however one looks at it.
func (m *httpModel) garbage() string {
	all := [...]string{
		"GET\r\n\r\n",
		"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 70_000) + "\r\n\r\n",
		"GET /" + strings.Repeat("x", 20_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 300) + "\r\n",
	}
	i := m.rand.IntN(len(all))
	if m.most < 10_000 {
		i = m.rand.IntN(len(all) - 3)
	}
	return all[i]
}

// send sends some of what is left.
func (p *httpPeer) send() {
	if p.over || p.quit {
		return
	}
	if len(p.script) == 0 {
		p.sent()
		return
	}
	s := &p.script[0]
	if s.wait && !p.asked && !p.model.chance(0.05) {
		httpAfter(p.base, 50*time.Millisecond, p.send)
		return
	}
	n := len(s.data)
	if p.model.chance(0.5) && n > 0 {
		n = 1 + p.model.rand.IntN(n)
	}
	_, _ = p.b.Write(s.data[:n]) // fails only with an event
	if s.data = s.data[n:]; len(s.data) == 0 {
		p.script = p.script[1:]
	} else {
		s.wait = false
	}
	if p.model.chance(0.6) {
		p.send()
		return
	}
	httpAfter(p.base, p.model.upTo(300*time.Millisecond), p.send)
}

// sent is called when all was sent.
func (p *httpPeer) sent() {
	switch p.end {
	case peerHalf:
		_ = p.b.CloseWrite() // as Write
	case peerCuts:
		p.b.FreeWhenWritten(httpForever)
		p.quit = true
		p.finish("broken off")
	case peerResets:
		httpAfter(p.base, p.model.upTo(time.Second), func() {
			if !p.over {
				_ = p.model.w.Reset(p.b.FD()) // fails for one that has ended
				p.quit = true
				p.b.Free()
				p.finish("reset")
			}
		})
	case peerCrawls:
		p.crawl(100)
	}
}

// crawl sends a byte a second.
func (p *httpPeer) crawl(left int) {
	if p.over {
		return
	}
	if left == 0 {
		p.leave()
		return
	}
	_, _ = p.b.WriteString("x") // as Write
	httpAfter(p.base, time.Second, func() { p.crawl(left - 1) })
}

// expected returns the transaction whose answer is next.
func (p *httpPeer) expected() *httpTransaction {
	if p.next < len(p.all) {
		return p.all[p.next]
	}
	return nil
}

// bodiless is for the reader.
func (p *httpPeer) bodiless(m *httpMessage) bool {
	code := m.status()
	if code < 200 || code == 204 || code == 304 {
		return true
	}
	t := p.expected()
	return t != nil && t.method.String() == "HEAD"
}

// head is for the reader: informational answers are not the end of a request.
func (p *httpPeer) head(m *httpMessage) {
	if m.status() == 101 {
		p.reader.state = readerTunnel
		p.got(m)
	}
}

// got compares an answer.
func (p *httpPeer) got(m *httpMessage) {
	t, code := p.expected(), m.status()
	switch {
	case p.closing:
		p.model.w.Failf("an answer %q after the last one", m.line)
		return
	case code == 100:
		if t == nil || !t.expect || p.asked {
			p.model.w.Failf("the peer is told to go on, and has not asked")
		}
		p.asked = true
		return
	case code == 103:
		p.infos++
		return
	case code == 0:
		p.model.w.Failf("an answer %q", m.line)
		return
	}
	p.asked = true // at any rate, the body does not have to wait
	p.closing = m.fields.get("connection") == "close"
	if t == nil || code >= 400 && code != t.code && m.fields.get(strings.ToLower(httpID)) == "" {
		p.error(t, code)
		return
	}
	p.next++
	p.compare(t, m, code)
	if p.closing && p.next < len(p.all) && !p.mayClose() && !t.anyCode {
		t.errorf("the answer says that it is the last one")
	}
	p.infos, p.asked = 0, false
	if code == 101 {
		p.closing = true
		_ = p.b.CloseWrite() // as Write
	}
	t.over = true
	p.model.left--
}

// error is called with an answer that the server has made up.
func (p *httpPeer) error(t *httpTransaction, code int) {
	if t == nil {
		if p.end != peerGarbles && p.end != peerCrawls && !p.model.harsh {
			p.model.w.Failf("the server says %d, but there is no request", code)
		}
		return
	}
	if !t.mayFail() && p.end != peerGarbles {
		t.errorf("the server says %d", code)
	}
	p.next++
	t.over = true
	p.model.left--
}

// compare compares the answer to a transaction.
func (p *httpPeer) compare(t *httpTransaction, m *httpMessage, code int) {
	if t.anyCode {
		return
	}
	sum := m.trailer.get(strings.ToLower(httpSum))
	switch {
	case code != t.code:
		t.errorf("it is answered with %d", code)
	case m.fields.get(strings.ToLower(httpID)) != strconv.Itoa(t.id) && code != 101:
		t.errorf("it has the answer of %q", m.fields.get(strings.ToLower(httpID)))
	case t.doomed && t.hasBody() && !t.old && t.begun > 0 && t.ended == 0:
		t.errorf("an answer that was cut off is complete")
	case t.doomed:
	case len(m.body) != t.wanted() && !(t.old && !t.answer.known && t.mayFail()):
		t.errorf("%d bytes have come", len(m.body))
	case p.infos != t.infos && !t.old:
		t.errorf("%d informational answers have come", p.infos)
	case t.chunked() && !t.old && t.answer.trailer && sum != t.answer.sum(t.answerSeed()):
		t.errorf("the trailer is %q", sum)
	case m.fields.get("date") == "" && code != 101:
		t.errorf("there is no date")
	case t.last && !p.closing && code != 101:
		t.errorf("the answer does not say that it is the last one")
	}
	if err := httpSame(t.answerSeed(), 0, m.body); err != nil {
		t.errorf("on the peer: %v", err)
	}
}

func (p *httpPeer) read(b *bufferevent.Bufferevent) {
	if p.slow && p.model.chance(0.3) {
		p.pause()
	}
	data := make([]byte, b.Input().Len())
	_, _ = b.Input().Remove(data) // it has as many
	if err := p.reader.feed(data); err != nil {
		p.model.w.Failf("%v", err)
	}
	if p.end == peerLeaves && p.model.chance(0.2) {
		p.leave()
		return
	}
	p.checkDone()
}

// pause reads nothing for a while.
func (p *httpPeer) pause() {
	p.b.Disable(event.Read)
	httpAfter(p.base, p.model.upTo(2*time.Second), func() {
		if !p.over {
			_ = p.b.Enable(event.Read) // fails only for one that was freed
		}
	})
}

func (p *httpPeer) leave() {
	p.quit = true
	p.b.Free()
	p.finish("left")
}

// checkDone ends the connection when there is nothing to wait for.
func (p *httpPeer) checkDone() {
	if p.over || p.expected() != nil || len(p.script) > 0 {
		return
	}
	switch p.end {
	case peerWaits, peerStalls, peerLeaves:
		httpAfter(p.base, p.model.upTo(time.Second), func() {
			if !p.over {
				p.leave()
			}
		})
	}
}

func (p *httpPeer) event(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		p.send()
		switch p.end {
		case peerStalls:
			p.b.Disable(event.Read)
			httpAfter(p.base, p.model.upTo(10*time.Second), func() {
				if !p.over {
					_ = p.b.Enable(event.Read) // fails only for one that was freed
				}
			})
		case peerLeaves:
			httpAfter(p.base, p.model.upTo(5*time.Second), func() {
				if !p.over {
					p.leave()
				}
			})
		}
	case bufferevent.InputEnded:
		p.ended()
		b.Free()
		p.finish("ended")
	case bufferevent.OutputFailed:
		if p.reader.state == readerTunnel {
			return
		}
		p.quit = true // nothing more can be sent, but something may come
		_ = b.Enable(event.Read)
		httpAfter(p.base, time.Minute, func() {
			if !p.over {
				p.leave()
			}
		})
	case bufferevent.TimedOut, bufferevent.Failed:
		p.model.w.Note("the peer's connection fails: %v", b.Err())
		if !p.mayBreak() && !p.quit {
			p.model.w.Failf("the connection of a peer fails: %v", b.Err())
		}
		b.Free()
		p.finish("failed")
	}
}

// mayBreak reports whether the connection may end before all is answered.
func (p *httpPeer) mayBreak() bool { return p.closing || p.mayClose() }

// mayClose reports whether the server may end the connection before all is answered.
func (p *httpPeer) mayClose() bool {
	if p.model.harsh || p.reckless || p.model.idle > 0 || p.end != peerWaits && p.end != peerStalls && p.end != peerHalf {
		return true
	}
	return slices.ContainsFunc(p.all, func(t *httpTransaction) bool { return t.mayFail() })
}

// ended is called when the server has ended the stream.
func (p *httpPeer) ended() {
	t := p.expected()
	within := p.reader.partial()
	if err := p.reader.end(); err != nil && !p.mayBreak() {
		p.model.w.Failf("%v", err)
	}
	if t != nil && p.expected() == t && !p.closing && !p.mayBreak() && p.model.idle == 0 {
		t.errorf("the server ends the stream before the answer, within a message: %v", within)
	}
}

// finish ends the connection: what was not answered will not be.
func (p *httpPeer) finish(why string) {
	if p.over {
		return
	}
	p.model.w.Note("a peer is done: %s", why)
	p.over = true
	if p.patience != nil {
		_ = p.patience.Del() // as above
	}
	p.model.open--
	for ; p.next < len(p.all); p.next++ {
		t := p.all[p.next]
		t.over, t.shaky = true, true
		p.model.left--
	}
}

// httpPeers has peers of all kinds ask our server.
func httpPeers(w *evtest.World) {
	m := newHTTPModel(w)
	server := &httpServer{model: m, host: w.Host("server")}
	host := w.Host("client")
	peers, requests := w.Draw("peers", 1, 5), w.Draw("requests", 1, 8)
	cfg := m.serverConfig()
	if m.chance(0.3) {
		cfg.MaxConnections, m.harsh = 1+m.rand.IntN(3), true
	}
	server.host.Do(func() { server.start(cfg) })
	host.Do(func() {
		for range peers {
			p := m.peer(host, requests)
			httpAfter(host.Base(), m.upTo(3*time.Second), func() { p.start(server.host) })
		}
	})
	m.accidents(server.host, host)
	w.Await("all requests to be over", func() bool { return m.left == 0 && m.open == 0 })
	m.endServer(server)
	w.Run(2 * time.Minute) // timers of peers that have left
	m.checkEnd()
	m.awaitDescriptors(server.host, host)
}

// peer draws a peer.
func (m *httpModel) peer(host *evtest.Host, requests int) *httpPeer {
	p := &httpPeer{model: m, host: host, slow: m.chance(0.2)}
	if m.chance(0.6) {
		p.end = httpPeerEnd(m.rand.IntN(int(peerEnds)))
	}
	var before *httpTransaction
	plain := m.chance(0.4) // nothing that it sends ends the connection
	for i := range 1 + m.rand.IntN(requests) {
		t := m.draw()
		t.before, before = before, t
		if plain {
			t.last, t.early, t.patient = false, false, true
		}
		if t.old = !plain && m.chance(0.15); t.old {
			t.expect, t.ask.trailer, t.ask.known = false, false, true
			t.infos = 0
			t.last = t.last || m.chance(0.3)
		}
		if t.style == answerSwitch && (t.old || i < requests-1) {
			t.style, t.code = answerAtOnce, 200
		}
		if p.end == peerHalf && !t.patient || p.end == peerLeaves {
			t.shaky = true
		}
		p.all = append(p.all, t)
	}
	last := p.all[len(p.all)-1]
	p.reckless = m.few || p.end == peerGarbles ||
		slices.ContainsFunc(p.all, func(t *httpTransaction) bool { return t.last || t.old || t.early })
	for _, t := range p.all {
		t.shaky = t.shaky || p.reckless
	}
	for _, t := range p.all[:len(p.all)-1] {
		if t.style == answerSwitch {
			t.style, t.code = answerAtOnce, 200
		}
	}
	if last.style == answerSwitch {
		p.end = peerWaits
	}
	p.write()
	if p.end == peerIsSilent {
		p.script = nil
	}
	m.open++
	return p
}
