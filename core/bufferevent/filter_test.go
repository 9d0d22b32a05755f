package bufferevent_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
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
		"nothing":              {nil, 0, event.ErrNil},
		"one that was freed":   {freed, 0, bufferevent.ErrFreed},
		"one that still is":    {kept, 0, bufferevent.ErrFreed},
		"an option unknown":    {under, 1 << 15, bufferevent.ErrOptions},
		"unlocked, at once":    {under, bufferevent.UnlockCallbacks, bufferevent.ErrOptions},
		"ThreadSafe, no locks": {under, bufferevent.ThreadSafe, evthread.ErrNoLocks},
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
				evtest.Await(t, base, "text", func() bool { return far.Input().Len() == len(long) })
				want(t, "input", take(t, far), long)
				write(t, far, "reply")
				evtest.Await(t, base, "reply", func() bool { return near.Input().Len() == 5 })
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

// A call is what a filter was called with.
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
