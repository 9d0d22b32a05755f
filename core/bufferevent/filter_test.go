package bufferevent_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// newFilter returns a filter, which is freed at the end of the test at the
// latest.
func newFilter(t testing.TB, under *bufferevent.Bufferevent, in, out bufferevent.Filter, opts bufferevent.Options) *bufferevent.Bufferevent {
	t.Helper()
	f, err := bufferevent.NewFilter(under, in, out, opts, nil)
	ok(t, err)
	t.Cleanup(f.Free)
	return f
}

// filterOverPair returns a filter over one half of a pair, and the other half,
// which reads.
func filterOverPair(t testing.TB, base *event.Base, in, out bufferevent.Filter, opts bufferevent.Options) (f, far *bufferevent.Bufferevent) {
	t.Helper()
	under, far := halves(t, base, 0)
	ok(t, far.Enable(event.Read))
	return newFilter(t, under, in, out, opts|bufferevent.CloseOnFree), far
}

func TestNewFilter(t *testing.T) {
	base := newBase(t)
	under, _ := newSocket(t, base, 0)
	f := newFilter(t, under, nil, nil, 0)
	want(t, "enabled", f.Enabled(), event.Write)
	want(t, "enabled below", under.Enabled(), both)
	want(t, "base", f.Base(), base)
	want(t, "underlying", f.Underlying(), under)
	want(t, "descriptor", f.FD(), under.FD())
	want(t, "name", f.String(), strings.Replace(under.String(), "socket", "filter", 1))
	want(t, "partner", f.Partner(), nil)
	want(t, "events that wait", waiting(base), 0) // it does not read yet
	ok(t, f.Enable(event.Read))
	want(t, "events that wait", waiting(base), 1)
	ok(t, f.Disable(event.Read))
	want(t, "events that wait", waiting(base), 0)
}

func TestNewFilterRefuses(t *testing.T) {
	base := newBase(t)
	freed, under := halves(t, base, 0)
	freed.Free()
	kept, _ := halves(t, base, 0)
	kept.IncRef()
	kept.Free()
	defer kept.DecRef()
	for name, c := range map[string]struct {
		under *bufferevent.Bufferevent
		opts  bufferevent.Options
		err   error
	}{
		"nothing":              {nil, 0, bufferevent.ErrNil},
		"one that was freed":   {freed, 0, bufferevent.ErrFreed},
		"one that still is":    {kept, 0, bufferevent.ErrFreed},
		"an option unknown":    {under, 1 << 15, bufferevent.ErrOptions},
		"unlocked, at once":    {under, bufferevent.UnlockCallbacks, bufferevent.ErrOptions},
		"ThreadSafe, no locks": {under, bufferevent.ThreadSafe, bufferevent.ErrNoLocks},
	} {
		f, err := bufferevent.NewFilter(c.under, nil, nil, c.opts, func() { t.Error("free was called") })
		wantError(t, name, err, c.err)
		want(t, name, f, nil)
	}
	under.SetCallbacks(nil, nil, nil)
	want(t, "enabled", under.Enabled(), event.Write) // nothing has happened to it
}

// stack puts two filters that undo each other's work on a bufferevent, or as
// many pairs of them.
func stack(t testing.TB, b *bufferevent.Bufferevent, pairs int, opts bufferevent.Options) *bufferevent.Bufferevent {
	t.Helper()
	for range 2 * pairs {
		b = newFilter(t, b, xor, xor, opts|bufferevent.CloseOnFree)
	}
	return b
}

func TestFiltersOverEverything(t *testing.T) {
	for _, kind := range []string{"pair", "socket"} {
		for filters := range 4 {
			for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
				base := newBase(t)
				var near, far *bufferevent.Bufferevent
				if kind == "pair" {
					near, far = halves(t, base, 0)
				} else {
					pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
					ok(t, err)
					ok(t, evutil.SetNonblock(pair[0]))
					ok(t, evutil.SetNonblock(pair[1]))
					near, far = overFD(t, base, pair[0], 0), overFD(t, base, pair[1], 0)
				}
				near, far = stack(t, near, filters, opts), stack(t, far, filters/2, opts)
				ok(t, near.Enable(event.Read))
				ok(t, far.Enable(event.Read))
				long := strings.Repeat("a long text ", 10000)
				write(t, near, long)
				await(t, base, "text", func() bool { return far.Input().Len() == len(long) })
				want(t, "input", take(t, far), long)
				write(t, far, "reply")
				await(t, base, "reply", func() bool { return near.Input().Len() == 5 })
				want(t, "input", take(t, near), "reply")
			}
		}
	}
}

func TestFiltersThatPassOnDoNotCopy(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	over := newFilter(t, f, nil, nil, 0)
	ok(t, over.Enable(event.Read))
	memory := make([]byte, 1<<20)
	ok(t, over.Output().AddReference(memory, nil))
	ok(t, far.WriteBuffer(far.Input()))
	settle(t, base)
	vecs := make([][]byte, 1)
	_, err := over.Input().Peek(-1, nil, vecs)
	ok(t, err)
	want(t, "memory", &vecs[0][0], &memory[0])
}

func TestWhatWaitsGoesThroughWhenReadingIsEnabled(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, xor, nil, 0)
	var d diary
	d.keep(f)
	write(t, far, "waits at the far end")
	settle(t, base)
	want(t, "output there", far.Output().Len(), 20)
	ok(t, f.Enable(event.Read))
	settle(t, base)
	want(t, "input", f.Input().Len(), 20)
	d.want(t, "read")

	ok(t, f.Disable(event.Read))
	_, err := far.Flush(event.Write, bufferevent.ModeFlush) // to what is below the filter
	ok(t, err)
	write(t, far, "waits below")
	_, err = far.Flush(event.Write, bufferevent.ModeFlush)
	ok(t, err)
	settle(t, base)
	want(t, "input below", f.Underlying().Input().Len(), 11)
	want(t, "input", f.Input().Len(), 20)
	d.want(t)
	ok(t, f.Enable(event.Read))
	want(t, "input", f.Input().Len(), 31)
	d.want(t) // not from within Enable
	settle(t, base)
	d.want(t, "read")
}

