package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpsSite is the server under test.
type httpsSite struct {
	scene  *httpsScene
	server *evhttp.Server
	most   int  // requests on a connection, or 0
	ended  bool // it was freed, or told to stop
}

// startServer starts the server, which may end before its visitors do.
func (s *httpsScene) startServer() {
	site := &s.site
	site.scene = s
	cfg := &evhttp.ServerConfig{Stream: s.accepting, Timeouts: evhttp.Timeouts{
		Idle: 1 + s.upTo(5*time.Second), Header: httpsForever, Body: httpsForever, MinBodyRate: -1, Write: httpsForever}}
	if s.chance(0.3) {
		cfg.Flags = evhttp.ServerLingeringClose
	}
	if s.chance(0.2) {
		site.most = 1 + s.rand.IntN(3)
		cfg.MaxRequests = site.most
	}
	s.server.Do(func() {
		var err error
		if site.server, err = evhttp.NewServerWithConfig(s.server.Base(), cfg); err != nil {
			s.errorf("%v", err)
			return
		}
		s.check(site.server.HandlePatternStream("/{visit}/{number}", site.handle))
		_, err = site.server.Bind(s.server.AddrPort(httpsPort))
		s.check(err)
	})
	if s.chance(0.2) {
		stop := func() { site.stop(s.chance(0.5)) }
		s.world.At(s.upTo(6*time.Second), func() { s.server.Post(stop) })
	}
}

// stop ends the server while there may be visitors.
func (site *httpsSite) stop(patiently bool) {
	site.ended = true
	if patiently {
		site.scene.check(site.server.Shutdown(httpsForever, nil))
		return
	}
	site.server.Free()
}

// end ends the server after its visitors.
func (site *httpsSite) end() { site.server.Free() }

// How a request is answered, in the end.
type httpsEnd int

const (
	httpsWhole  httpsEnd = iota // all at once
	httpsStream                 // in parts
	httpsCancel                 // the rest are given up in the middle
	httpsAbort
	httpsFree
	httpsEnds
)

func (e httpsEnd) cuts() bool { return e >= httpsCancel }

// An httpsVisit is a visitor's connection to the server.
type httpsVisit struct {
	scene   *httpsScene
	number  int
	old     bool // HTTP/1.0
	answers []*httpsAnswer
	leaves  bool // ends its stream behind its requests
	closes  bool // has the server close after the last answer
	b       *bufferevent.Bufferevent
	got     []byte
	over    bool
	cut     bool // a handler has cut an answer off
}

// An httpsAnswer is what a request gets.
type httpsAnswer struct {
	id, size, piece int
	end             httpsEnd
	pause           time.Duration // between pieces
}

// addVisit draws a visit, and begins it in its time.
func (s *httpsScene) addVisit(number int) {
	v := &httpsVisit{scene: s, number: number, old: s.chance(0.3), leaves: s.chance(0.2), closes: s.chance(0.5)}
	count := 1 + s.rand.IntN(3)
	if v.old {
		count = 1
	}
	for i := range count {
		a := &httpsAnswer{
			id: number*10 + i, size: s.rand.IntN(1 << (4 + s.rand.IntN(11))), piece: 1 + s.rand.IntN(4000),
			pause: s.upTo(50 * time.Millisecond),
		}
		if a.end = httpsEnd(s.rand.IntN(int(httpsEnds))); a.end.cuts() && i < count-1 {
			a.end = httpsWhole
		}
		v.answers = append(v.answers, a)
	}
	s.visits = append(s.visits, v)
	s.open++
	s.world.At(s.upTo(4*time.Second), func() { s.client.Post(v.begin) })
}

// begin connects, and asks for everything.
func (v *httpsVisit) begin() {
	s := v.scene
	b, err := s.connecting(s.client.Base(), nil, "")
	if err != nil {
		v.end()
		return
	}
	v.b = b
	b.SetCallbacks(v.onRead, nil, v.onEvent)
	for i := range v.answers {
		protocol, fields := "1.1", "Host: server.test\r\n"
		if v.old {
			protocol = "1.0"
		}
		if v.closes && i == len(v.answers)-1 && !v.old {
			fields += "Connection: close\r\n"
		}
		_, err := fmt.Fprintf(b, "GET /%d/%d HTTP/%s\r\n%s\r\n", v.number, i, protocol, fields)
		s.check(err)
	}
	if v.leaves {
		s.check(b.CloseWrite())
	}
	s.check(b.Enable(event.Read))
	if err := b.Connect(s.server.AddrPort(httpsPort)); err != nil {
		v.finish(err)
	}
}

