package simulation_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// TestHTTP has servers and clients of HTTP/1.1 answer and ask each other, and peers that
// know better, or nothing, over networks of all kinds.
func TestHTTP(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Faults: httpFaults, Limit: 100 * time.Hour}, func(w *evtest.World) {
		scenarios := []func(w *evtest.World){httpBothOurs, httpPeers, httpOrigins, httpFiles, httpRules, httpUploadScenario}
		scenarios[w.Draw("scenario", 0, len(scenarios)-1)](w)
	})
}

// httpFaults keeps networks from needing hours for a request: where buffers take a few
// bytes only, each round trip carries no more.
func httpFaults(f *evtest.Faults) {
	if f.SmallBuffers > 0 {
		f.Latency, f.Jitter = min(f.Latency, time.Millisecond), min(f.Jitter, time.Millisecond)
		f.Hold /= 10
	}
}

// httpForever is a timeout that does not count, and httpLeftovers how long timers of requests
// that have failed go on, at most.
const (
	httpForever   = time.Hour
	httpLeftovers = 25 * time.Second
)

// serverConfig draws how a server is to be.
func (m *httpModel) serverConfig() *evhttp.ServerConfig {
	cfg := &evhttp.ServerConfig{Timeouts: evhttp.Timeouts{
		Idle: httpForever, Header: httpForever, Body: httpForever, MinBodyRate: -1, Write: httpForever}}
	if m.chance(0.3) {
		cfg.Timeouts.Idle = 1 + m.upTo(3*time.Second)
		m.idle = cfg.Timeouts.Idle
	}
	if m.chance(0.15) {
		cfg.Timeouts.Header, cfg.Timeouts.Body, cfg.Timeouts.Write = m.upTo(time.Minute), m.upTo(time.Minute), m.upTo(time.Minute)
		m.harsh = true
	}
	if m.chance(0.2) {
		cfg.MaxRequests, m.few = 1+m.rand.IntN(4), true
	}
	if m.chance(0.2) {
		cfg.Flags = evhttp.ServerLingeringClose
	}
	return cfg
}

// connConfig draws how a client's connection is to be.
func (m *httpModel) connConfig() evhttp.ConnConfig {
	cfg := evhttp.ConnConfig{ConnectTimeout: httpForever, ReadTimeout: httpForever, WriteTimeout: httpForever,
		ContinueTimeout: time.Second, InitialRetry: time.Second}
	if m.chance(0.2) {
		cfg.ConnectTimeout = httpLeastTimeout + m.upTo(time.Minute)
		cfg.ReadTimeout, cfg.WriteTimeout = httpLeastTimeout+m.upTo(time.Minute), httpLeastTimeout+m.upTo(time.Minute)
		m.harsh = true
	}
	if m.chance(0.2) {
		cfg.ContinueTimeout = m.upTo(time.Minute)
	}
	if m.chance(0.2) {
		cfg.Retries = 1 + m.rand.IntN(3)
	}
	if m.chance(0.2) {
		cfg.Flags |= evhttp.ConReadOnWriteError
	}
	if m.chance(0.2) {
		cfg.Flags |= evhttp.ConReuseConnectedAddr
	}
	if m.chance(0.3) {
		cfg.Flags |= evhttp.ConLingeringClose
	}
	if m.chance(0.2) {
		cfg.IdleTimeout = 1 + m.upTo(3*time.Second)
	}
	return cfg
}

// clientConfig draws how a client is to be.
func (m *httpModel) clientConfig() evhttp.ClientConfig {
	cfg := evhttp.ClientConfig{}
	if m.chance(0.5) {
		cfg.MaxPerHost = 1 + m.rand.IntN(4)
	}
	if m.chance(0.3) {
		cfg.MaxIdle, cfg.MaxIdlePerHost = 1+m.rand.IntN(3), 1+m.rand.IntN(3)
	}
	if m.chance(0.3) {
		cfg.IdleTimeout = m.upTo(5 * time.Second)
	}
	return cfg
}

// limit draws how much a client takes of an answer, and how many requests may wait.
func (m *httpModel) limit(client *evhttp.ClientConfig, conn *evhttp.ConnConfig) {
	if m.chance(0.1) {
		m.room = 1000 + m.rand.Int64N(50_000)
		conn.MaxBody = m.room
	}
	if m.chance(0.1) {
		conn.MaxQueue, m.full = 1+m.rand.IntN(3), true
	}
	if m.chance(0.1) {
		client.MaxWaiting, m.full = 1+m.rand.IntN(3), true
	}
}