func TestWhatWaitsGoesThroughWhenWritingIsEnabled(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, xor, 0)
	var d diary
	d.keep(f)
	ok(t, f.Disable(event.Write))
	write(t, f, "waits")
	settle(t, base)
	want(t, "output", f.Output().Len(), 5)
	ok(t, f.Enable(event.Write))
	want(t, "output", f.Output().Len(), 0)
	want(t, "input there", far.Input().Len(), 5)
	d.want(t)
	settle(t, base)
	d.want(t, "write")
}

// A recorder is a filter that notes what it is called with.
type call struct {
	src, limit int
	mode       bufferevent.FlushMode
}

func record(calls *[]call, fn bufferevent.Filter) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		*calls = append(*calls, call{src.Len(), limit, mode})
		return fn(src, dst, limit, mode)
	}
}

func TestWhatFiltersAreCalledWith(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, f, far *bufferevent.Bufferevent)
		in   []call
		out  []call
	}{
		{"nothing", func(*testing.T, *bufferevent.Bufferevent, *bufferevent.Bufferevent) {}, nil, nil},
		{"output", func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			write(t, f, "out")
		}, nil, []call{{3, -1, bufferevent.ModeNormal}}},
		{"input", func(t *testing.T, _, far *bufferevent.Bufferevent) {
			write(t, far, "back")
		}, []call{{4, -1, bufferevent.ModeNormal}}, nil},
		{"a high watermark for reading", func(t *testing.T, f, far *bufferevent.Bufferevent) {
			ok(t, f.SetWatermark(event.Read, 0, 3))
			write(t, far, "back")
		}, []call{{4, 3, bufferevent.ModeNormal}}, nil},
		{"a high watermark for writing below", func(t *testing.T, f, far *bufferevent.Bufferevent) {
			ok(t, far.Disable(event.Read))
			ok(t, f.Underlying().SetWatermark(event.Write, 0, 2))
			write(t, f, "out")
		}, nil, []call{{3, 2, bufferevent.ModeNormal}}},
		{"flush normally", func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			_, err := f.Flush(both, bufferevent.ModeNormal)
			ok(t, err)
		}, []call{{0, -1, bufferevent.ModeNormal}}, nil},
		{"flush", func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			_, err := f.Flush(both, bufferevent.ModeFlush)
			ok(t, err)
		}, []call{{0, -1, bufferevent.ModeFlush}, {0, -1, bufferevent.ModeNormal}}, []call{{0, -1, bufferevent.ModeFlush}}},
		{"finish writing", func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			_, err := f.Flush(event.Write, bufferevent.ModeFinished)
			ok(t, err)
		}, nil, []call{{0, -1, bufferevent.ModeFinished}}},
		{"close", func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			ok(t, f.CloseWrite())
		}, nil, []call{{0, -1, bufferevent.ModeFinished}}},
		{"the end below", func(t *testing.T, _, far *bufferevent.Bufferevent) {
			ok(t, far.CloseWrite())
		}, []call{{0, -1, bufferevent.ModeFinished}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := newBase(t)
			var in, out []call
			f, far := filterOverPair(t, base, record(&in, xor), record(&out, xor), 0)
			ok(t, f.Enable(event.Read))
			c.do(t, f, far)
			settle(t, base)
			wantCalls(t, "input filter", in, c.in)
			wantCalls(t, "output filter", out, c.out)
		})
	}
}

func wantCalls(t testing.TB, what string, got, want []call) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("calls of the %s: %v, want %v", what, got, want)
		}
	}
}

func TestAFilterThatNeedsMoreIsNotAskedWithTheSame(t *testing.T) {
	base := newBase(t)
	var in, out []call
	f, far := filterOverPair(t, base, record(&in, blocks), record(&out, blocks), 0)
	ok(t, f.Enable(event.Read))
	again := func() {
		t.Helper()
		settle(t, base)
		in, out = nil, nil
		ok(t, f.Disable(both))
		ok(t, f.Enable(both))
		ok(t, f.SetWatermark(event.Read, 0, 100))
		ok(t, f.Input().Drain(1))
		settle(t, base)
		want(t, "calls for input", len(in), 0)
		want(t, "calls for output", len(out), 0)
	}
	write(t, f, "01234567")
	write(t, far, "01234567")
	again()
	write(t, f, "8")
	write(t, far, "8")
	again()
	write(t, f, "9")
	write(t, far, "9")
	settle(t, base)
	want(t, "input", f.Input().Len(), 8)
	want(t, "input there", far.Input().Len(), 10)
}

func TestFilterRoomBelow(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 2, 10))
	write(t, f, strings.Repeat("0123456789", 3))
	want(t, "output below", f.Underlying().Output().Len(), 10)
	want(t, "output", f.Output().Len(), 20)
	d.want(t)
	ok(t, far.SetWatermark(event.Read, 0, 5))
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "output below", f.Underlying().Output().Len(), 5) // above its low watermark
	ok(t, far.Input().Drain(3))
	settle(t, base)
	want(t, "output below", f.Underlying().Output().Len(), 10)
	want(t, "output", f.Output().Len(), 12)
	for f.Output().Len() > 0 {
		ok(t, far.Input().Drain(5))
		settle(t, base)
	}
	d.want(t, "write")
}

