package load

import (
	"fmt"
	"net"
	"net/rpc"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// speaksNetRPC reports whether a server or client is the one of net/rpc, which has a protocol
// of its own: at the other end is net/rpc, too, so that the rate says little.
func speaksNetRPC(command []string) bool { return slices.Contains(command, "rpc-net") }

// netRPC measures a server of net/rpc, each of whose connections has one call under way.
func netRPC(command []string, lines, conns int, d time.Duration) ([]measure.Figure, error) {
	runtime.GOMAXPROCS(1)
	return with(command, func(s *server) ([]measure.Figure, error) {
		c := &netCallers{request: greeting.NewNet(lines)}
		defer c.close()
		for range conns {
			client, err := rpc.Dial("tcp", s.addr.String())
			if err != nil {
				return nil, err
			}
			c.clients = append(c.clients, client)
		}
		if _, err := c.run(warmup); err != nil {
			return nil, err
		}
		before, err := s.allocations()
		if err != nil {
			return nil, err
		}
		m, err := newMeter(s)
		if err != nil {
			return nil, err
		}
		latencies, err := c.run(d)
		if err != nil {
			return nil, err
		}
		used, err := m.stop()
		if err != nil {
			return nil, err
		}
		after, err := s.allocations()
		if err != nil {
			return nil, err
		}
		return httpFigures(latencies, used, float64(after-before)/float64(len(latencies))), nil
	})
}

// netCallers call a server.
type netCallers struct {
	request *greeting.Net
	clients []*rpc.Client
}

func (c *netCallers) close() {
	for _, client := range c.clients {
		_ = client.Close() // nothing is under way
	}
}

// run calls for a while, and returns how long each call has taken.
func (c *netCallers) run(d time.Duration) ([]time.Duration, error) {
	var all []time.Duration
	var failed error
	var mu sync.Mutex
	var done sync.WaitGroup
	end := time.Now().Add(d)
	for _, client := range c.clients {
		done.Go(func() {
			latencies, err := c.call(client, end)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, latencies...)
			if err != nil {
				failed = err
			}
		})
	}
	done.Wait()
	return all, failed
}

func (c *netCallers) call(client *rpc.Client, end time.Time) (latencies []time.Duration, err error) {
	for began := time.Now(); began.Before(end); {
		var reply greeting.Net
		if err := client.Call(greeting.NetName, c.request, &reply); err != nil {
			return nil, err
		}
		if len(reply.Lines) != len(c.request.Lines) || reply.Text != c.request.Text {
			return nil, fmt.Errorf("another reply: %+v", reply)
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(began))
		began = now
	}
	return latencies, nil
}

// netRPCClient measures a client of net/rpc against a server of it.
func netRPCClient(command []string, lines, conns int, d time.Duration) ([]measure.Figure, error) {
	runtime.GOMAXPROCS(1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	origin := new(countingGreeter)
	s := rpc.NewServer()
	if err := s.RegisterName("Greeter", origin); err != nil {
		return nil, err
	}
	go s.Accept(l)
	args := append(command[:len(command):len(command)], l.Addr().String(), strconv.Itoa(lines), strconv.Itoa(conns))
	return with(args, func(client *server) ([]measure.Figure, error) {
		time.Sleep(warmup)
		before, err := client.allocations()
		if err != nil {
			return nil, err
		}
		m, err := newMeter(client)
		if err != nil {
			return nil, err
		}
		held := origin.calls.Load()
		time.Sleep(d)
		n := float64(origin.calls.Load() - held)
		used, err := m.stop()
		if err != nil {
			return nil, err
		}
		after, err := client.allocations()
		if err != nil {
			return nil, err
		}
		return append([]measure.Figure{
			{Name: "rate", Value: n / used.elapsed.Seconds() / 1000},
			{Name: "client CPU", Value: microseconds(used.server) / n},
			{Name: "allocations", Value: float64(after-before) / n},
		}, used.figures()...), nil
	})
}

// A countingGreeter is a Greeter that counts its calls.
type countingGreeter struct{ calls atomic.Int64 }

// Greet answers with the request.
func (g *countingGreeter) Greet(request *greeting.Net, reply *greeting.Net) error {
	g.calls.Add(1)
	return greeting.Greeter{}.Greet(request, reply)
}
