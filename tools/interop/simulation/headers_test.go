package simulation_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/extra/evproxy"
)

// TestHeaders has a server behind a load balancer, whose connections begin with headers
// of the PROXY protocol: right ones, wrong ones, halves of them, or none; at once or bit by
// bit; and others that connect to it directly. Each connection is handed on once, with the
// address that its header says, and all that follows; or ends with the reason that there is,
// in time.
func TestHeaders(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Limit: 10 * time.Hour}, func(w *evtest.World) {
		f := w.Faults()
		s := &headerScene{
			world: w, rand: w.Rand(), server: w.Host("server"), balancer: w.Host("balancer"), stranger: w.Host("stranger"),
			perfect: f.Reset+f.Refuse+f.Vanish+f.NoDescriptors+f.NoBuffers == 0,
		}
		s.timers = s.server.Timers("headers")
		n := w.Draw("connections", 1, 30)
		s.configure()
		w.SetFaults(evtest.Faults{}) // the server listens
		s.server.Do(s.start)
		w.SetFaults(f)
		for i := range n {
			s.plan(i)
		}
		for range s.rand.IntN(3) {
			w.At(s.upTo(20*time.Second), func() { s.server.Post(s.renew) })
		}
		w.Await("the clients to be done", func() bool { return s.left == 0 })
		w.Await("the server to be idle", func() bool { return s.receiver.Waiting() == 0 && s.serving == 0 })
		s.server.Do(s.end)
		if s.perfect && s.received != n {
			w.Failf("%d of %d connections were received", s.received, n)
		}
	})
}

const (
	headerPort = 80
	// headerClients is the port of the first client, by which the server knows which
	// one it has.
	headerClients = 20000
	// headerPatience bounds what the programs wait for when the network has forgotten
	// a connection.
	headerPatience = 10 * time.Minute
)

// A headerScene is all that there is.
type headerScene struct {
	world                      *evtest.World
	rand                       *rand.Rand
	server, balancer, stranger *evtest.Host
	perfect                    bool // nothing but the programs ends a connection
	cfg                        evproxy.Config
	receiver                   *evproxy.Receiver
	listener                   *listener.Listener
	timers                     *evtest.Timers
	calls                      []*headerCall
	left                       int // clients that are not done
	received                   int // connections that the server's function was called for
	serving                    int // streams that were handed on, and have not ended
	waiting                    int // connections of which the server does not know what they bring
}

func (s *headerScene) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(d)))
}

// configure draws how the receiver is to be.
func (s *headerScene) configure() {
	s.cfg = evproxy.Config{
		Trust:    evproxy.TrustPrefixes(netip.PrefixFrom(s.balancer.Addr(), 32)),
		Direct:   s.rand.IntN(2) == 0,
		Versions: []evproxy.Versions{0, 0, evproxy.Version1, evproxy.Version2}[s.rand.IntN(4)],
		MaxSize:  []int{0, 107, 300}[s.rand.IntN(3)],
	}
	if s.rand.IntN(2) == 0 {
		s.cfg.Timeout = time.Second + s.upTo(10*time.Second)
	}
}

func (s *headerScene) timeout() time.Duration {
	if s.cfg.Timeout == 0 {
		return evproxy.DefaultTimeout
	}
	return s.cfg.Timeout
}

func (s *headerScene) check(err error) {
	if err != nil {
		s.world.Failf("%v", err)
	}
}

// start begins to listen.
func (s *headerScene) start() {
	s.newReceiver()
	var err error
	s.listener, err = listener.NewBind(s.server.Base(), s.server.AddrPort(headerPort), listener.CloseOnFree, 100, s.accept)
	s.check(err)
	s.listener.SetErrorCallback(func(*listener.Listener, error) {})
}

func (s *headerScene) newReceiver() {
	var err error
	s.receiver, err = evproxy.NewReceiver(s.server.Base(), &s.cfg)
	s.check(err)
}

// renew takes another receiver, and frees the one before, with what waits for its header.
func (s *headerScene) renew() {
	old := s.receiver
	s.newReceiver()
	old.Free()
	if old.Waiting() != 0 || s.waiting != 0 {
		s.world.Failf("%d connections wait in a receiver that was freed, we know of %d", old.Waiting(), s.waiting)
	}
}

func (s *headerScene) end() {
	s.receiver.Free()
	s.listener.Free()
}

// accept is the listener's callback.
func (s *headerScene) accept(_ *listener.Listener, fd int, peer netip.AddrPort) {
	c := s.calls[peer.Port()-headerClients]
	c.accepted, c.receiver = s.world.Now(), s.receiver
	s.waiting++
	if c.trusted() {
		c.timer = s.timers.Start(c.what, s.timeout())
	}
	err := s.receiver.Accept(fd, peer, c.receive)
	if err == nil {
		return
	}
	c.settle()
	if !s.server.SawError(err, c.accepted) {
		s.world.Failf("accept: %v", err)
	}
}