func TestFilterRoomAbove(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.SetWatermark(event.Read, 0, 10))
	ok(t, f.Enable(event.Read))
	write(t, far, strings.Repeat("0123456789", 3))
	settle(t, base)
	want(t, "input", f.Input().Len(), 10)
	d.want(t, "read")
	write(t, far, "more")
	settle(t, base)
	want(t, "output there, which waits", far.Output().Len(), 4)
	ok(t, f.Input().Drain(4))
	want(t, "input", f.Input().Len(), 10)
	d.want(t) // not from within Drain
	settle(t, base)
	d.want(t, "read")
	ok(t, f.SetWatermark(event.Read, 0, 0))
	settle(t, base)
	want(t, "input", f.Input().Len(), 30)
	d.want(t, "read")
}

// bomb makes a thousand bytes of each, as many as the limit allows, at least.
func bomb(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
	n := src.Len()
	if limit >= 0 {
		n = min(n, max(1, limit/1000))
	}
	return convert(src, dst, n, 1, 1000, 0)
}

func TestAFilterThatExpandsAThousandfold(t *testing.T) {
	const high, sent = 5000, 1000
	t.Run("input", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, bomb, nil, 0)
		ok(t, f.SetWatermark(event.Read, 0, high))
		most, total := 0, 0
		ended := false
		f.SetCallbacks(func(f *bufferevent.Bufferevent) {
			most = max(most, f.Input().Len())
			total += f.Input().Len()
			ok(t, f.Input().Drain(f.Input().Len()))
		}, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			ended = what == bufferevent.EventReading|bufferevent.EventEOF
		})
		write(t, far, strings.Repeat("x", sent))
		ok(t, far.CloseWrite())
		ok(t, f.Enable(event.Read))
		ok(t, base.Dispatch())
		want(t, "all of it", total, 1000*sent)
		want(t, "at a time", most, high)
		want(t, "ended", ended, true)
	})
	t.Run("output", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, bomb, 0)
		ok(t, f.Underlying().SetWatermark(event.Write, 0, high))
		ok(t, far.SetWatermark(event.Read, 0, high))
		most, total := 0, 0
		ended := false
		far.SetCallbacks(func(far *bufferevent.Bufferevent) {
			most = max(most, far.Input().Len(), f.Underlying().Output().Len())
			total += far.Input().Len()
			ok(t, far.Input().Drain(far.Input().Len()))
		}, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
			ended = what == bufferevent.EventReading|bufferevent.EventEOF
		})
		write(t, f, strings.Repeat("x", sent))
		ok(t, f.CloseWrite())
		ok(t, base.Dispatch())
		want(t, "all of it", total, 1000*sent)
		want(t, "at a time", most, high)
		want(t, "ended", ended, true)
	})
}

func TestAFilterThatDoesNothingDoesNotSpin(t *testing.T) {
	base := newBase(t)
	var in, out []call
	nothing := func(_, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error { return nil }
	f, far := filterOverPair(t, base, record(&in, nothing), record(&out, nothing), 0)
	ok(t, f.Enable(event.Read))
	write(t, far, "in")
	write(t, f, "out")
	settle(t, base)
	want(t, "calls for input", len(in), 1)
	want(t, "calls for output", len(out), 1)
	_, err := f.Flush(both, bufferevent.ModeFlush)
	ok(t, err)
	settle(t, base)
	want(t, "calls for output", len(out), 3) // and as there is room below
	ok(t, far.CloseWrite())                  // has an end all the same
	var d diary
	d.keep(f)
	settle(t, base)
	want(t, "ended", d.has("reading|EOF"), true)
	if len(in) > 5 {
		t.Errorf("%d calls for input", len(in))
	}
}

// tripled returns a filter that takes all, and gives three times as much, when
// there is room.
func tripled() bufferevent.Filter {
	kept := 0 // bytes that it is to give
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		kept += 3 * src.Len()
		n := within(kept, limit)
		kept -= n
		return errors.Join(src.Drain(src.Len()), dst.Add(make([]byte, n)))
	}
}

// A filter that has more than what fits gets another call when there is room.
func TestAFilterThatKeepsBackForWantOfRoom(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, tripled(), nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.SetWatermark(event.Read, 0, 10))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	ok(t, far.CloseWrite())
	total := 0
	for range 3 {
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), false)
		total += len(take(t, f))
	}
	settle(t, base)
	want(t, "all of it", total, 30)
	want(t, "the end", d.has("reading|EOF"), true)
}

// wholesale gives eight bytes or nothing, however little room there is.
func wholesale(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
	switch {
	case src.Len() < 8 && mode == bufferevent.ModeNormal:
		return bufferevent.ErrNeedMore
	case limit >= 0 && limit < 8:
		return nil // more room is what it needs
	}
	_, err := src.RemoveBuffer(dst, 8)
	return err
}

func TestFiltersThatGetMoreRoom(t *testing.T) {
	t.Run("above", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, wholesale, nil, 0)
		var d diary
		d.keep(f)
		ok(t, f.SetWatermark(event.Read, 0, 10))
		ok(t, f.Enable(event.Read))
		write(t, far, "0123456701234567")
		ok(t, far.CloseWrite())
		settle(t, base)
		want(t, "input", f.Input().Len(), 8)
		ok(t, f.Input().Drain(5))
		ok(t, f.Input().Drain(1))
		want(t, "input", f.Input().Len(), 10)
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), false)
		ok(t, f.Input().Drain(10))
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), true)
	})
	t.Run("below", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, wholesale, 0)
		var d diary
		d.keep(far)
		ok(t, far.Disable(event.Read))
		ok(t, f.Underlying().SetWatermark(event.Write, 0, 10))
		write(t, f, "0123456701234567")
		ok(t, f.CloseWrite())
		settle(t, base)
		want(t, "output below", f.Underlying().Output().Len(), 8)
		ok(t, far.Enable(event.Read))
		settle(t, base)
		want(t, "input there", far.Input().Len(), 16)
		want(t, "the end", d.has("reading|EOF"), true)
	})
}

