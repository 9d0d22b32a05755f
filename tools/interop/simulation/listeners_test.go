package simulation_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// TestListeners connects clients to a host with a few listeners, on one base or several,
// while descriptors run out, and listeners are disabled, lose their callbacks, are freed and made anew. Who has
// connected is accepted once, and served unless there is a reason; no callback comes when
// none may; the loop does not spin while it cannot accept; and once it can, it does.
func TestListeners(t *testing.T) { simulateListeners(t, false) }

// simulateListeners is the scenario, with listeners that share a port or without.
func simulateListeners(t *testing.T, shared bool) {
	evtest.Simulate(t, evtest.Simulation{Limit: 2 * time.Hour}, func(w *evtest.World) {
		s := &listenScenario{world: w, faults: w.Faults(), rand: w.Rand(), server: w.Host("server"), shared: shared}
		s.clients = append(s.clients, w.Host("client"))
		if w.Draw("clients on the server", 0, 1) == 1 {
			s.clients = append(s.clients, s.server)
		}
		for range w.Draw("bases", 1, 3) {
			s.addBase()
		}
		s.begin()
		s.connections = w.Draw("connections", 1, 40)
		if s.rand.IntN(20) == 0 {
			s.connections = w.Draw("crowd", 1, 250)
		}
		for range s.connections {
			s.planClient()
		}
		s.planAccidents()
		w.Run(time.Duration(w.Draw("seconds", 1, 8)) * time.Second)
		w.SetFaults(evtest.Faults{Latency: s.faults.Latency})
		s.server.SetDescriptors(0)
		s.recovering = true
		s.onEach("the listeners to be there again", (*listenBase).recover)
		w.Await("all clients to be served", func() bool { return s.left == 0 })
		w.Await("all connections to end", func() bool { return s.held == 0 })
		s.end()
	})
}

// A listenScenario is a server with listeners, and its clients.
type listenScenario struct {
	world      *evtest.World
	faults     evtest.Faults // of the time that counts
	rand       *rand.Rand
	server     *evtest.Host
	shared     bool // some listeners have one port
	clients    []*evtest.Host
	port       uint16 // the next that a listener gets
	bases      []*listenBase
	listeners  []*modelListener       // of all bases
	accepted   map[netip.AddrPort]int // peers, and how often
	left       int                    // clients that are not done
	held       int                    // connections that the server has
	short      bool                   // there may be no descriptors
	recovering bool
	freed      int // listeners that were freed, whose clients are refused or reset

	connections int // that are planned
}

// begin makes the listeners.
func (s *listenScenario) begin() {
	s.accepted = make(map[netip.AddrPort]int)
	s.port = listenerPort
	ports := []uint16{unixPort}
	for range 1 + s.rand.IntN(3) {
		ports = append(ports, listenerPort)
	}
	if s.shared {
		for range 2 + s.rand.IntN(2) {
			ports = append(ports, sharedPort)
		}
	}
	for i, port := range ports {
		b := s.bases[i%len(s.bases)]
		b.post(func() { b.addListener(port) })
	}
	s.world.Await("the listeners", func() bool { return len(s.listeners) == len(ports) })
}

// planClient plans a connection.
func (s *listenScenario) planClient() {
	host := s.clients[s.rand.IntN(len(s.clients))]
	at := time.Duration(s.rand.IntN(3)) * time.Duration(s.rand.IntN(1500)) * time.Millisecond
	c := &listenClient{scenario: s, host: host, rand: rand.New(rand.NewPCG(s.rand.Uint64(), 5)), tries: 3}
	s.left++
	s.world.At(at, func() { host.Post(c.connect) })
}

// planAccidents plans what happens to the server.
func (s *listenScenario) planAccidents() {
	moment := func() time.Duration { return time.Duration(s.rand.IntN(5000)) * time.Millisecond }
	for range s.rand.IntN(4) {
		limit, at := len(s.listeners)+s.rand.IntN(8), moment()
		s.world.At(at, func() {
			if !s.recovering {
				s.short = true
				s.server.SetDescriptors(limit)
			}
		})
		s.world.At(at+moment(), func() { s.server.SetDescriptors(0) })
	}
	for range s.rand.IntN(25) {
		b := s.bases[s.rand.IntN(len(s.bases))]
		s.world.At(moment(), func() { b.post(b.operate) })
	}
	if s.rand.IntN(4) == 0 {
		d := moment()
		s.world.At(moment(), func() { s.server.Pause(d) })
	}
}

