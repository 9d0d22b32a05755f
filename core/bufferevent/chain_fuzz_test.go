package bufferevent_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// FuzzChains sends bytes both ways through two stacks of filters that undo each
// other's work, over a pair or sockets, while watermarks, enabled directions,
// flushes and the loop come as the input says. All bytes must arrive, in order,
// and then the end.
func FuzzChains(f *testing.F) {
	for seed := range 50 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		program := make([]byte, 20+r.IntN(300))
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 2000 {
			return
		}
		c := newChain(t, program)
		for len(c.program) > 0 {
			c.step()
		}
		c.finish()
	})
}

// A chain is what connects two ends, and a model of it.
type chain struct {
	t       *testing.T
	program []byte
	base    *event.Base
	ends    [2]end
}

// An end is a stack of bufferevents, and what is to come out of it.
type end struct {
	stack   []*bufferevent.Bufferevent // from the bottom to the top
	written []byte                     // all bytes
	read    int                        // how many of the other end's were taken
	events  []bufferevent.Events
}

func (e *end) top() *bufferevent.Bufferevent { return e.stack[len(e.stack)-1] }

// next returns a number below n that the program says.
func (c *chain) next(n int) int {
	if len(c.program) == 0 {
		return 0
	}
	b := int(c.program[0])
	c.program = c.program[1:]
	return b % n
}

func newChain(t *testing.T, program []byte) *chain {
	c := &chain{t: t, program: program, base: newBase(t)}
	near, far := c.bottom()
	c.ends[0].stack = []*bufferevent.Bufferevent{near}
	c.ends[1].stack = []*bufferevent.Bufferevent{far}
	for range c.next(4) {
		c.addLevel(c.next(7))
	}
	for i := range c.ends {
		e := &c.ends[i]
		e.top().SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			if what&bufferevent.EventError != 0 {
				t.Fatalf("%v: %v", what, b.Err())
			}
			e.events = append(e.events, what)
		})
	}
	return c
}

func (c *chain) bottom() (near, far *bufferevent.Bufferevent) {
	if c.next(4) > 0 {
		return halves(c.t, c.base, 0)
	}
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(c.t, err)
	ok(c.t, evutil.SetNonblock(pair[0]))
	ok(c.t, evutil.SetNonblock(pair[1]))
	return overFD(c.t, c.base, pair[0], 0), overFD(c.t, c.base, pair[1], 0)
}

// addLevel adds something at both ends that the other one undoes.
func (c *chain) addLevel(kind int) {
	opts := bufferevent.Options(c.next(2))*bufferevent.DeferCallbacks | bufferevent.CloseOnFree
	for i := range c.ends {
		e := &c.ends[i]
		var in, out bufferevent.Filter
		switch kind {
		case 1:
			in, out = xor, xor
		case 2:
			in, out = nil, blocks
		case 3:
			in, out = third, triple
		case 4:
			in, out = byByte, byByte
		case 5:
			in, out = hoard(), hoard()
		case 6:
			e.stack = append(e.stack, frame(c.t, e.top(), opts))
			continue
		}
		e.stack = append(e.stack, newFilter(c.t, e.top(), in, out, opts))
	}
}

// third takes what triple has made.
func third(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	return convert(src, dst, 3*within(src.Len()/3, limit), 3, 1, 0)
}

// hoard returns a filter that takes all, and gives it only when it has much or is
// flushed; and never more than there is room for.
func hoard() bufferevent.Filter {
	var kept evbuffer.Buffer
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		if err := kept.AddBuffer(src); err != nil {
			return err
		}
		n := kept.Len()
		if n == 0 || n < 20 && mode == bufferevent.ModeNormal {
			return bufferevent.ErrNeedMore
		}
		_, err := kept.RemoveBuffer(dst, within(n, limit))
		return err
	}
}

