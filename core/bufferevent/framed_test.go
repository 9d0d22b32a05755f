package bufferevent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// newFramed returns the two ends of a framed stream over a pair.
func newFramed(t testing.TB, base *event.Base, opts bufferevent.Options) (a, b *bufferevent.Bufferevent) {
	t.Helper()
	x, y := halves(t, base, 0)
	return frame(t, x, opts), frame(t, y, opts)
}

// frame puts a framing on a bufferevent. Its Unlink must be called once.
func frame(t testing.TB, under *bufferevent.Bufferevent, opts bufferevent.Options) *bufferevent.Bufferevent {
	t.Helper()
	unlinked := new(int)
	t.Cleanup(func() { want(t, "calls of Unlink", *unlinked, 1) })
	f, err := newFraming(under, opts|bufferevent.CloseOnFree, unlinked)
	ok(t, err)
	t.Cleanup(f.Free)
	return f
}

func TestATransportOfAnotherPackage(t *testing.T) {
	for _, kind := range []string{"pair", "socket", "filter", "framing"} {
		for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
			t.Run(kind, func(t *testing.T) {
				base := newBase(t)
				x, y := halves(t, base, 0)
				switch kind {
				case "socket":
					var peer *peer
					x, peer = newSocket(t, base, 0)
					y = overFD(t, base, peer.fd, 0)
					peer.closed = true
				case "filter":
					x, y = newFilter(t, x, nil, xor, 1), newFilter(t, y, xor, nil, 1)
					x, y = newFilter(t, x, xor, nil, 1), newFilter(t, y, nil, xor, 1)
				case "framing":
					x, y = frame(t, x, opts), frame(t, y, opts)
				}
				a, b := frame(t, x, opts), frame(t, y, opts)
				var near, far diary
				near.keep(a)
				far.keep(b)
				far.want(t)
				want(t, "name", strings.HasPrefix(a.String(), "framing"), true)
				want(t, "underlying", a.Underlying(), x)
				want(t, "descriptor", a.FD(), x.FD())
				far.await(t, base, "connected")
				near.await(t, base, "connected")

				long := strings.Repeat("a text that needs several frames ", 1000)
				ok(t, b.SetWatermark(event.Read, 0, 1234))
				ok(t, b.Enable(event.Read))
				write(t, a, long)
				ok(t, a.CloseWrite())
				_, err := a.WriteString("more")
				wantError(t, "write", err, bufferevent.ErrClosed)
				var got strings.Builder
				evtest.Await(t, base, "all", func() bool {
					if b.Input().Len() > 1234 {
						t.Fatalf("input of %d bytes", b.Input().Len())
					}
					want(t, "the end", far.has("reading|EOF") && got.Len() < len(long)-b.Input().Len(), false)
					got.WriteString(take(t, b))
					return far.has("reading|EOF")
				})
				got.WriteString(take(t, b))
				want(t, "all", got.String(), long)

				ok(t, a.Enable(event.Read))
				write(t, b, "reply")
				evtest.Await(t, base, "reply", func() bool { return a.Input().Len() == 5 })
				want(t, "reply", take(t, a), "reply")
			})
		}
	}
}

func TestATransportsHandshake(t *testing.T) {
	base := newBase(t)
	x, far := halves(t, base, 0)
	a := frame(t, x, 0)
	var d diary
	d.keep(a)
	ok(t, far.Enable(event.Read))
	write(t, a, "too early")
	settle(t, base)
	want(t, "what has come", take(t, far), "HELO")
	write(t, far, "HE")
	settle(t, base)
	d.want(t)
	write(t, far, "LO")
	settle(t, base) // although reading is disabled
	d.want(t, "connected", "write")
	want(t, "what has come", take(t, far), "\x00\x09too early")
	write(t, far, "\x00\x01x")
	settle(t, base)
	d.want(t)
	want(t, "input", a.Input().Len(), 0)
	ok(t, a.Enable(event.Read))
	settle(t, base)
	d.want(t, "read")
}

