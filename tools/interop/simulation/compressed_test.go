package simulation_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/extra/evdeflate"
	"github.com/go-libevent/libevent/extra/evfilter"
)

// TestCompressed has clients talk to a server that sends back what comes, over streams that are
// compressed in one direction or both. What was written arrives without another word, or after a
// flush where that is the program's business; nothing is lost before an end in order; and a
// stream that was cut off does not look whole.
func TestCompressed(t *testing.T) {
	faults := func(f *evtest.Faults) {
		if f.SmallBuffers > 0 {
			f.Latency, f.Jitter = min(f.Latency, time.Millisecond), min(f.Jitter, time.Millisecond)
		}
	}
	evtest.Simulate(t, evtest.Simulation{Faults: faults, Limit: 100 * time.Hour}, func(w *evtest.World) {
		f := w.Faults()
		s := &zipScene{world: w, rand: w.Rand(), server: w.Host("server"), client: w.Host("client"),
			perfect: f.Reset+f.Refuse+f.Vanish+f.NoDescriptors+f.NoBuffers == 0}
		n := w.Draw("connections", 1, 12)
		w.SetFaults(evtest.Faults{}) // the server listens
		s.server.Do(s.listen)
		w.SetFaults(f)
		for i := range n {
			s.plan(i)
		}
		w.Await("the clients to be done", func() bool { return s.left == 0 })
		w.Await("the server to be idle", func() bool { return s.serving == 0 })
		s.server.Do(s.listener.Free)
	})
}

const (
	zipPort    = 90
	zipClients = 30000
	// zipPatience is what programs wait for something from a peer that is gone, whose
	// network does not say so.
	zipPatience = 2 * time.Hour
	// zipMost is how much the server lets wait for a client.
	zipMost = 20000
)

// A zipScene is all that there is.
type zipScene struct {
	world          *evtest.World
	rand           *rand.Rand
	server, client *evtest.Host
	perfect        bool // nothing but the programs ends a connection
	listener       *listener.Listener
	calls          []*zipCall
	left           int // clients that are not done
	serving        int // streams of the server
}

// A zipCall is a connection.
type zipCall struct {
	scene           *zipScene
	what            string
	number          int
	rand            *rand.Rand
	client, server  *evfilter.CompressConfig // nil where both have a plain stream
	said, got, back *zipText                 // what the client says, the server gets, and comes back
	left            int                      // to be sent
	rude            bool                     // the client cuts the connection off at some time
	b               *bufferevent.Bufferevent // the client's
	began           time.Time
	closed, freed   bool // the client has ended its stream, or freed it
	serverFreed     bool
	sent, come      int64
	echoed, arrived int64 // by the server
}

// A zipText is a text that never ends, much of which comes again and again.
type zipText struct {
	rand *rand.Rand
	text []byte
}

func newZipText(number int) *zipText {
	return &zipText{rand: rand.New(rand.NewPCG(uint64(number), 17))}
}

// next returns the next bytes.
func (t *zipText) next(n int) []byte {
	for len(t.text) < n {
		switch t.rand.IntN(8) {
		case 0:
			for range t.rand.IntN(200) {
				t.text = append(t.text, byte(t.rand.Uint32()))
			}
		case 1:
			t.text = append(t.text, bytes.Repeat([]byte{byte(t.rand.Uint32())}, t.rand.IntN(2000))...)
		default:
			t.text = fmt.Appendf(t.text, "word%d and ", t.rand.IntN(500))
		}
	}
	p := t.text[:n:n]
	t.text = t.text[n:]
	return p
}

func (s *zipScene) check(err error) {
	if err != nil {
		s.world.Failf("%v", err)
	}
}

func (s *zipScene) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(d)))
}

func (s *zipScene) listen() {
	var err error
	s.listener, err = listener.NewBind(s.server.Base(), s.server.AddrPort(zipPort), listener.CloseOnFree, 100, s.accept)
	s.check(err)
	s.listener.SetErrorCallback(func(*listener.Listener, error) {})
}