func TestTheEndWaitsForWhatTheFilterKeepsBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(f *bufferevent.Bufferevent) error
		release func(f *bufferevent.Bufferevent) error
	}{
		{"nothing stops it", nil, nil},
		{"reading is disabled",
			func(f *bufferevent.Bufferevent) error { return f.Disable(event.Read) },
			func(f *bufferevent.Bufferevent) error { return f.Enable(event.Read) }},
		{"the input is full",
			func(f *bufferevent.Bufferevent) error { return f.SetWatermark(event.Read, 0, 10) },
			func(f *bufferevent.Bufferevent) error { return f.SetWatermark(event.Read, 0, 0) }},
		{"the input was full",
			func(f *bufferevent.Bufferevent) error { return f.SetWatermark(event.Read, 0, 10) },
			func(f *bufferevent.Bufferevent) error { return f.Input().Drain(10) }},
		{"the user flushes",
			func(f *bufferevent.Bufferevent) error { return f.Disable(event.Read) },
			func(f *bufferevent.Bufferevent) error {
				_, err := f.Flush(event.Read, bufferevent.ModeFlush)
				return errors.Join(err, f.Enable(event.Read))
			}},
	} {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(c.name, func(t *testing.T) {
				base := newBase(t)
				f, far := filterOverPair(t, base, blocks, nil, opts)
				var d diary
				d.keep(f)
				ok(t, f.Enable(event.Read))
				write(t, far, "0123456789")
				settle(t, base)
				d.want(t, "read")
				if c.prepare != nil {
					ok(t, c.prepare(f))
				}
				write(t, far, "rest")
				settle(t, base)
				_, err := far.Flush(event.Write, bufferevent.ModeFinished)
				ok(t, err)
				settle(t, base)
				if c.release != nil {
					want(t, "the end", d.has("reading|EOF"), false)
					ok(t, c.release(f))
					settle(t, base)
				}
				want(t, "the rest", strings.HasSuffix(take(t, f), "rest"), true)
				want(t, "the last that is told", d[len(d)-1], "reading|EOF")
				want(t, "and before", d[len(d)-2], "read")
				want(t, "error", f.Err(), io.EOF)

				d = nil
				write(t, far, "0123456789ab") // a half can go on
				settle(t, base)
				want(t, "input", contents(t, f), "0123456789")
			})
		}
	}
}

// As a socket that does not read would not notice it either.
func TestTheEndWaitsForReadingToBeEnabled(t *testing.T) {
	for _, release := range []func(f *bufferevent.Bufferevent) error{
		func(f *bufferevent.Bufferevent) error { return f.Enable(event.Read) },
		func(f *bufferevent.Bufferevent) error {
			_, err := f.Flush(event.Read, bufferevent.ModeFlush)
			return err
		},
	} {
		base := newBase(t)
		var in []call
		f, far := filterOverPair(t, base, record(&in, xor), nil, 0)
		var d diary
		d.keep(f)
		_, err := far.Flush(event.Write, bufferevent.ModeFinished)
		ok(t, err)
		settle(t, base)
		d.want(t)
		want(t, "calls", len(in), 0)
		ok(t, release(f))
		settle(t, base)
		d.want(t, "reading|EOF")
		want(t, "the last call", in[len(in)-1], call{0, -1, bufferevent.ModeFinished})
	}
}

var errFilter = errors.New("filter is broken")

// failAfter passes n bytes on, and then fails.
func failAfter(n int) bufferevent.Filter {
	return func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		moved, err := src.RemoveBuffer(dst, n)
		if n -= moved; n > 0 || err != nil {
			return err
		}
		return errFilter
	}
}

func TestAnInputFilterThatFails(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		f, far := filterOverPair(t, base, failAfter(4), nil, opts)
		var d diary
		d.keep(f)
		ok(t, f.Enable(event.Read))
		write(t, far, "good bad")
		settle(t, base)
		d.want(t, "read", "reading|error")
		wantError(t, "error", f.Err(), errFilter)
		want(t, "input", take(t, f), "good")
		want(t, "enabled", f.Enabled(), event.Write)
		write(t, far, "more")
		settle(t, base)
		d.want(t)
		write(t, f, "the other way") // works
		settle(t, base)
		d.want(t, "write")
		want(t, "input there", take(t, far), "the other way")
		ok(t, f.Enable(event.Read)) // it fails again
		settle(t, base)
		d.want(t, "reading|error")
	}
}

func TestAnOutputFilterThatFails(t *testing.T) {
	for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, failAfter(4), opts)
		var d diary
		d.keep(f)
		ok(t, f.Enable(event.Read))
		write(t, f, "good bad")
		settle(t, base)
		d.want(t, "writing|error")
		wantError(t, "error", f.Err(), errFilter)
		want(t, "enabled", f.Enabled(), event.Read)
		want(t, "input there", take(t, far), "good")
		_, err := f.WriteString("x")
		wantError(t, "write", err, bufferevent.ErrBroken)
		write(t, far, "the other way")
		settle(t, base)
		want(t, "input", take(t, f), "the other way")
	}
}

func TestAFilterThatFailsAtTheEnd(t *testing.T) {
	base := newBase(t)
	truncated := func(src, _ *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
		if mode == bufferevent.ModeFinished && src.Len() > 0 {
			return io.ErrUnexpectedEOF
		}
		return bufferevent.ErrNeedMore
	}
	f, far := filterOverPair(t, base, truncated, nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.Enable(event.Read))
	write(t, far, "half a mess")
	ok(t, far.CloseWrite())
	settle(t, base)
	d.want(t, "reading|error") // and not, after that, a decent end
	wantError(t, "error", f.Err(), io.ErrUnexpectedEOF)
}

