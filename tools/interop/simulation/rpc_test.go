package simulation_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
)

// TestRPC has a pool call a server over networks of all kinds, with hooks on both sides that
// pause and terminate, timeouts, and calls, connections, servers and pools that are given up
// on the way. Each call ends once, with its own reply or for a true reason, and is handled at
// most once.
func TestRPC(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Faults: httpFaults, Limit: 100 * time.Hour}, func(w *evtest.World) {
		m := newRPCModel(w)
		server := &rpcServer{model: m, host: w.Host("server")}
		client := &rpcClient{model: m, host: w.Host("client"), server: server.host}
		lanes, calls, conns := w.Draw("lanes", 1, 12), w.Draw("calls", 1, 40), w.Draw("conns", 1, 6)
		server.host.Do(server.start)
		w.Await("the server to listen", func() bool { return server.listening() })
		client.host.Do(func() { client.start(conns) })
		m.accidents(server, client)
		w.AtMost("calls that wait", m.maxWaiting+lanes, func() int {
			_, waiting := client.pool.Pending()
			return waiting
		})
		client.host.Do(func() {
			each := (calls + lanes - 1) / lanes
			m.left = lanes * each
			for range lanes {
				(&rpcLane{client: client, left: each}).next()
			}
		})
		w.Await("all calls to be over", func() bool { return m.left == 0 })
		w.Run(httpLeftovers) // timers of pauses, and accidents
		client.host.Do(client.free)
		if !m.harsh {
			w.Await("the server to notice", func() bool { return server.rpc.Pending() == 0 })
		}
		server.host.Do(server.free)
		if n := server.rpc.Pending(); n > 0 {
			w.Failf("%d calls are under way on a server that was freed", n)
		}
		for _, h := range []*evtest.Host{server.host, client.host} {
			w.Await("all descriptors to be closed", func() bool { return len(h.Descriptors()) <= 1 })
		}
	})
}

// accidents has something happen to hosts and what is on them, now and then.
func (m *rpcModel) accidents(s *rpcServer, c *rpcClient) {
	if !m.chance(0.4) {
		return
	}
	for i := range m.w.Draw("accidents", 0, 4) {
		at, d := m.upTo(10*time.Second), m.upTo(20*time.Second)
		switch kind := m.w.Draw(fmt.Sprint("accident ", i), 0, 6); kind {
		case 0:
			m.w.At(at, func() { c.host.Post(c.meddle) })
		case 1:
			m.w.At(at, func() { s.host.Post(func() { m.gone = true; s.again(false) }) })
		case 2:
			m.harsh = true
			m.w.At(at, func() { s.host.Post(func() { m.gone = true; s.again(true) }) })
		case 3:
			m.harsh = true
			m.w.At(at, func() { m.w.Cut(s.host, c.host) })
			m.w.At(at+d, func() { m.w.Mend(s.host, c.host) })
		case 4:
			m.harsh = true
			m.w.At(at, func() { s.host.Pause(d / 4) })
		case 5:
			m.w.At(at, func() { c.host.Pause(d / 4) })
		default:
			m.w.At(at, func() { c.host.Post(c.addConn) })
		}
	}
}