// plan plans a connection.
func (s *zipScene) plan(i int) {
	c := &zipCall{scene: s, what: fmt.Sprint("connection ", i), number: i, rand: rand.New(rand.NewPCG(s.rand.Uint64(), 3)),
		said: newZipText(i), got: newZipText(i), back: newZipText(i)}
	c.client, c.server = c.config(), c.config()
	c.match()
	c.left = c.rand.IntN(3) * c.rand.IntN(40000)
	c.rude = c.rand.IntN(6) == 0
	s.calls = append(s.calls, c)
	s.left++
	s.world.Note("%s: %d bytes, rude %v, client %+v, server %+v", c.what, c.left, c.rude, describeZip(c.client), describeZip(c.server))
	s.world.At(s.upTo(5*time.Second), func() { s.client.Post(c.connect) })
}

func describeZip(cfg *evfilter.CompressConfig) string {
	text := fmt.Sprint("manual ", cfg.Manual)
	if cfg.In != nil {
		text += fmt.Sprintf(" in %+v", *cfg.In)
	}
	if cfg.Out != nil {
		text += fmt.Sprintf(" out %+v", *cfg.Out)
	}
	return text
}

// config draws what one side sends.
func (c *zipCall) config() *evfilter.CompressConfig {
	cfg := &evfilter.CompressConfig{Manual: c.rand.IntN(3) == 0}
	if c.rand.IntN(5) == 0 {
		return cfg
	}
	cfg.Out = &evdeflate.DeflateConfig{Format: evdeflate.Format(c.rand.IntN(3)), Level: c.rand.IntN(10), WindowBits: 9 + c.rand.IntN(7)}
	if c.rand.IntN(3) == 0 {
		cfg.Out.Context = 1 << cfg.Out.WindowBits
	}
	return cfg
}

// match has each side read what the other one sends.
func (c *zipCall) match() {
	for _, pair := range [][2]*evfilter.CompressConfig{{c.client, c.server}, {c.server, c.client}} {
		if out := pair[1].Out; out != nil {
			pair[0].In = &evdeflate.InflateConfig{Format: out.Format, WindowBits: out.WindowBits, MaxRatio: -1}
		}
	}
}

// over puts compression over a stream, if there is to be any.
func (c *zipCall) over(b *bufferevent.Bufferevent, cfg *evfilter.CompressConfig) *bufferevent.Bufferevent {
	if cfg.In == nil && cfg.Out == nil {
		return b
	}
	b, err := evfilter.NewCompressed(b, cfg, bufferevent.CloseOnFree)
	c.scene.check(err)
	return b
}

// limit bounds what waits to be read, perhaps.
func (c *zipCall) limit(b *bufferevent.Bufferevent) {
	if c.rand.IntN(2) == 0 {
		c.scene.check(b.SetWatermark(event.Read, 0, 1+c.rand.IntN(1+c.rand.IntN(5000))))
	}
}

// flush has what was written go out, where the program has to.
func (c *zipCall) flush(b *bufferevent.Bufferevent, cfg *evfilter.CompressConfig) {
	if cfg.Manual && cfg.Out != nil {
		_, err := b.Flush(event.Write, bufferevent.ModeFlush)
		c.scene.check(err)
	}
}

// connect begins the connection.
func (c *zipCall) connect() {
	s := c.scene
	c.began = s.world.Now()
	b, err := bufferevent.NewSocket(s.client.Base(), -1, bufferevent.CloseOnFree)
	s.check(err)
	c.b = c.over(b, c.client)
	c.b.SetCallbacks(c.read, nil, c.onEvent)
	c.limit(c.b)
	s.check(c.b.SetTimeouts(zipPatience, zipPatience))
	s.check(b.SetLocalAddr(netip.AddrPortFrom(s.client.Addr(), uint16(zipClients+c.number))))
	s.check(c.b.Enable(event.Read))
	if err := c.b.Connect(s.server.AddrPort(zipPort)); err != nil {
		c.end()
		return
	}
	c.write()
}

// write sends the next piece.
func (c *zipCall) write() {
	s := c.scene
	if c.freed {
		return
	}
	if c.rude && c.rand.IntN(5) == 0 {
		c.end()
		return
	}
	for range 1 + c.rand.IntN(3) {
		n := min(c.left, 1+c.rand.IntN(3000))
		_, err := c.b.Write(c.said.next(n))
		s.check(err)
		c.left -= n
		c.sent += int64(n)
	}
	c.flush(c.b, c.client)
	if c.left > 0 {
		s.world.At(time.Duration(c.rand.Int64N(int64(time.Second))), func() { s.client.Post(c.write) })
		return
	}
	c.finish()
}