func TestCloseWriteOfAFilterThatFails(t *testing.T) {
	base := newBase(t)
	fail := func(_, _ *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
		if mode == bufferevent.ModeFinished {
			return errFilter
		}
		return bufferevent.ErrNeedMore
	}
	f, far := filterOverPair(t, base, nil, fail, 0)
	var near, there diary
	near.keep(f)
	there.keep(far)
	ok(t, f.CloseWrite())
	settle(t, base)
	near.want(t, "writing|error")
	there.want(t) // it did not end as it should have
}

// tail passes everything on, and puts a dot at the end.
func tail(src, dst *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
	if mode == bufferevent.ModeFinished {
		ok := dst.AddBuffer(src)
		return errors.Join(ok, dst.AddString("."))
	}
	return dst.AddBuffer(src)
}

func TestCloseWriteOfAFilter(t *testing.T) {
	for name, close := range map[string]func(t *testing.T, f, far *bufferevent.Bufferevent){
		"at once": func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			write(t, f, "text")
			ok(t, f.CloseWrite())
		},
		"while writing is disabled": func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			ok(t, f.Disable(event.Write))
			write(t, f, "text")
			ok(t, f.CloseWrite())
			want(t, "output", f.Output().Len(), 4)
			ok(t, f.Enable(event.Write))
		},
		"while there is no room below": func(t *testing.T, f, far *bufferevent.Bufferevent) {
			ok(t, far.Disable(event.Read))
			ok(t, f.Underlying().SetWatermark(event.Write, 0, 3))
			write(t, f, "tex")
			write(t, f, "t")
			ok(t, f.CloseWrite())
			ok(t, far.Enable(event.Read))
		},
		"while writing is disabled below, and there is no room": func(t *testing.T, f, far *bufferevent.Bufferevent) {
			ok(t, far.Disable(event.Read))
			under := f.Underlying()
			ok(t, under.SetWatermark(event.Write, 0, 1))
			ok(t, under.Disable(event.Write))
			ok(t, under.Output().AddString("te"))
			write(t, f, "xt")
			ok(t, f.CloseWrite())
			ok(t, under.Enable(event.Write))
			ok(t, far.Enable(event.Read))
		},
		"while writing is disabled, and the filter keeps all of it": func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			top := newFilter(t, f, nil, blocks, 0)
			write(t, top, "text")
			ok(t, top.Disable(event.Write))
			ok(t, top.CloseWrite())
			want(t, "output", top.Output().Len(), 4)
			ok(t, top.Enable(event.Write))
			ok(t, f.CloseWrite())
		},
		"in the write callback that a flush calls": func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { ok(t, f.CloseWrite()) }, nil)
			ok(t, f.Disable(event.Write))
			write(t, f, "text")
			_, err := f.Flush(event.Write, bufferevent.ModeFlush)
			ok(t, err)
		},
		"in a callback of the buffer below": func(t *testing.T, f, far *bufferevent.Bufferevent) {
			var e *evbuffer.CallbackEntry
			e = f.Underlying().Output().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
				ok(t, f.Underlying().Output().RemoveCallback(e))
				ok(t, f.CloseWrite())
			})
			write(t, f, "text")
		},
		"in the write callback": func(t *testing.T, f, _ *bufferevent.Bufferevent) {
			left := 2
			f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) {
				if left--; left == 0 {
					write(t, f, "xt")
					ok(t, f.CloseWrite())
				}
			}, nil)
			write(t, f, "t")
			write(t, f, "e")
		},
		"in the read callback": func(t *testing.T, f, far *bufferevent.Bufferevent) {
			f.SetCallbacks(func(f *bufferevent.Bufferevent) {
				write(t, f, "text")
				ok(t, f.CloseWrite())
			}, nil, nil)
			ok(t, f.Enable(event.Read))
			write(t, far, "question")
		},
	} {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(name, func(t *testing.T) {
				base := newBase(t)
				f, far := filterOverPair(t, base, nil, tail, opts)
				over := f
				if opts != 0 { // and one more on it
					over = newFilter(t, f, nil, nil, 0)
				}
				var d diary
				d.keep(far)
				close(t, over, far)
				settle(t, base)
				_, err := over.WriteString("x")
				wantError(t, "write", err, bufferevent.ErrClosed)
				want(t, "input there", take(t, far), "text.")
				want(t, "the last that is told", d[len(d)-1], "reading|EOF")
			})
		}
	}
}

func TestCloseWriteAfterAFlushThatSeemedToBeTheLast(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	f := newFilter(t, under, nil, tail, 0)
	_, err := f.Flush(event.Write, bufferevent.ModeFinished)
	ok(t, err)
	peer.expect(base, ".")
	ok(t, under.SetWatermark(event.Write, 0, 1))
	ok(t, under.Disable(event.Write))
	ok(t, under.Output().AddString("no room;"))
	write(t, f, "text")
	ok(t, f.CloseWrite())
	ok(t, under.Enable(event.Write))
	peer.expectEnd(base, "no room;text.")
}

func TestCloseWriteOfAFilterWithNothingToWrite(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, tail, 0)
	var d diary
	d.keep(far)
	ok(t, f.Disable(event.Write)) // like other kinds, it needs no writing for that
	ok(t, f.CloseWrite())
	settle(t, base)
	d.want(t, "read", "reading|EOF")
}