func (v *httpsVisit) onRead(b *bufferevent.Bufferevent) {
	in := b.Input()
	p := make([]byte, in.Len())
	_, err := in.Remove(p)
	v.scene.check(err)
	v.got = append(v.got, p...)
}

func (v *httpsVisit) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	v.onRead(b)
	switch what.Outcome() {
	case bufferevent.InputEnded:
		v.finish(nil)
	case bufferevent.Failed:
		v.finish(b.Err())
	}
}

// finish is told how the stream has ended.
func (v *httpsVisit) finish(err error) {
	v.scene.world.Note("visit %d has ended after %d bytes: %v", v.number, len(v.got), err == nil)
	v.compare(err)
	if err != nil {
		v.b.Free()
	} else {
		v.b.FreeWhenWritten(httpsForever)
	}
	v.end()
}

func (v *httpsVisit) end() {
	v.over = true
	v.scene.open--
}

// compare checks that the end tells the truth about the answers.
func (v *httpsVisit) compare(failed error) {
	s := v.scene
	bodies, more, err := httpsAnswers(v.got)
	if err != nil || len(bodies) > len(v.answers) {
		s.errorf("visit %d: %d answers, %v", v.number, len(bodies), err)
		return
	}
	for i, body := range bodies {
		a := v.answers[i]
		want := httpsBody(a.id, a.size)
		untilEnd := i == len(bodies)-1 && !bytes.Contains(v.got, []byte("Content-Length")) && v.old
		switch {
		case bytes.Equal(body, want) && !(untilEnd && a.end.cuts()):
		case untilEnd && failed != nil && bytes.HasPrefix(want, body):
			more = true // as far as it has come
		default:
			s.errorf("visit %d: answer %d has %d other bytes, of %d", v.number, i, len(body), a.size)
		}
	}
	switch {
	case failed == nil && (more || v.cut):
		s.errorf("visit %d: the stream ends in order after a part of answer %d; cut off: %v", v.number, len(bodies), v.cut)
	case failed == nil && len(bodies) < len(v.answers) && s.clean && !s.site.ended && s.site.unbounded(len(v.answers)):
		s.errorf("visit %d: the stream ends after %d of %d answers", v.number, len(bodies), len(v.answers))
	case failed != nil && s.clean && !more && !v.cut && (len(bodies) == len(v.answers) && !s.waits || !s.site.ended):
		s.errorf("visit %d: after %d of %d answers, all of them whole: %v", v.number, len(bodies), len(v.answers), failed)
	}
}

// unbounded reports whether a connection may have so many requests.
func (site *httpsSite) unbounded(count int) bool {
	return site.most == 0 || count <= site.most
}

var errHTTPSCut = errors.New("not going on")

// handle answers a request.
func (site *httpsSite) handle(r *evhttp.Request) {
	visit, _ := strconv.Atoi(r.PathValue("visit"))
	number, _ := strconv.Atoi(r.PathValue("number"))
	v := site.scene.visits[visit]
	a := v.answers[number]
	site.scene.world.Note("visit %d: request %d is handled, end %d", visit, number, a.end)
	body := httpsBody(a.id, a.size)
	if a.end == httpsWhole {
		_ = r.SendReplyBytes(200, "", body) // fails only if the visitor has gone
		return
	}
	if v.leaves {
		r.AllowHalfClose()
	}
	if r.SendReplyStart(200, "") != nil {
		return
	}
	site.sendPart(r, v, a, body)
}

// sendPart sends a part of an answer and comes again, unless it is the last one.
func (site *httpsSite) sendPart(r *evhttp.Request, v *httpsVisit, a *httpsAnswer, body []byte) {
	n := min(len(body), a.piece)
	if n > 0 {
		var part evbuffer.Buffer
		site.scene.check(part.Add(body[:n]))
		if r.SendReplyChunk(&part) != nil { // the visitor has gone, or the server
			return
		}
	}
	if body = body[n:]; len(body) > 0 && !(a.end.cuts() && len(body) < a.size/2) {
		httpAfter(r.Base(), a.pause, func() { site.sendPart(r, v, a, body) })
		return
	}
	site.endAnswer(r, v, a)
}

// endAnswer ends an answer, or cuts it off.
func (site *httpsSite) endAnswer(r *evhttp.Request, v *httpsVisit, a *httpsAnswer) {
	v.cut = a.end.cuts()
	site.scene.world.Note("visit %d: the answer ends, cut %v", v.number, v.cut)
	switch a.end {
	case httpsStream:
		_ = r.SendReplyEnd() // fails only if the visitor has gone
	case httpsCancel:
		r.Cancel()
	case httpsAbort:
		r.Abort(errHTTPSCut)
	case httpsFree:
		r.Conn().Free()
	}
}
