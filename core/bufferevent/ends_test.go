package bufferevent_test

import (
	"fmt"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A finale is something that says that nothing more is written.
type finale struct {
	name string
	end  func(b *bufferevent.Bufferevent) error
}

var (
	closesIt     = finale{"CloseWrite", (*bufferevent.Bufferevent).CloseWrite}
	finishesIt   = finale{"finish", flushes(event.Write, bufferevent.ModeFinished)}
	flushesIt    = finale{"flush", flushes(event.Write, bufferevent.ModeFlush)}
	finishesBoth = finale{"finish both", flushes(both, bufferevent.ModeFinished)}
)

func flushes(what event.What, mode bufferevent.FlushMode) func(b *bufferevent.Bufferevent) error {
	return func(b *bufferevent.Bufferevent) error {
		_, err := b.Flush(what, mode)
		return err
	}
}

// every returns all sequences of n finales.
func every(n int) [][]finale {
	if n == 0 {
		return [][]finale{nil}
	}
	var all [][]finale
	for _, rest := range every(n - 1) {
		for _, e := range []finale{closesIt, finishesIt, flushesIt, finishesBoth} {
			all = append(all, append([]finale{e}, rest...))
		}
	}
	return all
}

func names(finales []finale) (s string) {
	for _, e := range finales {
		s += e.name + " "
	}
	return s
}

// A filter is told the end once, and nothing after it; and so is the user of the
// far end, whatever says so in whatever order.
func TestAStreamEndsOnce(t *testing.T) {
	for _, depth := range []int{0, 1, 2} {
		for _, waits := range []bool{false, true} {
			for _, finales := range every(3) {
				t.Run(fmt.Sprint(depth, waits, names(finales)), func(t *testing.T) { endOnce(t, depth, waits, finales) })
			}
		}
	}
}

func endOnce(t *testing.T, depth int, waits bool, finales []finale) {
	base := newBase(t)
	near, far := halves(t, base, 0)
	ins, outs := make([][]call, depth), make([][]call, depth)
	for i := range depth {
		near = newFilter(t, near, nil, record(&outs[i], blocks), bufferevent.CloseOnFree)
		far = newFilter(t, far, record(&ins[i], xor), nil, bufferevent.CloseOnFree)
	}
	var d diary
	ended := false
	far.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) { d.note(what.String()) })
	if waits {
		ok(t, far.SetWatermark(event.Read, 0, 3))
	}
	ok(t, far.Enable(event.Read))
	write(t, near, "0123456")
	for _, e := range finales {
		ok(t, e.end(near))
		ended = ended || e.name != "flush"
		settle(t, base)
	}
	for far.Input().Len() > 0 {
		take(t, far)
		settle(t, base)
	}
	n := 0
	for _, what := range d {
		if what == "reading|EOF" || what == "reading|writing|EOF" {
			n++
		}
	}
	want(t, "ends", n, map[bool]int{true: 1}[ended])
	for _, mode := range []bufferevent.FlushMode{bufferevent.ModeNormal, bufferevent.ModeFlush, bufferevent.ModeFinished} {
		_, err := near.Flush(event.Write, mode)
		ok(t, err)
		_, err = far.Flush(event.Read, mode)
		ok(t, err)
		settle(t, base)
	}
	for i := range depth {
		checkCalls(t, "out", outs[i])
		checkCalls(t, "in", ins[i])
	}
}

// checkCalls fails the test unless the last call, and no other, has told the end.
func checkCalls(t *testing.T, name string, calls []call) {
	t.Helper()
	for i, c := range calls {
		if last := i == len(calls)-1; (c.mode == bufferevent.ModeFinished) != last {
			t.Fatalf("calls of %s: %v", name, calls)
		}
	}
}

// Data that is written after a flush that was to be the last one begins another
// stream, with an end of its own.
func TestAStreamThatGoesOnEndsAgain(t *testing.T) {
	base := newBase(t)
	var out []call
	f, far := filterOverPair(t, base, nil, record(&out, xor), 0)
	var d diary
	far.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) { d.note(what.String()) })
	ok(t, far.Enable(event.Read))
	for range 2 {
		write(t, f, "data")
		ok(t, finishesIt.end(f))
		ok(t, finishesIt.end(f))
		settle(t, base)
		d.want(t, "reading|EOF")
		want(t, "calls", len(out), 2)
		want(t, "the last one", out[1].mode, bufferevent.ModeFinished)
		out = nil
	}
}

// An end comes after the data, also if there was no room for that.
func TestAFinishThatHasNoRoom(t *testing.T) {
	base := newBase(t)
	near, far := halves(t, base, 0)
	var d diary
	d.keep(far)
	ok(t, far.SetWatermark(event.Read, 0, 4))
	write(t, near, "0123456789")
	ok(t, finishesBoth.end(near))
	settle(t, base)
	d.want(t, "read", "write", "writing|EOF")
	ok(t, far.Enable(event.Read))
	got := ""
	for far.Input().Len() > 0 {
		want(t, "the end", d.has("reading|EOF"), near.Output().Len() == 0)
		got += take(t, far)
		settle(t, base)
	}
	want(t, "data", got, "0123456789")
	want(t, "the end", d.has("reading|EOF"), true)
}

// Whatever is put on a stream later learns of its end, too.
func TestAStreamThatHasEndedBefore(t *testing.T) {
	for _, kind := range []string{"pair", "socket", "filter"} {
		t.Run(kind, func(t *testing.T) {
			base := newBase(t)
			b, far := halves(t, base, 0)
			if kind == "socket" {
				near, peer := newSocket(t, base, 0)
				peer.closed = true
				b, far = near, overFD(t, base, peer.fd, 0)
			}
			if kind == "filter" {
				b = newFilter(t, b, nil, nil, bufferevent.CloseOnFree)
			}
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			write(t, far, "before")
			ok(t, far.CloseWrite())
			d.await(t, base, "reading|EOF")
			f := newFilter(t, b, nil, nil, 0)
			d = nil
			d.keep(f)
			ok(t, f.Enable(event.Read))
			d.await(t, base, "reading|EOF")
			settle(t, base)
			want(t, "input", take(t, f), "before")
			d.want(t, "read", "reading|EOF")
		})
	}
}
