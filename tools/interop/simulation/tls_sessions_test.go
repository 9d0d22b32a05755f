package simulation_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestTLSSessions has clients visit several servers, one after the other, with a cache of
// sessions that is the same for all. A model of the cache knows which session a visit has
// to resume, and that it resumes no other one; and the servers are told who calls whom.
func TestTLSSessions(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Faults: slowOnly}, func(w *evtest.World) {
		s := &sessionScene{world: w, rand: w.Rand(), client: w.Host("client")}
		for i := range w.Draw("servers", 1, 4) {
			s.addServer(w.Host(fmt.Sprintf("server %d", i)), i)
		}
		for range w.Draw("clients", 1, 3) {
			s.clients = append(s.clients, newSessionClient(s.rand))
		}
		for range w.Draw("visits", 2, 14) {
			s.visit()
		}
		for _, server := range s.servers {
			server.host.Do(server.listener.Free)
		}
		w.Run(time.Minute)
	})
}

// slowOnly leaves out what ends connections.
func slowOnly(f *evtest.Faults) {
	httpsFaults(f)
	f.Refuse, f.Vanish, f.Reset, f.NoDescriptors, f.NoBuffers = 0, 0, 0, 0, 0
}

type sessionScene struct {
	world   *evtest.World
	rand    *rand.Rand
	client  *evtest.Host
	servers []*sessionServer
	clients []*sessionClient
	present *sessionVisit
}

func (s *sessionScene) errorf(format string, args ...any) { s.world.T().Errorf(format, args...) }

func (s *sessionScene) check(err error) {
	if err != nil {
		s.errorf("%v", err)
	}
}

// A sessionServer has keys of its own, and changes them now and then.
type sessionServer struct {
	scene    *sessionScene
	host     *evtest.Host
	number   int
	listener *listener.Listener
	cfg      *tls.Config
	keys     [][32]byte // the first of which it makes tickets with
	made     byte       // keys
	newest   int        // the number of the first key
}

func (s *sessionScene) addServer(h *evtest.Host, number int) {
	v := &sessionServer{scene: s, host: h, number: number, cfg: basicConfig(s.rand)}
	v.cfg.NextProtos, v.cfg.MinVersion = nil, tls.VersionTLS12 // so that all agree
	v.cfg.Certificates = []tls.Certificate{*pki().good}
	v.cfg.GetConfigForClient = v.greet
	v.changeKey(false)
	s.servers = append(s.servers, v)
	h.Do(func() {
		var err error
		v.listener, err = listener.NewBind(h.Base(), h.AddrPort(httpsPort), listener.CloseOnFree|listener.Reuseable, 4, v.accept)
		s.check(err)
	})
}

// changeKey begins to use a new key, and knows those before or not.
func (v *sessionServer) changeKey(keep bool) {
	v.made++
	key := [32]byte{byte(v.number), v.made}
	if !keep {
		v.keys = nil
	}
	v.keys = append([][32]byte{key}, v.keys...)
	v.newest = int(v.made)
	v.cfg.SetSessionTicketKeys(v.keys)
}

// knows reports whether the server takes tickets of a key.
func (v *sessionServer) knows(number int) bool { return number > v.newest-len(v.keys) }

// greet looks at what a client says first.
func (v *sessionServer) greet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	visit := v.scene.present
	local, remote := hello.Conn.LocalAddr().String(), hello.Conn.RemoteAddr().String()
	peer, err := netip.ParseAddrPort(remote)
	switch {
	case local != v.host.AddrPort(httpsPort).String():
		v.scene.errorf("%s: the server of a handshake has the address %s", v.host.Name(), local)
	case err != nil || peer.Addr() != v.scene.client.Addr():
		v.scene.errorf("%s: the client of a handshake has the address %s", v.host.Name(), remote)
	case hello.ServerName != visit.name:
		v.scene.errorf("%s: a client asks for %q, not %q", v.host.Name(), hello.ServerName, visit.name)
	}
	return v.cfg, nil
}

func (v *sessionServer) accept(_ *listener.Listener, fd int, _ netip.AddrPort) {
	b, err := evtls.NewSocket(v.host.Base(), fd, evtls.Accepting, &evtls.Config{TLS: v.cfg, HandshakeTimeout: -1}, bufferevent.CloseOnFree)
	v.scene.check(err)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		if _, err := b.Input().ReadLine(evbuffer.EOLLF); err == nil {
			v.scene.present.serverState, _ = evtls.ConnectionState(b)
			_, err := fmt.Fprintf(b, "this is %d\n", v.number)
			v.scene.check(err)
		}
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.InputEnded:
			b.FreeWhenWritten(time.Hour)
		case bufferevent.Failed, bufferevent.OutputFailed:
			v.scene.errorf("%s: %v", v.host.Name(), b.Err())
			b.Free()
		}
	})
	v.scene.check(b.Enable(event.Read))
}

