package simulation_test

import (
	"errors"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpRestart has a server shut down in order while requests are under way, and another one
// take its place. What has come to a handler is answered by the first one.
type httpRestart struct {
	server *httpServer
	cfg    *evhttp.ServerConfig
	after  time.Duration // until what is left is cut off
	down   bool
}

// httpPatience is longer than any request takes.
const httpPatience = 20 * httpForever

// restarts draws a restart, or none.
func (m *httpModel) restarts(s *httpServer, cfg *evhttp.ServerConfig) *httpRestart {
	r := &httpRestart{server: s, cfg: cfg, after: httpPatience}
	if !m.chance(0.3) {
		return r
	}
	m.restarted = true
	if m.chance(0.3) {
		r.after, m.harsh = 1+m.upTo(5*time.Second), true
	}
	m.w.At(m.upTo(8*time.Second), func() { s.host.Post(r.begin) })
	return r
}

// begin shuts the server down.
func (r *httpRestart) begin() {
	s := r.server
	if s.server == nil || s.ended || s.model.left == 0 { // it has not begun, or will end
		return
	}
	r.down = true
	old := s.server
	s.model.w.Note("the server shuts down, with %d connections", old.ConnectionCount())
	told := false
	err := old.Shutdown(r.after, func(err error) {
		if told {
			s.model.w.Failf("a server is shut down twice: %v", err)
		}
		told = true
		r.done(old, err)
	})
	if err != nil || told {
		s.model.w.Failf("shutdown: %v, told before it has returned: %v", err, told)
	}
}

// done is called when the server has no connection any more.
func (r *httpRestart) done(old *evhttp.Server, err error) {
	s := r.server
	if err != nil && (!errors.Is(err, evhttp.ErrDeadline) || r.after == httpPatience) {
		s.model.w.Failf("shutdown: %v", err)
	}
	if n := old.ConnectionCount(); n != 0 {
		s.model.w.Failf("%d connections are left after a shutdown", n)
	}
	old.Free()
	httpAfter(s.base, s.model.upTo(2*time.Second), func() {
		r.down = false
		s.start(r.cfg)
	})
}