// step does one thing.
func (c *chain) step() {
	e, other := &c.ends[0], &c.ends[1]
	if c.next(2) == 1 {
		e, other = other, e
	}
	level := c.next(len(e.stack))
	b := e.stack[level]
	switch c.next(9) {
	case 0, 1:
		c.write(e)
	case 2, 3:
		c.drain(e, other, 1+c.next(100))
	case 4:
		ok(c.t, b.SetWatermark(c.what(), c.next(5), c.mark(level == len(e.stack)-1)))
	case 5:
		ok(c.t, b.Enable(c.what()))
	case 6:
		ok(c.t, b.Disable(c.what()))
	case 7:
		_, err := b.Flush(c.what(), bufferevent.FlushMode(c.next(2)))
		ok(c.t, err)
	case 8:
		evtest.Turn(c.t, c.base)
	}
}

func (c *chain) what() event.What {
	return []event.What{event.Read, event.Write, both}[c.next(3)]
}

// mark returns a high watermark. What is below a filter must have room for as
// much as that needs to do anything.
func (c *chain) mark(top bool) int {
	switch n := c.next(64); {
	case n < 16:
		return 0
	case top:
		return n
	default:
		return 16 + n
	}
}

func (c *chain) write(e *end) {
	p := make([]byte, 1+c.next(256))
	for i := range p {
		p[i] = byte(len(e.written) + i*i)
	}
	_, err := e.top().Write(p)
	ok(c.t, err)
	e.written = append(e.written, p...)
}

// drain takes bytes at e and compares them with what the other end has written.
func (c *chain) drain(e, other *end, n int) {
	p := make([]byte, min(n, e.top().Input().Len()))
	n, err := e.top().Input().Remove(p)
	ok(c.t, err)
	if have := other.written[e.read:]; n > len(have) || !bytes.Equal(p[:n], have[:n]) {
		c.t.Fatalf("after %d bytes: got %q, want %.100q", e.read, p[:n], have)
	}
	e.read += n
}

// finish lets everything flow until the end.
func (c *chain) finish() {
	for i := range c.ends {
		for _, b := range c.ends[i].stack {
			ok(c.t, b.Enable(both))
			ok(c.t, b.SetWatermark(both, 0, 0))
		}
		ok(c.t, c.ends[i].top().CloseWrite())
	}
	for turns := 0; !c.ended(0) || !c.ended(1); turns++ {
		if turns == 1000 {
			c.t.Fatalf("stuck: %v", c)
		}
		for i := range c.ends { // greetings may be kept back below
			_, err := c.ends[i].top().Flush(both, bufferevent.ModeFlush)
			ok(c.t, err)
		}
		evtest.Turn(c.t, c.base)
		c.drain(&c.ends[0], &c.ends[1], 1<<20)
		c.drain(&c.ends[1], &c.ends[0], 1<<20)
	}
	for i := range c.ends {
		if n := c.ends[i].read; n != len(c.ends[1-i].written) {
			c.t.Fatalf("end %d got %d bytes of %d", i, n, len(c.ends[1-i].written))
		}
	}
	settle(c.t, c.base)
	want(c.t, "callbacks that are due", c.base.NumEvents(event.CountActive), 0)
}

// ended reports whether the end of the stream was told, which must be once, and
// not before all data is there.
func (c *chain) ended(i int) bool {
	e, n := &c.ends[i], 0
	for _, what := range e.events {
		if what&bufferevent.EventEOF != 0 {
			n++
		}
	}
	if n > 1 || n == 1 && e.read+e.top().Input().Len() < len(c.ends[1-i].written) {
		c.t.Fatalf("ends %d times with %d bytes: %v", n, e.read+e.top().Input().Len(), c)
	}
	return n == 1
}

// String describes what is where.
func (c *chain) String() string {
	var s bytes.Buffer
	for i := range c.ends {
		fmt.Fprintf(&s, "\nend %d, written %d, read %d:", i, len(c.ends[i].written), c.ends[i].read)
		for _, b := range c.ends[i].stack {
			fmt.Fprintf(&s, " [%v %v in %d out %d]", b, b.Enabled(), b.Input().Len(), b.Output().Len())
		}
	}
	return s.String()
}
