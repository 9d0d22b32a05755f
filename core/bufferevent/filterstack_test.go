package bufferevent_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

var (
	stackRounds = flag.Int("stack.rounds", 500, "random stacks of filters")
	stackSeed   = flag.Uint64("stack.seed", 1, "seed of the first stack")
)

// A codec makes the filters of one level: what out of one end has made, in of the
// other takes apart.
type codec struct {
	name string
	make func() (in, out bufferevent.Filter)
}

// codecs have all ways to keep something: in the source for want of more, or of
// room, with and without saying so, or in memory of their own.
var codecs = []codec{
	{"pass", func() (in, out bufferevent.Filter) { return nil, nil }},
	{"xor", func() (in, out bufferevent.Filter) { return xor, xor }},
	{"blocks", func() (in, out bufferevent.Filter) { return wholesale, wholesale }},
	{"silent blocks", func() (in, out bufferevent.Filter) { return silently(wholesale), silently(wholesale) }},
	{"hoard", func() (in, out bufferevent.Filter) { return hoard(), hoard() }},
	{"triple", func() (in, out bufferevent.Filter) { return third, triple }},
	{"records", func() (in, out bufferevent.Filter) { return unpack(true), pack(true) }},
	{"records beyond the limit", func() (in, out bufferevent.Filter) { return unpack(false), pack(false) }},
}

// silently returns a filter that does not say that it needs more.
func silently(fn bufferevent.Filter) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		if err := fn(src, dst, limit, mode); err != bufferevent.ErrNeedMore {
			return err
		}
		return nil
	}
}

// pack makes records of up to 20 bytes, with their length before them; strictly
// only if there is room for a whole one.
func pack(strictly bool) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		n := min(src.Len(), 20)
		switch {
		case n == 0:
			return bufferevent.ErrNeedMore
		case strictly && limit >= 0 && limit < n+1:
			return nil
		}
		if err := dst.Add([]byte{byte(n)}); err != nil {
			return err
		}
		_, err := src.RemoveBuffer(dst, n)
		return err
	}
}

// unpack takes records apart, each as a whole.
func unpack(strictly bool) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		var head [1]byte
		if n, err := src.CopyOut(head[:]); err != nil || n == 0 {
			return bufferevent.ErrNeedMore
		}
		n := int(head[0])
		switch {
		case src.Len() < 1+n:
			return bufferevent.ErrNeedMore
		case strictly && limit >= 0 && limit < n:
			return nil
		}
		if err := src.Drain(1); err != nil {
			return err
		}
		_, err := src.RemoveBuffer(dst, n)
		return err
	}
}

// marks are the watermarks of a stack: of all that is below another one, and of
// what is on top.
type marks struct{ readLow, readHigh, writeLow, writeHigh, topLow, topHigh int }

// A stackCase is one combination of everything.
type stackCase struct {
	codecs  []codec
	sockets bool
	opts    bufferevent.Options
	marks   marks
	chunk   int                   // written at a time
	mode    bufferevent.FlushMode // of each flush by the writers; ModeFinished only at the end
	flushes bool
	late    bool // reading is enabled only when everything was written
	sip     int  // taken from the input at a time, by the loop, or 0: all, by the callback
	long    bool // there is more than a filter lets wait below by default
}

func (c stackCase) String() string {
	var names []string
	for _, codec := range c.codecs {
		names = append(names, codec.name)
	}
	return fmt.Sprintf("%s sockets=%v opts=%d %+v chunk=%d flush=%v,%d late=%v sip=%d long=%v",
		strings.Join(names, " under "), c.sockets, c.opts, c.marks, c.chunk, c.flushes, c.mode, c.late, c.sip, c.long)
}

func chooseStack(r *rand.Rand) stackCase {
	pick := func(numbers ...int) int { return numbers[r.IntN(len(numbers))] }
	c := stackCase{
		sockets: r.IntN(2) == 0, opts: bufferevent.Options(r.IntN(2)) * bufferevent.DeferCallbacks,
		chunk: pick(1, 7, 100), flushes: r.IntN(2) == 0, late: r.IntN(2) == 0, sip: pick(0, 1, 9),
		mode:  bufferevent.FlushMode(r.IntN(3)),
		marks: marks{readHigh: pick(0, 1, 5, 30), writeHigh: pick(0, 1, 5, 30), topHigh: pick(0, 0, 1, 5, 30)},
	}
	if c.marks.writeHigh > 0 {
		c.marks.writeLow = r.IntN(c.marks.writeHigh)
	}
	if c.marks.topHigh > 0 && c.sip == 0 {
		c.marks.topLow = r.IntN(c.marks.topHigh)
	}
	if r.IntN(20) == 0 {
		c.long, c.chunk, c.sip, c.marks = true, pick(20_000, 1<<20), pick(0, 50_000), marks{}
	}
	for range 1 + r.IntN(3) {
		c.codecs = append(c.codecs, codecs[r.IntN(len(codecs))])
	}
	return c
}

// A tower is one end of a connection: a stack of filters and its user.
type tower struct {
	t      *testing.T
	c      stackCase
	levels []*bufferevent.Bufferevent
	unsent []byte
	got    []byte
	closed bool
	ends   int
}

