package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/listener"
)

// TestConns has goroutines use connections of loops as net.Conns: over sockets, pairs and
// filters, several at a time, with deadlines, and with loops that end and connections that
// are closed while others wait for them. Whoever waits is told, and what is written as a
// whole arrives as a whole.
func TestConns(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Free: true, Faults: connFaults, Limit: 10 * time.Hour}, func(w *evtest.World) {
		event.SetLogCallback(func(event.LogSeverity, string) {}) // a loop that ends early leaves posts
		w.T().Cleanup(func() { event.SetLogCallback(nil) })
		s := &connScene{world: w, rand: w.Rand(), clean: w.Faults().Reset == 0}
		for i := range s.loops {
			s.loops[i] = &connLoop{scene: s, host: w.Host([]string{"one", "two"}[i]), waiting: make(map[*connEnd]*bufferevent.Bufferevent)}
			s.loops[i].start()
		}
		for i := range w.Draw("connections", 1, 6) {
			s.add(i)
		}
		for i, l := range s.loops {
			if w.Draw(fmt.Sprint("end of loop ", i), 0, 4) == 4 {
				w.At(time.Duration(s.rand.Int64N(int64(3*time.Second))), l.end)
			}
		}
		w.At(2*time.Hour, func() { s.late = true })
		w.Await("the end of all goroutines", s.over)
		s.compare()
		for _, l := range s.loops {
			l.end()
			w.Await("the end of a loop", func() bool { return l.ended })
		}
	})
}

// connFaults leaves out what keeps connections from being made.
func connFaults(f *evtest.Faults) {
	reset := f.Reset
	slowOnly(f)
	f.Reset = reset
}

type connScene struct {
	world *evtest.World
	rand  *rand.Rand
	clean bool // nothing but the programs ends a connection
	loops [2]*connLoop
	ends  []*connEnd
	late  bool // what has not begun will not any more
}

func (s *connScene) errorf(format string, args ...any) { s.world.T().Errorf(format, args...) }

func (s *connScene) check(err error) {
	if err != nil {
		s.errorf("%v", err)
	}
}

// A connLoop is a base whose loop and end the scenario decides on.
type connLoop struct {
	scene *connScene
	host  *evtest.Host
	base  *event.Base
	early bool // it has been told to end
	ended bool

	waiting map[*connEnd]*bufferevent.Bufferevent // for somebody to use them
}

// start begins the loop, and waits for it.
func (l *connLoop) start() {
	l.host.Go(func() {
		base, err := event.NewBase()
		l.scene.check(err)
		l.base = base
		_, err = base.Loop(event.LoopNoExitOnEmpty)
		l.scene.check(err)
		for _, b := range l.waiting { // which are nobody's yet
			b.Free()
		}
		base.Free()
		l.ended = true
	})
	l.scene.world.Await("a loop", func() bool { return l.base != nil })
}

func (l *connLoop) end() {
	if l.early {
		return
	}
	l.early = true
	l.scene.check(l.base.LoopExit(0))
}

// A connEnd is one end of a connection.
type connEnd struct {
	scene   *connScene
	name    string
	loop    *connLoop
	peer    *connEnd
	wait    time.Duration // until there is a net.Conn
	hasty   time.Duration // until it is closed, or 0
	pause   time.Duration // between messages
	writers []connWriter
	limits  bool // reads have deadlines
	room    int  // for reads

	// What few ends have.
	stall    time.Duration // until the first read
	moving   bool          // deadlines for reading move while it is read
	hurried  bool          // writes have deadlines
	filters  int           // below
	pair     bool          // the other end is the other half
	deadline connDeadline

	mu      sync.Mutex
	conn    *bufferevent.Conn // nil before there is one
	closed  bool              // in haste
	writing int               // writers that have not ended
	failed  error             // of a write
	running int               // goroutines
	got     connParser
	end     error // of reading
	wrote   int64 // bytes that Write has taken
	came    int64 // and Read has given
}

// add draws a connection.
func (s *connScene) add(number int) {
	r := s.rand
	ends := [2]*connEnd{}
	one := r.IntN(3) == 0 // loop has both
	for i := range ends {
		e := &connEnd{scene: s, name: fmt.Sprintf("connection %d, end %d", number, i), loop: s.loops[i], room: 1 + r.IntN(5000)}
		if one {
			e.loop = s.loops[0]
		}
		if r.IntN(3) == 0 {
			e.wait = time.Duration(r.Int64N(int64(2 * time.Second)))
		}
		if r.IntN(6) == 0 {
			e.hasty = e.wait + time.Duration(1+r.Int64N(int64(time.Second)))
		}
		e.pause = time.Duration(r.Int64N(int64(20 * time.Millisecond)))
		e.limits = r.IntN(3) == 0
		for w := range r.IntN(4) {
			e.writers = append(e.writers, connWriter{number: w, count: r.IntN(12), most: 1 << (1 + r.IntN(s.bits())), rand: rand.New(rand.NewPCG(r.Uint64(), 1))})
		}
		e.writing = len(e.writers)
		e.drawRarities(r)
		ends[i] = e
	}
	ends[0].peer, ends[1].peer = ends[1], ends[0]
	s.ends = append(s.ends, ends[:]...)
	filters := r.IntN(3)
	for _, e := range ends {
		e.filters, e.pair = filters, one
	}
	s.world.Note("connection %d: one loop %v, %d filters", number, one, filters)
	s.world.At(time.Duration(r.Int64N(int64(time.Second))), func() {
		if one {
			ends[0].loop.post(func() { s.pair(ends, filters) })
			return
		}
		s.connect(ends, filters, uint16(1000+number))
	})
}

