package simulation_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpUpload is a request whose body is sent slowly, and an answer that may come before all
// of it, or a panic of the handler.
type httpUpload struct {
	m       *httpModel
	id      int
	size    int
	piece   int
	pause   time.Duration // between the pieces
	chunked bool
	way     uploadWay
	at      int           // bytes of the body after which the handler does what it does
	delay   time.Duration // until it answers, or nothing
	code    int
	answer  int // bytes
	parts   bool
	closes  bool // the answer is the last one of its connection

	seen    bool               // its header has come to the server
	acted   bool               // the handler has done what it does
	conn    *evhttp.ServerConn // that it came by
	settled bool               // the client has what there is for it
}

// An uploadWay is what the server makes of an upload.
type uploadWay int

const (
	uploadEarly        uploadWay = iota // a handler answers before the end of the body, or when it likes
	uploadWhole                         // one that is called at the end does
	uploadMissing                       // there is no handler
	uploadTooLarge                      // the handler takes less
	uploadExpects                       // something that nobody knows
	uploadPanics                        // before there is an answer
	uploadPanicsWithin                  // one
	uploadPanicsAfter                   // one
	uploadWays
)

// maxSmall is how much of a body the handler takes that takes little.
const maxSmall = 20

// Bounds of what a client of a server that has answered may do: it sends for as long, and not
// without a byte for longer, and then its connection is gone. See evhttp's lingerTimeout and
// maxLinger.
const (
	uploadPause  = 1500 * time.Millisecond
	uploadPauses = 14
	uploadGone   = 45 * time.Second
)

func (m *httpModel) upload(id int) *httpUpload {
	u := &httpUpload{m: m, id: id, size: 1 + m.size(), code: 200, answer: m.size(), chunked: m.chance(0.5), parts: m.chance(0.5)}
	u.piece = max(u.size/(1+m.rand.IntN(uploadPauses)), 1)
	if u.size <= uploadPauses {
		u.piece = u.size
	}
	u.pause = m.upTo(uploadPause)
	u.way = uploadWay(m.rand.IntN(int(uploadWays)))
	if m.chance(0.3) {
		u.way = uploadEarly
	}
	if m.chance(0.5) {
		u.at = m.rand.IntN(u.size + 1)
	}
	if m.chance(0.5) {
		u.delay = 1 + m.upTo(3*time.Second)
	}
	u.closes = m.chance(0.4)
	if m.chance(0.3) {
		u.code = []int{204, 205, 304, 401, 403, 500, 503}[m.rand.IntN(7)]
	}
	switch u.way {
	case uploadMissing:
		u.code = 404
	case uploadTooLarge:
		u.size += maxSmall
		u.code = 413
	case uploadExpects:
		u.code = 417
	case uploadPanicsWithin:
		u.code, u.answer = 200, u.answer+2
	}
	return u
}

// path returns the path of the request.
func (u *httpUpload) path() string {
	switch u.way {
	case uploadWhole:
		return "/whole"
	case uploadMissing:
		return "/missing"
	case uploadTooLarge:
		return "/small"
	}
	return "/stream"
}

// askSeed and answerSeed are where the bodies begin in the pattern.
func (u *httpUpload) askSeed() int    { return 2*u.id + 1 }
func (u *httpUpload) answerSeed() int { return 2*u.id + 2 }

func (u *httpUpload) errorf(format string, args ...any) {
	if u.m.w.T().Failed() {
		return // what follows is of no interest
	}
	u.m.w.Failf("upload %d, %d bytes (in chunks: %v) in pieces of %d each %v, way %d at %d after %v, %d with %d (in parts: %v), closes: %v: %s",
		u.id, u.size, u.chunked, u.piece, u.pause, u.way, u.at, u.delay, u.code, u.answer, u.parts, u.closes, fmt.Sprintf(format, args...))
}

// compare compares an answer.
func (u *httpUpload) compare(s *httpUploads, code int, body []byte) {
	want := u.answer
	switch {
	case u.way == uploadPanicsWithin:
		u.errorf("an answer that was cut off by a panic is complete, with %d bytes", len(body))
		return
	case u.way == uploadPanics && code == 500 && s.catches:
		return
	case u.way == uploadPanics, code != u.code:
		u.errorf("it is answered with %d", code)
		return
	case u.way == uploadMissing || u.way == uploadTooLarge || u.way == uploadExpects: // with a page
		return
	case code == 204 || code == 205 || code == 304:
		want = 0
	}
	if err := httpSame(u.answerSeed(), 0, body); err != nil || len(body) != want {
		u.errorf("its answer has %d bytes of %d: %v", len(body), want, err)
	}
}

// mayFail reports whether the request may be over without an answer.
func (u *httpUpload) mayFail(s *httpUploads) bool {
	if s.shut && !u.seen {
		return true
	}
	switch u.way {
	case uploadPanicsWithin:
		return u.acted
	case uploadPanics, uploadPanicsAfter:
		return u.acted && !s.catches
	}
	return false
}

// An httpUploads is a server that is sent bodies, and what has become of them. Its loop has an
// owner who runs it again after a panic, unless the server catches panics.
type httpUploads struct {
	m       *httpModel
	host    *evtest.Host
	base    *event.Base
	server  *evhttp.Server
	catches bool // panics
	shut    bool // the server is being shut down
	told    bool // that it is
	all     []*httpUpload
	open    int         // clients that are not done
	held    []func()    // end the connections that clients keep open when they are done
	panics  *httpUpload // whose handler panics
}