// httpBothOurs has our client ask our server.
func httpBothOurs(w *evtest.World) {
	m := newHTTPModel(w)
	server := &httpServer{model: m, host: w.Host("server")}
	client := m.newClient(server.host)
	lanes, requests, conns := w.Draw("lanes", 1, 6), w.Draw("requests", 1, 24), w.Draw("conns", 0, 2)
	cfg, conn := m.serverConfig(), m.connConfig()
	m.limit(&client.cfg, &conn)
	server.host.Do(func() { server.start(cfg) })
	client.host.Do(func() { client.ask(conn, conns, lanes, requests) })
	m.accidents(server.host, client.host)
	restart := m.restarts(server, cfg)
	w.Await("all requests to be over", func() bool { return m.left == 0 && !restart.down })
	w.Run(httpLeftovers) // timers of requests that have failed
	client.host.Do(client.free)
	m.endServer(server)
	m.checkEnd()
	m.awaitDescriptors(server.host, client.host)
}

// newClient makes a client of a server.
func (m *httpModel) newClient(server *evtest.Host) *httpClient {
	c := &httpClient{model: m, host: m.w.Host("client"), server: "server.test", port: httpPort, cfg: m.clientConfig()}
	c.cfg.Resolver = &httpNames{model: m, base: c.host.Base(), hosts: map[string]netip.Addr{"server.test": server.Addr()}}
	return c
}

// ask begins to send requests.
func (c *httpClient) ask(conn evhttp.ConnConfig, conns, lanes, requests int) {
	c.start(conn, conns)
	for range lanes {
		lane := &httpLane{client: c, requests: (requests + lanes - 1) / lanes}
		lane.next()
	}
}

// endServer shuts a server down, and frees it.
func (m *httpModel) endServer(s *httpServer) {
	end := errors.New("not over")
	s.host.Do(func() {
		if err := s.server.Shutdown(time.Minute, func(err error) { end = err }); err != nil {
			m.w.Failf("shutdown: %v", err)
		}
	})
	m.w.Await("the server to be done", func() bool { return end == nil || errors.Is(end, evhttp.ErrDeadline) })
	s.host.Do(s.free)
	m.w.Run(httpLeftovers)
	s.checkContexts()
	if s.sources > 0 || s.switched > 0 && !m.harsh {
		m.w.Failf("%d sources are not closed, %d streams that were switched are not over", s.sources, s.switched)
	}
}

// awaitDescriptors waits until hosts have closed everything.
func (m *httpModel) awaitDescriptors(hosts ...*evtest.Host) {
	for _, h := range hosts {
		m.w.Await("all descriptors to be closed", func() bool { return len(h.Descriptors()) <= 1 })
	}
}

// accidents has something happen to hosts, now and then.
func (m *httpModel) accidents(a, b *evtest.Host) {
	if !m.chance(0.3) {
		return
	}
	for range m.w.Draw("accidents", 0, 3) {
		m.harsh = true
		at, d := m.upTo(10*time.Second), m.upTo(time.Minute)
		switch m.rand.IntN(5) {
		case 0:
			m.w.At(at, func() { m.w.Cut(a, b) })
			m.w.At(at+d, func() { m.w.Mend(a, b) })
		case 1:
			m.w.At(at, func() { m.w.CutOneWay(a, b) })
			m.w.At(at+d, func() { m.w.Mend(a, b) })
		case 2:
			m.w.At(at, func() { a.Pause(d / 4) })
		case 3:
			m.w.At(at, func() { b.Pause(d / 4) })
		case 4:
			most := m.rand.IntN(5)
			m.w.At(at, func() { a.SetDescriptors(most) })
			m.w.At(at+d, func() { a.SetDescriptors(0) })
		}
	}
}

// An httpLane sends one request after the other.
type httpLane struct {
	client   *httpClient
	requests int
	r        *evhttp.Request
}

func (l *httpLane) next() {
	if l.requests == 0 {
		return
	}
	l.requests--
	m := l.client.model
	t := m.draw()
	send := func() {
		l.client.send(t, l.r, l.next)
	}
	if m.chance(0.4) {
		httpAfter(l.client.base, m.upTo(4*time.Second), send)
		return
	}
	send()
}