// operate does something to any of the listeners of a base.
func (b *listenBase) operate() {
	s := b.scenario
	if s.recovering || len(b.listeners) == 0 {
		return
	}
	l := b.listeners[s.rand.IntN(len(b.listeners))]
	if l.freed {
		l.renew()
		return
	}
	operations := []func(){l.enable, l.enable, l.disable, l.setCallback, l.loseCallback, l.setLimit, l.setPause, l.free, l.look}
	operations[s.rand.IntN(len(operations))]()
}

// recover has all listeners of a base accept again.
func (b *listenBase) recover() {
	for _, l := range b.listeners {
		if l.freed {
			l.renew()
		}
		if l.freed {
			b.scenario.world.Failf("a listener cannot be made again")
			continue
		}
		if l.deaf { // the others have to see for themselves that there are descriptors again
			l.setCallback()
		}
		if !l.enabled {
			l.enable()
		}
	}
}

func (s *listenScenario) end() {
	s.onEach("the listeners to end", func(b *listenBase) {
		for _, l := range b.listeners {
			l.free()
		}
	})
	for peer, n := range s.accepted {
		if n > 1 {
			s.world.Failf("the connection of %v was accepted %d times", peer, n)
		}
	}
}

// A listenClient connects, and waits for a byte.
type listenClient struct {
	scenario *listenScenario
	host     *evtest.Host
	rand     *rand.Rand
	b        *bufferevent.Bufferevent
	target   *modelListener
	began    time.Time
	tries    int
	hasty    bool // it closes as soon as it is connected
	joined   bool
	served   bool
	frees    int // of listeners, before it began
}

func (c *listenClient) connect() {
	s := c.scenario
	var err error
	if c.b, err = bufferevent.NewSocket(c.host.Base(), -1, bufferevent.CloseOnFree); err != nil {
		s.world.Failf("new socket: %v", err)
		return
	}
	c.b.SetCallbacks(c.onRead, nil, c.onEvent)
	if err := c.b.Enable(event.Read); err != nil {
		s.world.Failf("enable: %v", err)
	}
	c.target = s.listeners[c.rand.IntN(len(s.listeners))]
	for c.target.port == unixPort && c.host != s.server {
		c.target = s.listeners[c.rand.IntN(len(s.listeners))]
	}
	c.hasty, c.joined, c.served, c.began, c.frees = c.rand.IntN(5) == 0, false, false, time.Now(), s.freed
	if c.target.port == unixPort {
		err = c.b.ConnectUnix(unixListenPath)
	} else {
		err = c.b.Connect(s.server.AddrPort(c.target.port))
	}
	if err != nil {
		c.failed(err)
	}
}

func (c *listenClient) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		c.joined = true
		if c.hasty {
			c.done()
		}
	case bufferevent.InputEnded:
		if !c.served {
			c.scenario.world.Failf("a client was not served, and its connection has ended in order")
		}
		c.done()
	default:
		c.failed(b.Err())
	}
}

func (c *listenClient) onRead(b *bufferevent.Bufferevent) {
	var p [4]byte
	n, _ := b.Read(p[:])
	if n != 1 || p[0] != 'x' || c.served {
		c.scenario.world.Failf("a client has got %q, served before: %v", p[:n], c.served)
	}
	c.served = true
	if !c.joined {
		c.scenario.world.Failf("a client is served before it is connected")
	}
}

// failed is the end of a connection, for which there must be a reason.
func (c *listenClient) failed(err error) {
	s := c.scenario
	s.world.Note("client: %v", err)
	listening := s.freed == c.frees && !c.target.freed && !c.target.wasFreed
	switch {
	case evutil.IsConnectRefused(err):
		if listening && s.faults.Refuse == 0 {
			s.world.Failf("a client was refused by a listener that was never freed")
		}
		if c.joined {
			s.world.Failf("a client that was connected was refused")
		}
	case c.joined && listening && s.faults.Reset == 0 && !c.served:
		s.world.Failf("a client that was connected has failed: %v", err)
	case !c.joined && listening && s.faults.Reset == 0 && s.faults.Vanish == 0 && !s.scarce() && c.host != s.server:
		if time.Since(c.began) < time.Minute { // the backlog may have been full all the time
			s.world.Failf("a client has failed after %v: %v", time.Since(c.began), err)
		}
	}
	c.b.Free()
	if c.served || c.tries == 0 {
		s.left--
		return
	}
	if !s.recovering {
		c.tries--
	}
	timer := c.host.Base().NewTimer(func(*event.Event, event.What) { c.connect() })
	if err := timer.AddTimeout(time.Second); err != nil {
		s.world.Failf("add: %v", err)
	}
}

// scarce reports whether descriptors or memory may be lacking.
func (s *listenScenario) scarce() bool {
	return s.short || s.faults.NoDescriptors > 0 || s.faults.NoBuffers > 0
}

func (c *listenClient) done() {
	c.b.Free()
	c.scenario.left--
}