// compare looks at what has arrived.
func (c *zipCall) compare(want *zipText, p []byte) {
	if !bytes.Equal(p, want.next(len(p))) {
		c.scene.world.Failf("%s: %d bytes have arrived that were not sent", c.what, len(p))
	}
}

// finish ends the client's stream once all has come back.
func (c *zipCall) finish() {
	if c.left == 0 && c.come == c.sent && !c.closed {
		c.closed = true
		c.scene.check(c.b.CloseWrite())
	}
}

func (c *zipCall) read(b *bufferevent.Bufferevent) {
	p, err := io.ReadAll(b.Input())
	c.scene.check(err)
	c.compare(c.back, p)
	if c.come += int64(len(p)); c.come > c.echoed {
		c.scene.world.Failf("%s: %d bytes have come back of %d", c.what, c.come, c.echoed)
	}
	c.finish()
}

func (c *zipCall) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch outcome := what.Outcome(); {
	case what&bufferevent.EventConnected != 0:
		return
	case outcome == bufferevent.InputEnded && (!c.closed || c.come != c.sent):
		if c.scene.perfect {
			c.scene.world.Failf("%s has ended after %d bytes of %d", c.what, c.come, c.sent)
		}
	case outcome != bufferevent.InputEnded:
		c.explain(c.scene.client, b.Err(), c.serverFreed && !c.closed)
	}
	c.end()
}

// end ends the client.
func (c *zipCall) end() {
	c.freed = true
	c.b.Free()
	c.scene.left--
}

// explain looks whether an error is true: one of the system, or an end in the middle of what is
// compressed where the other side has cut the stream off.
func (c *zipCall) explain(h *evtest.Host, err error, cut bool) {
	s := c.scene
	if cut && errors.Is(err, io.ErrUnexpectedEOF) || h.SawError(err, c.began) || !s.perfect && errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	s.world.Failf("%s, at the %s: %v", c.what, h.Name(), err)
}

// accept is the server's.
func (s *zipScene) accept(_ *listener.Listener, fd int, peer netip.AddrPort) {
	c := s.calls[peer.Port()-zipClients]
	b, err := bufferevent.NewSocket(s.server.Base(), fd, bufferevent.CloseOnFree)
	s.check(err)
	b = c.over(b, c.server)
	s.serving++
	b.SetCallbacks(c.serve, c.goOn, c.served)
	s.check(b.SetWatermark(event.Write, zipMost/2, 0))
	c.limit(b)
	s.check(b.SetTimeouts(zipPatience, zipPatience))
	s.check(b.Enable(event.Read))
}

// serve sends back what has come.
func (c *zipCall) serve(b *bufferevent.Bufferevent) {
	s := c.scene
	p, err := io.ReadAll(b.Input())
	s.check(err)
	c.compare(c.got, p)
	c.arrived += int64(len(p))
	c.echoed += int64(len(p))
	if _, err := b.Write(p); err != nil {
		c.endServer(b)
		return
	}
	c.flush(b, c.server)
	if b.Output().Len() > zipMost {
		s.check(b.Disable(event.Read))
	}
}

// goOn is called when there is room again.
func (c *zipCall) goOn(b *bufferevent.Bufferevent) {
	if b.Enabled()&event.Read == 0 {
		c.scene.check(b.Enable(event.Read))
	}
}

// served ends a stream of the server's, in order if the client has.
func (c *zipCall) served(b *bufferevent.Bufferevent, what bufferevent.Events) {
	s := c.scene
	if what.Outcome() != bufferevent.InputEnded {
		c.explain(s.server, b.Err(), c.freed)
		c.endServer(b)
		return
	}
	switch {
	case c.closed && c.arrived != c.sent:
		s.world.Failf("%s: the end has come after %d bytes of %d", c.what, c.arrived, c.sent)
	case !c.closed && c.server.In != nil && c.arrived > 0:
		s.world.Failf("%s was cut off, and looks whole after %d bytes", c.what, c.arrived)
	}
	b.FreeWhenWrittenFunc(zipPatience, func(error) { s.serving-- })
}

func (c *zipCall) endServer(b *bufferevent.Bufferevent) {
	c.serverFreed = true
	c.scene.serving--
	b.Free()
}
