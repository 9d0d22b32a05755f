package simulation_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// TestHTTPS has our server of HTTP over TLS answer visitors, and our client ask origins,
// which both know how a stream has ended: an end in order, with close_notify, says that
// all was said (RFC 9112 section 9.8), so whoever cuts something off must not end so, and
// whoever has said all must.
func TestHTTPS(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Faults: httpsFaults, Limit: 100 * time.Hour}, func(w *evtest.World) {
		f := w.Faults()
		s := &httpsScene{
			world: w, rand: w.Rand(), server: w.Host("server"), client: w.Host("client"),
			clean: f.Reset+f.Refuse+f.Vanish+f.NoDescriptors+f.NoBuffers == 0, waits: f.Again+f.SmallBuffers > 0,
		}
		s.impatient = s.chance(0.3)
		s.tls = basicConfig(s.rand)
		s.tls.NextProtos = nil
		visits, calls := w.Draw("visits", 0, 6), w.Draw("calls", 0, 8)
		w.SetFaults(evtest.Faults{}) // all listen and are there
		s.startServer()
		s.startOrigin()
		s.startClient()
		w.SetFaults(f)
		for i := range visits {
			s.addVisit(i)
		}
		for i := range calls {
			s.addCall(i)
		}
		w.Await("the end of all requests", func() bool { return s.open == 0 })
		s.finish()
	})
}

// httpsFaults keeps networks from needing hours for a request.
func httpsFaults(f *evtest.Faults) {
	httpFaults(f)
	if f.SmallBuffers > 0 {
		f.Latency, f.Jitter = min(f.Latency, 50*time.Microsecond), min(f.Jitter, 25*time.Microsecond)
	}
	if f.Bandwidth > 0 {
		f.Bandwidth = max(f.Bandwidth, 20<<10)
	}
}

// An httpsScene is all that there is.
type httpsScene struct {
	world          *evtest.World
	rand           *rand.Rand
	server, client *evtest.Host
	tls            *tls.Config
	clean          bool // nothing but the programs ends a connection
	waits          bool // what is written may have to wait, so that a server that is freed cannot say that it ends
	impatient      bool // the client gives some calls up
	open           int  // visits and calls that are not over
	site           httpsSite
	origin         httpsOrigin
	caller         httpsCaller
	calls          []*httpsCall
	visits         []*httpsVisit
}

// Ports of the server under test, and of the origin that the client asks.
const (
	httpsPort       = 443
	httpsOriginPort = 444
)

func (s *httpsScene) errorf(format string, args ...any) { s.world.T().Errorf(format, args...) }

func (s *httpsScene) check(err error) {
	if err != nil {
		s.errorf("%v", err)
	}
}

func (s *httpsScene) chance(p float64) bool { return s.rand.Float64() < p }

func (s *httpsScene) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(d)))
}

// accepting makes the stream of a connection that was accepted.
func (s *httpsScene) accepting(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
	cfg := s.tls.Clone()
	cfg.Certificates = []tls.Certificate{*pki().good}
	return evtls.NewSocket(base, fd, evtls.Accepting, &evtls.Config{TLS: cfg, HandshakeTimeout: -1},
		bufferevent.CloseOnFree|bufferevent.DeferCallbacks)
}

// connecting makes a stream that is to be connected, or over one that is.
func (s *httpsScene) connecting(base *event.Base, under *bufferevent.Bufferevent, _ string) (*bufferevent.Bufferevent, error) {
	cfg := s.tls.Clone()
	cfg.RootCAs, cfg.ServerName = pki().trusted.pool, tlsName
	c := &evtls.Config{TLS: cfg, HandshakeTimeout: -1}
	const opts = bufferevent.CloseOnFree | bufferevent.DeferCallbacks
	if under != nil {
		return evtls.NewFilter(under, evtls.Connecting, c, opts)
	}
	return evtls.NewSocket(base, -1, evtls.Connecting, c, opts)
}

// finish ends the programs, which end what is idle in order, and sees that all is over.
func (s *httpsScene) finish() {
	s.client.Do(s.caller.end)
	s.server.Do(s.site.end)
	s.world.Await("the ends of all connections", func() bool { return s.origin.open == 0 })
	s.server.Do(s.origin.listener.Free)
	s.world.Run(httpsForever) // what is left of connections that nobody ends
}

// httpsForever is a timeout that does not count.
const httpsForever = time.Hour

// httpsBody is that of an answer.
func httpsBody(id, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i*31 + i>>8 + id*7)
	}
	return p
}

// httpsAnswers takes apart what has come: the bodies of the answers that are whole, and
// whether there is more, which is a part of one. A body that lasts as long as the stream is
// whole for as much as it is.
func httpsAnswers(data []byte) (bodies [][]byte, more bool, err error) {
	r := bufio.NewReader(bytes.NewReader(data))
	for {
		if _, err := r.Peek(1); err != nil {
			return bodies, false, nil
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return bodies, true, nil
		}
		if resp.StatusCode != http.StatusOK {
			return bodies, true, fmt.Errorf("status %d", resp.StatusCode)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return bodies, true, nil
		}
		bodies = append(bodies, body)
	}
}
