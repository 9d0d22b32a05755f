package bufferevent_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

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