// The high watermark below holds to the end, also for what the filter has taken
// and not given yet.
func TestCloseWriteKeepsToTheRoomBelow(t *testing.T) {
	for name, out := range map[string]bufferevent.Filter{"passing": nil, "keeping": tripled()} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			f, far := filterOverPair(t, base, nil, out, 0)
			var d diary
			d.keep(far)
			below := f.Underlying().Output()
			ok(t, far.SetWatermark(event.Read, 0, 4))
			ok(t, far.Disable(event.Read))
			ok(t, f.Underlying().SetWatermark(event.Write, 0, 4))
			write(t, f, "0123456789")
			want(t, "output below", below.Len(), 4)
			ok(t, f.CloseWrite())
			ok(t, far.Enable(event.Read))
			total := 0
			for range 20 {
				if n := below.Len(); n > 4 {
					t.Fatalf("%d bytes below", n)
				}
				total += len(take(t, far))
				settle(t, base)
			}
			want(t, "all", total, map[string]int{"passing": 10, "keeping": 30}[name])
			want(t, "the end", d.has("reading|EOF"), true)
		})
	}
}

func TestWhatAFilterAddsInPiecesIsNoticedOnce(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	pieces := func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
		return errors.Join(dst.AddString("<"), dst.AddBuffer(src), dst.AddString(">"))
	}
	f := newFilter(t, &p.bev, nil, pieces, 0)
	p.log = nil
	write(t, f, "data")
	p.log.want(t, "output added")
	want(t, "output", p.record(t), "<data>")
	ok(t, p.bev.Disable(event.Write))
	p.log = nil
	write(t, f, "more")
	p.log.want(t) // it may not be written
	want(t, "output", p.bev.Output().Len(), 6)
}

func TestCloseWriteWhileItIsFullBelow(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	below := f.Underlying()
	ok(t, far.Disable(event.Read))
	ok(t, below.SetWatermark(event.Write, 0, 4))
	ok(t, below.Output().AddString("full"))
	write(t, f, "text")
	ok(t, f.CloseWrite())
	want(t, "output below", below.Output().Len(), 4)
	var d diary
	d.keep(far)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "input there", take(t, far), "fulltext")
	want(t, "the end", d.has("reading|EOF"), true)
}

func TestTheWriteCallbackIsNotCalledForNothing(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	var d diary
	d.keep(f)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 0, 4))
	write(t, f, "text") // fills it up
	d.want(t, "write")
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "input there", take(t, far), "text")
	d.want(t)
}

// Nothing but the filter itself would notice that CloseWrite was called.
func TestCloseWriteInTheWriteCallbackOfAFilterThatGivesNothing(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	f := newFilter(t, under, nil, func(src, dst *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
		if mode == bufferevent.ModeFinished {
			return dst.AddString("bye")
		}
		return src.Drain(src.Len())
	}, 0)
	settle(t, base) // enabling it has called the write callback below
	f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { ok(t, f.CloseWrite()) }, nil)
	ok(t, f.Disable(event.Write))
	write(t, f, "text")
	_, err := f.Flush(event.Write, bufferevent.ModeFlush)
	ok(t, err)
	peer.expectEnd(base, "bye")
}

// The output goes on where a callback has stopped it.
func TestDisableInTheMiddleOfWriting(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, byByte, 0)
	var e *evbuffer.CallbackEntry
	e = f.Underlying().Output().AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
		ok(t, f.Underlying().Output().RemoveCallback(e))
		ok(t, f.Disable(event.Write))
	})
	write(t, f, "0123")
	want(t, "output", f.Output().Len(), 3)
	ok(t, f.Enable(event.Write))
	want(t, "input there", contents(t, far), "0123")
}

// A write callback that keeps adding must not keep the loop, nor let memory grow
// while the peer does not read.
func TestAWriteCallbackThatKeepsWriting(t *testing.T) {
	for name, out := range map[string]bufferevent.Filter{"passing": nil, "swallowing": swallow, "blocks": blocks} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			f, far := filterOverPair(t, base, nil, out, 0)
			calls := 0
			f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) {
				if calls++; calls < 1000 {
					write(t, f, "0123456789")
				}
			}, nil)
			write(t, f, "0123456789")
			if calls > 1 {
				t.Fatalf("%d calls from within a write", calls)
			}
			ok(t, base.Dispatch())
			want(t, "calls", calls, 1000)
			want(t, "output", f.Output().Len(), 0)
			if name != "swallowing" {
				want(t, "input there", far.Input().Len(), 10000)
			}
		})
	}
	t.Run("to a peer that does not read", func(t *testing.T) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, nil, 0)
		ok(t, far.Disable(event.Read))
		f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { write(t, f, "0123456789") }, nil)
		write(t, f, "0123456789")
		ok(t, base.Dispatch())
		want(t, "output", f.Output().Len()+f.Underlying().Output().Len(), 20)
	})
}

func TestFiltersThatFreeTheBufferevent(t *testing.T) {
	for _, way := range []string{"input", "output"} {
		base := newBase(t)
		var f *bufferevent.Bufferevent
		calls := 0
		freeing := func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
			calls++
			f.Free()
			_, err := src.RemoveBuffer(dst, 1)
			return err
		}
		f, far := filterOverPair(t, base, freeing, freeing, 0)
		var d diary
		d.keep(f)
		ok(t, f.Enable(event.Read))
		if way == "input" {
			write(t, far, "data")
		} else {
			write(t, f, "data")
		}
		settle(t, base)
		want(t, "calls", calls, 1)
		d.want(t)
		want(t, "partner", far.Partner(), nil)
	}
}