// httpUploadScenario has clients send bodies to a server that does not wait for all of them.
func httpUploadScenario(w *evtest.World) {
	m := newHTTPModel(w)
	m.calmUploads()
	s := &httpUploads{m: m, host: w.Host("server"), catches: w.Draw("catches", 0, 1) == 1}
	host := w.Host("client")
	pipes, programs, uploads := w.Draw("pipes", 0, 4), w.Draw("programs", 0, 3), w.Draw("uploads", 1, 4)
	s.start()
	host.Do(func() {
		for range max(pipes, 1-programs) {
			s.pipe(host, uploads)
		}
		for range programs {
			s.program(host, uploads)
		}
	})
	if m.chance(0.3) {
		w.Run(m.upTo(6 * time.Second))
		s.shutDown()
	}
	w.Await("all uploads to be settled", func() bool { return s.open == 0 })
	w.Run(uploadGone)
	if n := s.server.ConnectionCount(); n > 0 {
		w.Failf("%d connections are left %v after all was said", n, uploadGone)
	}
	if s.shut && !s.told {
		w.Failf("the server is not told to be shut down")
	}
	host.Do(func() {
		for _, end := range s.held {
			end()
		}
	})
	if !s.shut {
		s.checkPlaces(host)
	}
	s.host.Do(s.server.Free)
	m.awaitDescriptors(s.host, host)
}

// calmUploads has nothing go wrong, and nothing be so late that it counts.
func (m *httpModel) calmUploads() {
	f := m.w.Faults()
	f.Refuse, f.Vanish, f.Reset, f.NoDescriptors, f.NoBuffers, f.Delay, f.Hold = 0, 0, 0, 0, 0, 0, 0
	f.Latency, f.Jitter, f.LateTimers = min(f.Latency, 50*time.Millisecond), min(f.Jitter, 50*time.Millisecond), min(f.LateTimers, 50*time.Millisecond)
	m.w.SetFaults(f)
	m.harsh = false
	m.most = min(m.most, 200_000)
}

// start runs the server.
func (s *httpUploads) start() {
	w := s.m.w
	s.base = s.host.Base()
	s.host.OnPanic(s.recovered)
	s.host.Do(func() {
		cfg := &evhttp.ServerConfig{Timeouts: evhttp.Timeouts{
			Idle: 20 * time.Second, Header: httpForever, Body: httpForever, MinBodyRate: -1, Write: time.Minute}, OnRequest: s.came}
		if s.m.chance(0.2) {
			cfg.Flags = evhttp.ServerLingeringClose
		}
		if s.catches {
			cfg.OnPanic = func(_ *evhttp.Request, value any) {
				if value != errHTTPPanic {
					panic(value)
				}
			}
		}
		var err error
		if s.server, err = evhttp.NewServerWithConfig(s.base, cfg); err != nil {
			w.T().Error(err)
			return
		}
		_, bound := s.server.Bind(s.host.AddrPort(httpPort))
		if err := errors.Join(bound, s.server.Handle("/whole", s.whole), s.server.HandleStream("/stream", s.stream),
			s.server.HandleWith("/small", s.small, evhttp.HandleOptions{MaxBodySize: maxSmall, Stream: s.m.chance(0.5)})); err != nil {
			w.T().Error(err)
		}
	})
}

// recovered is called when the panic of a handler has passed through the loop, which ends its
// connection at once.
func (s *httpUploads) recovered(value any) (again bool) {
	u := s.panics
	if value != errHTTPPanic || s.catches || u == nil {
		return false
	}
	if s.panics = nil; u.conn.Bufferevent() != nil {
		u.errorf("its connection is there after its handler has panicked")
	}
	return true
}

// shutDown shuts the server down in order.
func (s *httpUploads) shutDown() {
	s.host.Do(func() {
		s.shut = true
		err := s.server.Shutdown(0, func(err error) {
			if err != nil || s.told || s.server.ConnectionCount() > 0 {
				s.m.w.Failf("shut down: %v, told before: %v, with %d connections", err, s.told, s.server.ConnectionCount())
			}
			s.told = true
		})
		if err != nil {
			s.m.w.Failf("shutdown: %v", err)
		}
	})
}

// checkPlaces checks that the server has places for as many connections as it is told, and no
// more, whatever has become of those before.
func (s *httpUploads) checkPlaces(host *evtest.Host) {
	places := 1 + s.m.rand.IntN(3)
	s.host.Do(func() { s.server.SetMaxConnections(places) })
	answers := make([]string, 0, places+1)
	for range places + 1 {
		host.Do(func() {
			s.knock(host, func(line string) { answers = append(answers, line) })
		})
		n := len(answers)
		s.m.w.Await("an answer", func() bool { return len(answers) > n || len(answers) == cap(answers) })
	}
	for i, line := range answers {
		if code := " 404 "; i == places {
			code = " 503 "
			if !strings.Contains(line, code) {
				s.m.w.Failf("connection %d, where there may be %d, gets %q", i+1, places, line)
			}
		} else if !strings.Contains(line, code) {
			s.m.w.Failf("connection %d of %d gets %q", i+1, places, line)
		}
	}
	s.m.w.Run(uploadGone)
}