func TestATransportsErrors(t *testing.T) {
	for name, c := range map[string]struct {
		sent string
		end  bool
		err  error
	}{
		"bad greeting": {"EHLO", false, errGreeting},
		"bad frame":    {"HELO\xff\xffx", false, errFrame},
		"no last one":  {"HELO\x00\x01x", true, errTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			x, far := halves(t, base, 0)
			a := frame(t, x, 0)
			var d diary
			d.keep(a)
			ok(t, a.Enable(event.Read))
			write(t, far, c.sent)
			if c.end {
				ok(t, far.CloseWrite())
			}
			settle(t, base)
			want(t, "the last that is told", d[len(d)-1], "reading|error")
			wantError(t, "error", a.Err(), c.err)
			want(t, "enabled", a.Enabled(), event.Write)
		})
	}
}

func TestATransportsTimeouts(t *testing.T) {
	base := newBase(t)
	a, b := newFramed(t, base, 0)
	var d diary
	d.keep(a)
	settle(t, base)
	d.want(t, "connected")
	ok(t, a.SetTimeouts(time.Millisecond, time.Hour))
	want(t, "timers", timers(base), 0)
	ok(t, b.Underlying().Disable(event.Read))
	ok(t, a.Underlying().SetWatermark(event.Write, 0, 1))
	write(t, a, strings.Repeat("x", 2*maxFrame))
	_, w := bufferevent.TimersRunning(a)
	want(t, "timer for writing", w, 1)
	ok(t, a.Enable(event.Read))
	d.await(t, base, "reading|timeout")
}

func TestFreeInTheCallbacksOfATransport(t *testing.T) {
	for _, callback := range []string{"read", "write", "connected"} {
		base := newBase(t)
		a, b := newFramed(t, base, 0)
		free := func(on string) {
			if on == callback {
				a.Free()
			}
		}
		a.SetCallbacks(
			func(*bufferevent.Bufferevent) { free("read") },
			func(*bufferevent.Bufferevent) { free("write") },
			func(_ *bufferevent.Bufferevent, what bufferevent.Events) { free(what.String()) })
		ok(t, a.Enable(event.Read))
		write(t, a, "there")
		write(t, b, "and back")
		settle(t, base)
		_, err := a.WriteString("x")
		wantError(t, callback, err, bufferevent.ErrFreed)
	}
}

func TestATransportWithoutCloseOnFree(t *testing.T) {
	base := newBase(t)
	x, far := halves(t, base, 0)
	unlinked := 0
	a, err := newFraming(x, 0, &unlinked)
	ok(t, err)
	write(t, far, "HELO")
	settle(t, base)
	write(t, far, "waits, as nobody reads")
	settle(t, base)
	want(t, "output there", far.Output().Len(), 22)
	a.Free()
	want(t, "calls of Unlink", unlinked, 1)
	want(t, "input", take(t, x), "waits, as nobody reads")
	read, wrote, told := x.Callbacks()
	want(t, "no callbacks", read == nil && wrote == nil && told == nil, true)
	want(t, "partner", far.Partner(), x)
}

func TestATransportOverWhatWasFreed(t *testing.T) {
	base := newBase(t)
	x, _ := halves(t, base, 0)
	x.Free()
	_, err := newFraming(x, 0, new(int))
	wantError(t, "error", err, bufferevent.ErrFreed)
}

func TestATransportsDescriptor(t *testing.T) {
	base := newBase(t)
	x, peer := newSocket(t, base, 0)
	a := frame(t, x, 0)
	var d diary
	d.keep(a)
	ok(t, a.CloseWrite())
	peer.send("HELO")
	peer.expectEnd(base, "HELO\x00\x00")
	want(t, "connected", d.has("connected"), true)
	d = nil

	fd := a.FD()
	y, other := newSocket(t, base, 0)
	ok(t, a.SetFD(y.FD()))
	ok(t, y.SetFD(fd))
	write(t, a, "again")
	other.send("HELO")
	other.expect(base, "HELO\x00\x05again")
	want(t, "connected", d.has("connected"), true)
	pair, _ := halves(t, base, 0)
	wantError(t, "over a pair", frame(t, pair, 0).SetFD(3), errors.ErrUnsupported)
}