// Each callback of a filter frees it, or what is below, or both.
func TestFreeInTheCallbacksOfAFilter(t *testing.T) {
	for _, callback := range []string{"read", "write", "event"} {
		for _, victim := range []string{"filter", "below", "both"} {
			for _, opts := range []bufferevent.Options{0, bufferevent.CloseOnFree, bufferevent.DeferCallbacks, bufferevent.CloseOnFree | bufferevent.DeferCallbacks} {
				t.Run(callback+" frees "+victim, func(t *testing.T) {
					base := newBase(t)
					under, far := halves(t, base, 0)
					freed := 0
					f, err := bufferevent.NewFilter(under, xor, xor, opts, func() { freed++ })
					ok(t, err)
					calls := 0
					free := func(on string) {
						if on != callback {
							return
						}
						calls++
						if victim != "filter" {
							under.Free()
						}
						if victim != "below" {
							f.Free()
						}
					}
					f.SetCallbacks(
						func(*bufferevent.Bufferevent) { free("read") },
						func(*bufferevent.Bufferevent) { free("write") },
						func(*bufferevent.Bufferevent, bufferevent.Events) { free("event") })
					ok(t, f.Enable(event.Read))
					ok(t, far.Enable(event.Read))
					write(t, far, "there")
					f.WriteString("and back")
					_, err = far.Flush(event.Write, bufferevent.ModeFinished)
					settle(t, base)
					if calls == 0 {
						t.Fatal("the callback was not called")
					}
					if victim != "below" {
						want(t, "calls", calls, 1)
						want(t, "freed", freed, 1)
						_, err = f.WriteString("x")
						wantError(t, "write", err, bufferevent.ErrFreed)
					}
					gone := victim == "both" || victim == "filter" && opts&bufferevent.CloseOnFree != 0
					want(t, "what is below is gone", far.Partner() == nil, gone)
					f.Free()
					under.Free()
					want(t, "freed", freed, 1)
					want(t, "partner", far.Partner(), nil)
					settle(t, base)
				})
			}
		}
	}
}

func TestWithoutCloseOnFreeTheUserHasItBack(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	f := newFilter(t, under, nil, nil, 0)
	under.Enable(event.Read)
	write(t, far, "waits for the filter to read")
	want(t, "input", under.Input().Len(), 0)
	f.Free()
	settle(t, base)
	want(t, "input", take(t, under), "waits for the filter to read")
	read, wrote, told := under.Callbacks()
	want(t, "no callbacks", read == nil && wrote == nil && told == nil, true)
	var d diary
	d.keep(under)
	write(t, far, "more")
	settle(t, base)
	d.want(t, "read")

	g := newFilter(t, under, xor, nil, 0) // and another one
	d.want(t)
	ok(t, g.Enable(event.Read))
	take(t, under)
	write(t, far, "x")
	settle(t, base)
	d.want(t)
	want(t, "input", g.Input().Len(), 1)
}

func TestCallbacksThatTheUserHasReplacedStay(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	f := newFilter(t, under, nil, nil, 0)
	ok(t, f.Enable(event.Read))
	var d diary
	d.keep(under)
	write(t, far, "past the filter")
	settle(t, base)
	d.want(t, "read")
	want(t, "input of the filter", f.Input().Len(), 0)
	want(t, "input", take(t, under), "past the filter")
	f.Free()
	write(t, far, "more")
	settle(t, base)
	d.want(t, "read")
}

func TestAFilterWhoseUnderlyingTheUserFreesFirst(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	freed := 0
	f, err := bufferevent.NewFilter(under, nil, nil, bufferevent.CloseOnFree, func() { freed++ })
	ok(t, err)
	ok(t, f.Enable(event.Read))
	under.Free()
	ok(t, far.Enable(event.Read))
	write(t, f, "still goes out")
	want(t, "input there", take(t, far), "still goes out")
	write(t, far, "and nothing comes back")
	settle(t, base)
	want(t, "input", f.Input().Len(), 0)
	f.Free()
	want(t, "freed", freed, 1)
	want(t, "partner", far.Partner(), nil)
}

func TestCloseOnFreeThroughAStack(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	top := stack(t, under, 2, 0)
	write(t, top, "lost, for it was not written yet")
	top.Free()
	data, ended := peer.receive()
	want(t, "data", data, "")
	want(t, "ended", ended, true)
	want(t, "events that wait", waiting(base), 0)
}

func TestReferencesKeepAFilter(t *testing.T) {
	base := newBase(t)
	under, _ := halves(t, base, 0)
	freed := 0
	f, err := bufferevent.NewFilter(under, nil, nil, 0, func() { freed++ })
	ok(t, err)
	f.IncRef()
	f.Free()
	want(t, "freed", freed, 0)
	want(t, "last one", f.DecRef(), true)
	want(t, "freed", freed, 1)
}

func TestDescriptorsThroughFilters(t *testing.T) {
	base := newBase(t)
	under, _ := newSocket(t, base, 0)
	top := stack(t, under, 1, 0)
	fd := under.FD()
	want(t, "descriptor", top.FD(), fd)
	ok(t, top.SetFD(-1))
	want(t, "descriptor", under.FD(), -1)
	want(t, "name", top.String(), "filter")
	ok(t, top.SetFD(fd))
	want(t, "descriptor", under.FD(), fd)
	pair, _ := halves(t, base, 0)
	wantError(t, "over a pair", newFilter(t, pair, nil, nil, 0).SetFD(fd), errors.ErrUnsupported)
}

func TestANewDescriptorBelowBeginsAnew(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	f := newFilter(t, under, blocks, tail, 0)
	var d diary
	d.keep(f)
	ok(t, f.Enable(event.Read))
	write(t, f, "text")
	ok(t, f.CloseWrite())
	peer.expectEnd(base, "text.")
	peer.shutdown()
	d.await(t, base, "reading|EOF")

	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	ok(t, err)
	ok(t, evutil.SetNonblock(pair[0]))
	ok(t, evutil.SetNonblock(pair[1]))
	other := newPeer(t, pair[1])
	ok(t, evutil.CloseSocket(f.FD()))
	ok(t, f.SetFD(pair[0]))
	want(t, "error", f.Err(), nil)
	ok(t, under.Enable(event.Read))
	write(t, f, "again")
	other.expect(base, "again")
	other.send("0123456789")
	await(t, base, "input", func() bool { return f.Input().Len() == 10 })
	ok(t, f.CloseWrite())
	other.expectEnd(base, ".")
}