// A sessionClient is a configuration with a cache.
type sessionClient struct {
	cfg    *tls.Config
	cached map[string]sessionTicket
}

// A sessionTicket is what the model knows of one in a cache.
type sessionTicket struct {
	server *sessionServer
	key    int
}

func newSessionClient(r *rand.Rand) *sessionClient {
	c := &sessionClient{cfg: basicConfig(r), cached: make(map[string]sessionTicket)}
	c.cfg.NextProtos, c.cfg.MinVersion, c.cfg.RootCAs = nil, tls.VersionTLS12, pki().trusted.pool
	c.cfg.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	switch r.IntN(3) {
	case 0:
		c.cfg.ServerName = tlsName
	case 1:
		c.cfg.InsecureSkipVerify = true // so that no name is needed
	}
	return c
}

// A sessionVisit is a connection.
type sessionVisit struct {
	scene       *sessionScene
	client      *sessionClient
	server      *sessionServer
	name        string // that the client asks for, or ""
	cacheKey    string
	serverState tls.ConnectionState
	over        bool
}

// visit has a client visit a server, and waits until that is over.
func (s *sessionScene) visit() {
	r := s.rand
	v := &sessionVisit{
		scene: s, client: s.clients[r.IntN(len(s.clients))], server: s.servers[r.IntN(len(s.servers))],
	}
	s.present = v
	if r.IntN(5) == 0 {
		v.server.host.Do(func() { v.server.changeKey(r.IntN(2) == 0) })
	}
	host := ""
	if v.name = v.client.cfg.ServerName; v.name == "" && (r.IntN(2) == 0 || !v.client.cfg.InsecureSkipVerify) {
		host = []string{tlsName, "any.wild.test", "other.wild.test"}[r.IntN(3)]
		v.name = host
	}
	if v.cacheKey = v.name; v.cacheKey == "" {
		v.cacheKey = v.server.host.AddrPort(httpsPort).String()
	}
	s.world.Run(time.Duration(r.Int64N(int64(time.Hour))))
	s.client.Do(func() { v.begin(host) })
	s.world.Await("the end of a visit", func() bool { return v.over })
	s.world.Run(time.Minute)
}

func (v *sessionVisit) begin(host string) {
	s := v.scene
	b, err := evtls.NewSocket(s.client.Base(), -1, evtls.Connecting,
		&evtls.Config{TLS: v.client.cfg, HandshakeTimeout: -1}, bufferevent.CloseOnFree)
	s.check(err)
	if host != "" {
		b.NamePeer(host)
	}
	b.SetCallbacks(v.onRead, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch {
		case what&bufferevent.EventConnected != 0:
			_, err := b.WriteString("who are you?\n")
			s.check(err)
		case what.Outcome() != bufferevent.NothingEnded:
			s.errorf("a client, at %s: %v: %v", v.server.host.Name(), what, b.Err())
			v.end(b)
		}
	})
	s.check(errors.Join(b.Enable(event.Read), b.Connect(v.server.host.AddrPort(httpsPort))))
}

// onRead is told who the server is: by then it has sent its tickets, too.
func (v *sessionVisit) onRead(b *bufferevent.Bufferevent) {
	line, err := b.Input().ReadLine(evbuffer.EOLLF)
	if err != nil {
		return
	}
	if want := fmt.Sprintf("this is %d", v.server.number); line != want {
		v.scene.errorf("server %d says %q", v.server.number, line)
	}
	state, _ := evtls.ConnectionState(b)
	v.compare(&state)
	v.client.cached[v.cacheKey] = sessionTicket{v.server, v.server.newest}
	v.end(b)
}

// compare compares which session was resumed with which had to be.
func (v *sessionVisit) compare(state *tls.ConnectionState) {
	ticket, any := v.client.cached[v.cacheKey]
	want := any && ticket.server == v.server && v.server.knows(ticket.key)
	if state.DidResume != want || v.serverState.DidResume != want {
		v.scene.errorf("the session with %s, as %q: resumed %v and %v, want %v", v.server.host.Name(), v.cacheKey,
			state.DidResume, v.serverState.DidResume, want)
	}
	if n := state.PeerCertificates[0].SerialNumber.Int64(); n != pki().good.Leaf.SerialNumber.Int64() {
		v.scene.errorf("%s has the certificate %d", v.server.host.Name(), n)
	}
}

func (v *sessionVisit) end(b *bufferevent.Bufferevent) {
	b.FreeWhenWritten(time.Hour)
	v.over = true
}
