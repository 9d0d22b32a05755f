package simulation_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A webScene is a server whose handlers are net/http's, a proxy before it, and clients.
type webScene struct {
	world   *evtest.World
	server  *evtest.Host
	front   *evtest.Host
	clean   bool // nothing goes wrong that could keep a request from its answer
	slow    bool // buffers of sockets take a few bytes
	servers []*evhttp.Server
	clients []*webClient
	plans   []*webPlan

	mu      sync.Mutex
	handled map[int]int // how often a handler was called, by plan
	failed  bool
}

// TestNetHTTP runs handlers and clients of net/http, in goroutines of their own, over
// loops.
func TestNetHTTP(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Free: true, Faults: gentle}, func(w *evtest.World) {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // handlers panic as planned
		w.T().Cleanup(func() { event.SetLogCallback(nil) })
		f := w.Faults()
		s := &webScene{
			world: w, server: w.Host("server"), front: w.Host("front"), handled: make(map[int]int),
			clean: f.Reset == 0 && f.Refuse == 0 && f.Vanish == 0 && f.NoDescriptors == 0 && f.NoBuffers == 0,
		}
		s.slow = f.SmallBuffers > 0
		stops := w.Draw("stops", 0, 9) == 9
		s.clean = s.clean && !stops
		s.start()
		if stops {
			s.restartServer(time.Duration(w.Rand().Int64N(int64(30 * time.Second))))
		}
		w.Await("all requests to end", s.ended)
		s.checkRecovery()
		s.end()
	})
}

// gentle leaves out what would only make requests take for ever.
func gentle(f *evtest.Faults) {
	if f.Bandwidth > 0 {
		f.Bandwidth = max(f.Bandwidth, 50<<10)
	}
	if f.SmallBuffers > 0 { // a byte or two each round trip: the largest body takes some 20 seconds
		f.Latency, f.Jitter = min(f.Latency, 50*time.Microsecond), min(f.Jitter, 25*time.Microsecond)
		f.Delay = min(f.Delay, 0.0005) // which each of so many segments would meet
	}
	f.Delay = min(f.Delay, 0.02)
}

// errorf fails the test, once: what follows from the first failure is of no interest.
func (s *webScene) errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed {
		return
	}
	s.failed = true
	s.world.T().Errorf(format, args...)
}

// start starts the server, the proxy and the clients.
func (s *webScene) start() {
	w := s.world
	s.servers = append(s.servers, s.serveWeb(s.server, s))
	transport, freeTransport := newRoundTripper(s, s.front)
	s.servers = append(s.servers, s.serveWeb(s.front, s.proxy(transport)))
	for i := range w.Draw("clients", 1, 3) {
		c := newWebClient(s, w.Host(fmt.Sprint("client", i)), w.Rand().IntN(3) > 0)
		for range w.Draw(fmt.Sprint("requests", i), 1, 8) {
			p := drawWebPlan(w.Rand(), len(s.plans))
			s.plans = append(s.plans, p)
			c.plans = append(c.plans, p)
		}
		s.clients = append(s.clients, c)
	}
	front := &webClient{scene: s, host: s.front, close: freeTransport}
	front.done.Store(true)
	s.clients = append(s.clients, front)
	for _, c := range s.clients {
		if !c.done.Load() {
			c.host.Go(c.run)
		}
	}
}

func (s *webScene) ended() bool {
	for _, c := range s.clients {
		if !c.done.Load() {
			return false
		}
	}
	return true
}

// restartServer has the server lose its power for a while.
func (s *webScene) restartServer(at time.Duration) {
	s.world.Run(at)
	s.server.Stop()
	s.world.Run(time.Second)
	s.server.Start()
	s.servers[0] = s.serveWeb(s.server, s)
}

// checkRecovery checks that all goes well once nothing goes wrong any more.
func (s *webScene) checkRecovery() {
	w := s.world
	w.SetFaults(evtest.Faults{})
	w.Run(webLimit)
	s.clean = true
	for _, h := range []int{0, 1} {
		s.servers[h] = s.rebind(h)
	}
	for _, c := range s.clients[:len(s.clients)-1] {
		p := &webPlan{id: len(s.plans), answered: new(atomic.Bool), method: "GET", status: 200, answer: 100, proxied: w.Rand().IntN(2) == 0}
		s.plans = append(s.plans, p)
		c.plans = []*webPlan{p}
		c.done.Store(false)
		c.host.Go(c.run)
	}
	w.Await("requests after all faults", s.ended)
}

// rebind gives a server the address that it could not get for want of descriptors.
func (s *webScene) rebind(i int) *evhttp.Server {
	h, server := []*evtest.Host{s.server, s.front}[i], s.servers[i]
	h.Do(func() {
		for range server.Bounds() {
			return
		}
		if _, err := server.Bind(h.AddrPort(webPort)); err != nil {
			s.errorf("%s: %v", h.Name(), err)
		}
	})
	return server
}

// end ends everything in order.
func (s *webScene) end() {
	for _, c := range s.clients {
		c.close()
	}
	for i, h := range []*evtest.Host{s.server, s.front} {
		ended := false
		h.Do(func() {
			err := s.servers[i].Shutdown(time.Minute, func(error) { ended = true })
			if err != nil {
				s.errorf("%s: shutdown: %v", h.Name(), err)
			}
		})
		s.world.Await("the shutdown", func() bool { return ended })
		h.Do(s.servers[i].Free)
	}
	s.world.Run(time.Minute)
}