func TestConnectThroughFilters(t *testing.T) {
	base := newBase(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	under := overFD(t, base, -1, 0)
	top := stack(t, under, 1, 0)
	var d diary
	d.keep(top)
	ok(t, top.Connect(l.Addr().(*net.TCPAddr).AddrPort()))
	wantError(t, "again", top.Connect(netip.MustParseAddrPort("127.0.0.1:1")), bufferevent.ErrConnecting)
	write(t, top, "hello")
	d.await(t, base, "connected")
	c, err := l.Accept()
	ok(t, err)
	defer c.Close()
	settle(t, base)
	p := make([]byte, 5)
	_, err = io.ReadFull(c, p)
	ok(t, err)
	want(t, "what has come", string(p), "hello")
}

func TestEventsPassThroughFilters(t *testing.T) {
	for _, what := range []bufferevent.Events{
		bufferevent.EventConnected,
		bufferevent.EventTimeout | bufferevent.EventReading,
		bufferevent.EventTimeout | bufferevent.EventWriting,
		bufferevent.EventError | bufferevent.EventReading,
		bufferevent.EventError | bufferevent.EventWriting,
		bufferevent.EventEOF | bufferevent.EventWriting,
		bufferevent.EventEOF | bufferevent.EventReading,
	} {
		base := newBase(t)
		under, _ := newSocket(t, base, 0)
		top := stack(t, under, 1, 0)
		ok(t, top.Enable(event.Read))
		var d diary
		d.keep(top)
		under.TriggerEvent(what, 0)
		d.want(t, what.String())
	}
}

func TestErrorsPassThroughFilters(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	top := stack(t, under, 1, 0)
	var d diary
	d.keep(top)
	peer.close()
	write(t, top, "to nobody")
	d.await(t, base, "writing|error")
	if top.Err() == nil || top.Err() != under.Err() {
		t.Errorf("error %v, and %v below", top.Err(), under.Err())
	}
}

func TestTheTimeoutsOfAFilter(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, nil, nil, 0)
	check := func(when string, read, write int) {
		t.Helper()
		r, w := bufferevent.TimersRunning(f)
		want(t, "timers "+when, [2]int{r, w}, [2]int{read, write})
	}
	ok(t, f.SetTimeouts(time.Hour, time.Hour))
	check("at first", 0, 0)
	ok(t, f.Enable(event.Read))
	check("while it reads", 1, 0)
	ok(t, far.Disable(event.Read))
	ok(t, f.Underlying().SetWatermark(event.Write, 0, 3))
	write(t, f, "01234")
	check("while there is no room", 1, 1)
	ok(t, f.Disable(event.Write))
	check("while writing is disabled", 1, 0)
	ok(t, f.Enable(event.Write))
	check("while it is enabled again", 1, 1)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	check("when all is written", 1, 0)
	ok(t, f.SetWatermark(event.Read, 0, 4))
	write(t, far, "0123")
	settle(t, base)
	check("while the input is full", 0, 0)

	var d diary
	d.keep(f)
	ok(t, f.Input().Drain(4))
	ok(t, f.SetTimeouts(time.Millisecond, 0))
	d.await(t, base, "reading|timeout")
	want(t, "enabled", f.Enabled(), event.Write)
}

func TestFlushOfAFilterTellsWhatItHasRead(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, blocks, nil, 0)
	var d diary
	d.keep(f)
	ok(t, f.Enable(event.Read))
	write(t, far, "012")
	settle(t, base)
	want(t, "input", f.Input().Len(), 0)
	d.want(t)
	moved, err := f.Flush(event.Read, bufferevent.ModeFlush)
	ok(t, err)
	want(t, "moved", moved, true)
	d.want(t, "read")
	want(t, "input", take(t, f), "012")
}

func TestFreeInTheCallbackThatFlushCalls(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, xor, xor, 0)
	var d diary
	d.keep(far)
	f.SetCallbacks(nil, func(f *bufferevent.Bufferevent) { f.Free() }, nil)
	ok(t, f.Disable(event.Write))
	write(t, f, "data")
	moved, err := f.Flush(event.Write, bufferevent.ModeFinished)
	ok(t, err)
	want(t, "moved", moved, true)
	settle(t, base)
	want(t, "the end was told", d.has("reading|EOF"), false)
}

func TestAFilterIsNotCalledFromWithinItself(t *testing.T) {
	base := newBase(t)
	depth := 0
	outermost := func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
		depth++
		defer func() { depth-- }()
		want(t, "depth", depth, 1)
		return xor(src, dst, limit, mode)
	}
	f, far := filterOverPair(t, base, outermost, outermost, 0)
	ok(t, f.SetWatermark(event.Read, 0, 4))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	settle(t, base)
	f.Input().AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			ok(t, e.Buffer().Drain(1))
		}
	})
	left := 10
	f.Underlying().Output().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if left--; info.Added > 0 && left > 0 {
			write(t, f, "x")
		}
	})
	ok(t, f.Input().Drain(4))
	write(t, f, "x")
	settle(t, base)
	want(t, "left below", f.Underlying().Input().Len(), 0)
}

// Callbacks of the buffers see what happens in the middle of it.
func TestBufferCallbacksThatDrainWhileTheFilterRuns(t *testing.T) {
	base := newBase(t)
	f, far := filterOverPair(t, base, triple, nil, 0)
	total := 0
	f.Input().AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			total += e.Buffer().Len()
			ok(t, e.Buffer().Drain(e.Buffer().Len()))
		}
	})
	ok(t, f.SetWatermark(event.Read, 0, 6))
	ok(t, f.Enable(event.Read))
	write(t, far, "0123456789")
	settle(t, base)
	want(t, "all", total, 30)
	want(t, "left below", f.Underlying().Input().Len(), 0)
}