func (w *tower) top() *bufferevent.Bufferevent { return w.levels[len(w.levels)-1] }

func newTower(t *testing.T, c stackCase, bottom *bufferevent.Bufferevent, message []byte) *tower {
	w := &tower{t: t, c: c, levels: []*bufferevent.Bufferevent{bottom}, unsent: message}
	for _, level := range c.codecs {
		in, out := level.make()
		w.levels = append(w.levels, newFilter(t, w.top(), in, out, c.opts|bufferevent.CloseOnFree))
	}
	for _, b := range w.levels[:len(w.levels)-1] {
		ok(t, b.SetWatermark(event.Read, c.marks.readLow, c.marks.readHigh))
		ok(t, b.SetWatermark(event.Write, c.marks.writeLow, c.marks.writeHigh))
	}
	ok(t, w.top().SetWatermark(event.Read, c.marks.topLow, c.marks.topHigh))
	w.top().SetCallbacks(w.onRead, nil, w.onEvent)
	if !c.late {
		ok(t, w.top().Enable(event.Read))
	}
	return w
}

func (w *tower) onRead(b *bufferevent.Bufferevent) {
	if w.c.sip == 0 {
		w.got = append(w.got, take(w.t, b)...)
	}
}

func (w *tower) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what != bufferevent.EventReading|bufferevent.EventEOF {
		w.t.Fatalf("%v: %v", what, b.Err())
	}
	w.got = append(w.got, take(w.t, b)...)
	w.ends++
}

// write writes what comes next, and at last the end.
func (w *tower) write() {
	n := min(w.c.chunk, len(w.unsent))
	_, err := w.top().Write(w.unsent[:n])
	ok(w.t, err)
	w.unsent = w.unsent[n:]
	if w.c.flushes && w.c.mode != bufferevent.ModeFinished {
		_, err := w.top().Flush(event.Write, w.c.mode)
		ok(w.t, err)
	}
	if len(w.unsent) > 0 {
		return
	}
	w.closed = true
	if w.c.flushes && w.c.mode == bufferevent.ModeFinished {
		_, err := w.top().Flush(event.Write, w.c.mode)
		ok(w.t, err)
	}
	ok(w.t, w.top().CloseWrite())
}

// read does what the user does between the callbacks.
func (w *tower) read() {
	if w.c.late && w.top().Enabled()&event.Read == 0 {
		ok(w.t, w.top().Enable(event.Read))
	}
	if n := min(w.c.sip, w.top().Input().Len()); n > 0 {
		p := make([]byte, n)
		_, err := w.top().Input().Remove(p)
		ok(w.t, err)
		w.got = append(w.got, p...)
	}
}

func (w *tower) String() string {
	var s strings.Builder
	for _, b := range w.levels {
		fmt.Fprintf(&s, " [%v in %d out %d]", b, b.Input().Len(), b.Output().Len())
	}
	return fmt.Sprintf("%d unsent, got %d,%s", len(w.unsent), len(w.got), s.String())
}

func runStack(t *testing.T, c stackCase) {
	base := newBase(t)
	bottoms := [2]*bufferevent.Bufferevent{}
	if bottoms[0], bottoms[1] = halves(t, base, 0); c.sockets {
		near, peer := newSocket(t, base, 0)
		peer.closed = true
		bottoms = [2]*bufferevent.Bufferevent{near, overFD(t, base, peer.fd, 0)}
	}
	message := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 5))
	if c.long {
		message = bytes.Repeat(message, 2*bufferevent.DefaultFilterBacklog/len(message))
	}
	a := newTower(t, c, bottoms[0], message)
	b := newTower(t, c, bottoms[1], bytes.ToUpper(message))
	before := ""
	for turns := 0; a.ends == 0 || b.ends == 0; turns++ {
		if turns%500 == 499 {
			now := fmt.Sprint(a, b)
			if now == before {
				t.Fatalf("stuck: %v\n%v\n%v", c, a, b)
			}
			before = now
		}
		for _, w := range [...]*tower{a, b} {
			if !w.closed {
				w.write()
			} else if !c.late || a.closed && b.closed {
				w.read()
			}
		}
		evtest.Turn(t, base)
	}
	settle(t, base)
	want(t, c.String()+": ends", fmt.Sprint(a.ends, b.ends), "1 1")
	want(t, "what came", string(a.got), strings.ToUpper(string(message)))
	want(t, "what came", string(b.got), string(message))
	want(t, "callbacks that are due", base.NumEvents(event.CountActive), 0)
}

// Whatever filters keep, and wherever it waits for room: everything arrives, and
// then the end, once.
func TestStacksOfFiltersNeverStop(t *testing.T) {
	rounds := *stackRounds
	if testing.Short() {
		rounds = min(rounds, 100)
	}
	for i := range rounds {
		c := chooseStack(rand.New(rand.NewPCG(*stackSeed+uint64(i), 3)))
		if !t.Run(fmt.Sprint(i), func(t *testing.T) { runStack(t, c) }) {
			return
		}
	}
}