// bits bounds the sizes of messages: what buffers of a few bytes take from a Conn that is
// closed has to go through them in the time that Close has.
func (s *connScene) bits() int {
	if s.world.Faults().SmallBuffers > 0 {
		return 11
	}
	return 16
}

// drawRarities draws what few ends do.
func (e *connEnd) drawRarities(r *rand.Rand) {
	e.moving = !e.limits && r.IntN(4) == 0
	e.hurried = len(e.writers) == 1 && r.IntN(2) == 0
	if r.IntN(5) == 0 {
		e.stall = time.Duration(r.Int64N(int64(10 * time.Second)))
	}
	if r.IntN(5) == 0 && e.scene.world.Faults().SmallBuffers == 0 {
		for i := range e.writers {
			e.writers[i].count, e.writers[i].most = 40, 1<<16
		}
	}
}

func (l *connLoop) post(fn func()) {
	if l.ended || l.early {
		return
	}
	l.scene.check(l.base.Post(fn))
}

// pair connects two ends of a loop.
func (s *connScene) pair(ends [2]*connEnd, filters int) {
	a, b, err := bufferevent.NewPair(ends[0].loop.base, bufferevent.CloseOnFree)
	s.check(err)
	for i, half := range []*bufferevent.Bufferevent{a, b} {
		ends[i].over(half, filters)
	}
}

// connect connects two ends by TCP.
func (s *connScene) connect(ends [2]*connEnd, filters int, port uint16) {
	client, server := ends[0], ends[1]
	to := server.loop.host.AddrPort(port)
	server.loop.post(func() {
		l, err := listener.NewBind(server.loop.base, to, listener.CloseOnFree, 1, func(l *listener.Listener, fd int, _ netip.AddrPort) {
			b, err := bufferevent.NewSocket(server.loop.base, fd, bufferevent.CloseOnFree)
			s.check(err)
			server.over(b, filters)
			l.Free()
		})
		s.check(err)
		server.loop.base.AfterFree(l.Free)
		s.world.At(0, func() { client.loop.post(func() { client.connect(to, filters) }) })
	})
}

// connect connects an end, unless nobody listens any more.
func (e *connEnd) connect(to netip.AddrPort, filters int) {
	if e.peer.loop.early {
		return
	}
	b, err := bufferevent.NewSocket(e.loop.base, -1, bufferevent.CloseOnFree)
	e.scene.check(err)
	e.scene.check(b.Connect(to))
	e.over(b, filters)
}

// over puts filters over a bufferevent, and has goroutines use it, at once or later.
func (e *connEnd) over(b *bufferevent.Bufferevent, filters int) {
	var err error
	for range filters {
		b, err = scrambled(b, bufferevent.DeferCallbacks)
		e.scene.check(err)
	}
	if e.wait == 0 {
		e.begin(b)
		return
	}
	e.scene.check(b.SetWatermark(event.Read, 0, 64<<10))
	e.scene.check(b.Enable(event.Read))
	e.loop.waiting[e] = b
	httpAfter(e.loop.base, e.wait, func() {
		delete(e.loop.waiting, e)
		e.begin(b)
	})
}

// begin starts the goroutines.
func (e *connEnd) begin(b *bufferevent.Bufferevent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conn = bufferevent.NewConn(b)
	for i := range e.writers {
		e.run(func() { e.write(&e.writers[i]) })
	}
	if len(e.writers) == 0 {
		e.run(e.endWriting)
	}
	e.run(e.read)
	if e.moving {
		e.run(e.moveDeadlines)
	}
	if e.hasty > 0 {
		e.run(e.close)
	}
}

// run runs a goroutine, which is counted.
func (e *connEnd) run(fn func()) {
	e.running++
	go func() {
		fn()
		e.mu.Lock()
		e.running--
		e.mu.Unlock()
	}()
}

// over reports whether all goroutines have ended: those that there are at all, as an end
// has none whose loop ends before it begins, or whose peer does or is closed.
func (s *connScene) over() bool {
	for _, e := range s.ends {
		e.mu.Lock()
		begun, running := e.conn != nil, e.running > 0
		e.mu.Unlock()
		if running || !begun && !e.loop.early && !e.peer.loop.early && e.peer.hasty == 0 {
			return false
		}
	}
	return s.late
}
