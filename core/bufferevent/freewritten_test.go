package bufferevent_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A farEnd is where what a bufferevent writes arrives.
type farEnd interface {
	// receive returns what has arrived since, and whether the stream has ended.
	receive() (data string, ended bool)
}

// A farHalf is the other half of a pair as a farEnd.
type farHalf struct {
	b     *bufferevent.Bufferevent
	ended bool
}

func newFarHalf(t testing.TB, b *bufferevent.Bufferevent) *farHalf {
	t.Helper()
	f := &farHalf{b: b}
	b.SetCallbacks(nil, nil, func(_ *bufferevent.Bufferevent, what bufferevent.Events) {
		f.ended = f.ended || what.Outcome() == bufferevent.InputEnded
	})
	ok(t, b.SetWatermark(event.Read, 0, 1<<16))
	ok(t, b.Enable(event.Read))
	return f
}

func (f *farHalf) receive() (string, bool) {
	p := make([]byte, f.b.Input().Len())
	n, _ := f.b.Input().Remove(p)
	return string(p[:n]), f.ended
}

// hoarding is an output filter that gives what it has got only at the end.
func hoarding() bufferevent.Filter {
	kept := evbuffer.New()
	return func(src, dst *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
		if err := kept.AddBuffer(src); err != nil {
			return err
		}
		if mode == bufferevent.ModeFinished {
			return dst.AddBuffer(kept)
		}
		return bufferevent.ErrNeedMore
	}
}

// ways are bufferevents of all kinds, with what they write to.
var ways = []struct {
	name string
	make func(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, farEnd)
}{
	{"socket", overSocket(0)},
	{"filter over a socket", overSocket(1)},
	{"filters over a socket", overSocket(3)},
	{"pair", overHalf(0)},
	{"filter over a pair", overHalf(1)},
	{"filters over a pair", overHalf(2)},
	{"filter that keeps everything to the end", func(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, farEnd) {
		b, far := overSocket(0)(t, base, 0)
		return newFilter(t, b, nil, hoarding(), opts|bufferevent.CloseOnFree), far
	}},
}

func overSocket(filters int) func(testing.TB, *event.Base, bufferevent.Options) (*bufferevent.Bufferevent, farEnd) {
	return func(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, farEnd) {
		b, far := newTCP(t, base, opts)
		return stacked(t, b, filters, opts), far
	}
}

func overHalf(filters int) func(testing.TB, *event.Base, bufferevent.Options) (*bufferevent.Bufferevent, farEnd) {
	return func(t testing.TB, base *event.Base, opts bufferevent.Options) (*bufferevent.Bufferevent, farEnd) {
		a, b := newPair(t, base)
		return stacked(t, a, filters, opts), newFarHalf(t, b)
	}
}

func stacked(t testing.TB, b *bufferevent.Bufferevent, filters int, opts bufferevent.Options) *bufferevent.Bufferevent {
	t.Helper()
	for range filters {
		b = newFilter(t, b, nil, nil, opts|bufferevent.CloseOnFree)
		ok(t, b.Underlying().SetWatermark(event.Write, 1<<10, 1<<16)) // so that it is full now and then
	}
	return b
}

// awaitEnd runs the loop until the far end has got data and then the end.
func awaitEnd(t testing.TB, base *event.Base, far farEnd, data string) {
	t.Helper()
	var got strings.Builder
	for start := time.Now(); ; evtest.Turn(t, base) {
		part, ended := far.receive()
		got.WriteString(part)
		if ended {
			break
		}
		if time.Since(start) > patience {
			t.Fatalf("waited in vain for the end; %d bytes of %d have come", got.Len(), len(data))
		}
	}
	if got.String() != data {
		t.Fatalf("%d bytes have come before the end, want %d", got.Len(), len(data))
	}
}

// An ending notes how FreeWhenWrittenFunc tells that it has ended.
type ending struct {
	calls int
	err   error
}

func (e *ending) told(err error) { e.calls, e.err = e.calls+1, err }

func TestFreeWhenWrittenWritesEverythingAndEndsTheStream(t *testing.T) {
	for _, way := range ways {
		for _, size := range []int{0, 5, 3 << 20} {
			for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
				t.Run(fmt.Sprintf("%s, %d bytes, options %d", way.name, size, opts), func(t *testing.T) {
					base := newBase(t)
					b, far := way.make(t, base, opts)
					data := strings.Repeat("0123456789abcdef", size/16+1)[:size]
					write(t, b, data)
					var d diary
					d.keep(b)
					ok(t, b.Enable(event.Read))
					var e ending
					b.FreeWhenWrittenFunc(time.Minute, e.told)
					awaitEnd(t, base, far, data)
					settle(t, base)
					d.want(t)
					want(t, "calls of the function", e.calls, 1)
					wantError(t, "ending", e.err, nil)
					want(t, "timers left", timers(base), 0)
					_, err := b.WriteString("more")
					wantError(t, "write after the end", err, bufferevent.ErrFreed)
				})
			}
		}
	}
}

func TestFreeWhenWrittenNeedsNoLoopForWhatTheKernelTakes(t *testing.T) {
	for _, filters := range []int{0, 2} {
		t.Run(fmt.Sprint(filters, " filters"), func(t *testing.T) {
			base := newBase(t)
			b, far := overSocket(filters)(t, base, 0)
			write(t, b, "farewell")
			b.FreeWhenWritten(0)
			got, ended := "", false
			for start := time.Now(); !ended && time.Since(start) < patience; {
				var part string
				part, ended = far.receive()
				got += part
			}
			want(t, "what has come without the loop", got, "farewell")
			want(t, "that it has ended", ended, true)
		})
	}
}

func TestFreeWhenWrittenOfASocketCostsNoSystemCallMore(t *testing.T) {
	calls := func(free func(b *bufferevent.Bufferevent)) (n int) {
		base := newBase(t)
		b, _ := newTCP(t, base, 0)
		ok(t, b.Enable(event.Read))
		settle(t, base)
		defer sysio.SetHook(func(c sysio.Call) (int, error) { n++; return c.Len, nil })()
		free(b)
		return n
	}
	plain := calls((*bufferevent.Bufferevent).Free)
	want(t, "calls", calls(func(b *bufferevent.Bufferevent) { b.FreeWhenWritten(0) }), plain)
}

func TestAfterFreeWhenWrittenTheBuffereventIsGoneForItsUser(t *testing.T) {
	base := newBase(t)
	b, far := newTCP(t, base, 0)
	write(t, b, strings.Repeat("x", 8<<20)) // more than the kernel takes
	b.FreeWhenWritten(time.Minute)
	_, err := b.WriteString("more")
	wantError(t, "write", err, bufferevent.ErrClosed)
	wantError(t, "enable", b.Enable(event.Read), bufferevent.ErrFreed)
	var d diary
	d.keep(b)
	far.send("nobody reads this")
	b.TriggerEvent(bufferevent.EventReading|bufferevent.EventEOF, nil, 0)
	b.Trigger(event.Read, bufferevent.TrigIgnoreWatermarks)
	b.FreeWhenWritten(time.Minute)
	settle(t, base)
	want(t, "input", b.Input().Len(), 0)
	b.Free()
	b.Free()
	d.want(t)
	far.expectGone(base)
}

func TestFreeWhenWrittenGivesUp(t *testing.T) {
	var partner *bufferevent.Bufferevent
	freePartner := func(t *testing.T, base *event.Base) {
		partner.Free()
		settle(t, base)
	}
	tests := []struct {
		name string
		make func(t *testing.T, base *event.Base) *bufferevent.Bufferevent
		act  func(t *testing.T, base *event.Base)
		want error
	}{
		{"when the peer takes nothing", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newTCP(t, base, 0)
			return b
		}, passTime, os.ErrDeadlineExceeded},
		{"when the peer below a filter takes nothing", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := overSocket(1)(t, base, 0)
			return b
		}, passTime, os.ErrDeadlineExceeded},
		{"when the other half does not read", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			a, _ := newPair(t, base)
			return a
		}, passTime, os.ErrDeadlineExceeded},
		{"when the other half is gone", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			a, b := newPair(t, base)
			write(t, a, "x")
			b.Free()
			return a
		}, nil, bufferevent.ErrNoPartner},
		{"when the other half goes meanwhile", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			a, b := newPair(t, base)
			partner = b
			return a
		}, freePartner, bufferevent.ErrNoPartner},
		{"when the other half goes from below a filter", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			a, b := newPair(t, base)
			partner = b
			return newFilter(t, a, nil, nil, bufferevent.CloseOnFree)
		}, freePartner, bufferevent.ErrNoPartner},
		{"when there is nobody to write to", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			return overFD(t, base, -1, 0)
		}, nil, event.ErrNil},
		{"when writing has failed before", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newTCP(t, base, 0)
			write(t, b, "x")
			defer sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, errReset))()
			settle(t, base)
			return b
		}, nil, errReset},
		{"when writing fails", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newTCP(t, base, 0)
			t.Cleanup(sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, errReset)))
			return b
		}, nil, errReset},
		{"when writing below filters fails", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := overSocket(2)(t, base, 0)
			t.Cleanup(sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, errReset)))
			return b
		}, nil, errReset},
		{"when the filter fails", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newTCP(t, base, 0)
			return newFilter(t, b, nil, func(_, _ *evbuffer.Buffer, _ int, mode bufferevent.FlushMode) error {
				if mode == bufferevent.ModeFinished {
					return errReset
				}
				return bufferevent.ErrNeedMore
			}, bufferevent.CloseOnFree)
		}, nil, errReset},
		{"when the filter keeps something for ever", func(t *testing.T, base *event.Base) *bufferevent.Bufferevent {
			b, _ := newTCP(t, base, 0)
			return newFilter(t, b, nil, func(_, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
				return bufferevent.ErrNeedMore
			}, bufferevent.CloseOnFree)
		}, nil, bufferevent.ErrBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t)
			b := tt.make(t, base)
			b.WriteString(strings.Repeat("x", 8<<20))
			var e ending
			b.FreeWhenWrittenFunc(time.Hour, e.told)
			settle(t, base)
			if tt.act != nil {
				want(t, "calls before", e.calls, 0)
				tt.act(t, base)
			}
			want(t, "calls", e.calls, 1)
			wantError(t, "ending", e.err, tt.want)
			_, err := b.WriteString("x")
			wantError(t, "write", err, bufferevent.ErrFreed)
		})
	}
}

// passTime has all timers fire until there is none any more: a few times, in which
// the kernel has taken something.
func passTime(t *testing.T, base *event.Base) {
	for range 1000 {
		if timers(base) == 0 {
			return
		}
		for ev := range base.Events() {
			if ev.Pending(event.Timeout) != 0 {
				ev.Activate(event.Timeout)
			}
		}
		settle(t, base)
	}
}

func TestFreeWhenWrittenWaitsAsLongAsThePeerTakesSomething(t *testing.T) {
	base := newBase(t)
	b, far := newTCP(t, base, 0)
	data := strings.Repeat("x", 8<<20)
	write(t, b, data)
	var e ending
	b.FreeWhenWrittenFunc(time.Hour, e.told)
	got, left := 0, b.Output().Len()
	for start := time.Now(); e.calls == 0; {
		want(t, "in time", time.Since(start) < patience, true)
		part, _ := far.receive()
		got += len(part)
		evtest.Turn(t, base)
		if n := b.Output().Len(); n != left && e.calls == 0 { // the timer may fire then
			left = n
			for ev := range base.Events() {
				if ev.Pending(event.Timeout) != 0 {
					ev.Activate(event.Timeout)
				}
			}
		}
	}
	wantError(t, "ending", e.err, nil)
	for ended := false; !ended; {
		var part string
		part, ended = far.receive()
		got += len(part)
	}
	want(t, "bytes", got, len(data))
}

func TestFreeWhenWrittenWaitsForAConnection(t *testing.T) {
	for _, byName := range []bool{false, true} {
		t.Run(fmt.Sprint("by name ", byName), func(t *testing.T) {
			base := newBase(t)
			h := newHost(t)
			b := overFD(t, base, -1, 0)
			if byName {
				ok(t, b.ConnectHostname(nil, "tcp", "127.0.0.1", int(h.addr().Port())))
			} else {
				ok(t, b.Connect(h.addr()))
			}
			write(t, b, "hello")
			b.FreeWhenWritten(time.Minute)
			got := make(chan string, 1)
			go func() {
				c := h.accept()
				defer c.Close()
				all, _ := io.ReadAll(c)
				got <- string(all)
			}()
			for start, data := time.Now(), ""; data == ""; evtest.Turn(t, base) {
				select {
				case data = <-got:
					want(t, "data", data, "hello")
				default:
					want(t, "in time", time.Since(start) < patience, true)
				}
			}
		})
	}
}

func TestFreeWhenWrittenOfNothingDoesNotWaitForAConnection(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	b := overFD(t, base, -1, 0)
	ok(t, b.Connect(h.addr()))
	var e ending
	b.FreeWhenWrittenFunc(time.Minute, e.told)
	want(t, "calls", e.calls, 1)
	wantError(t, "ending", e.err, nil)
}

func TestFreeWhenWrittenEnablesWriting(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			base := newBase(t)
			b, far := way.make(t, base, 0)
			ok(t, b.Disable(event.Write))
			write(t, b, "hello")
			b.FreeWhenWritten(time.Minute)
			awaitEnd(t, base, far, "hello")
		})
	}
}

// What a filter without CloseOnFree stands on goes back to the user as a stream
// that has not ended.
func TestFreeWhenWrittenLeavesWhatIsNotToBeFreed(t *testing.T) {
	base := newBase(t)
	under, far := newTCP(t, base, 0)
	b := newFilter(t, under, nil, hoarding(), 0)
	write(t, b, "hello, ")
	b.FreeWhenWritten(0)
	settle(t, base)
	write(t, under, "world")
	far.expect(base, "hello, world")
	under.FreeWhenWritten(0)
	far.expectEnd(base, "")
}

// The descriptor of a socket without CloseOnFree is the user's, and so is the end
// of its stream.
func TestFreeWhenWrittenLeavesTheDescriptorThatIsNotToBeClosed(t *testing.T) {
	base := newBase(t)
	owner, far := newTCP(t, base, 0)
	b, err := bufferevent.NewSocket(base, owner.FD(), 0)
	ok(t, err)
	write(t, b, "hello")
	var e ending
	b.FreeWhenWrittenFunc(0, e.told)
	want(t, "calls", e.calls, 1)
	write(t, owner, ", world")
	far.expect(base, "hello, world")
}

// It may be called in any callback, by which whatever calls that must survive.
func TestFreeWhenWrittenInCallbacks(t *testing.T) {
	for _, way := range ways {
		for _, where := range []string{"read", "write", "event", "buffer"} {
			for _, opts := range []bufferevent.Options{0, bufferevent.DeferCallbacks} {
				t.Run(fmt.Sprintf("%s, %s, options %d", way.name, where, opts), func(t *testing.T) {
					base := newBase(t)
					b, far := way.make(t, base, opts)
					end := sync.OnceFunc(func() {
						b.FreeWhenWritten(time.Minute)
					})
					write(t, b, "hello")
					data := func(name string) bufferevent.DataCallback {
						return func(*bufferevent.Bufferevent) {
							if name == where {
								end()
							}
						}
					}
					b.SetCallbacks(data("read"), data("write"), func(*bufferevent.Bufferevent, bufferevent.Events) { end() })
					switch where {
					case "read":
						b.Trigger(event.Read, bufferevent.TrigIgnoreWatermarks)
					case "event":
						b.TriggerEvent(bufferevent.EventReading|bufferevent.EventEOF, nil, 0)
					case "write":
						b.Trigger(event.Write, bufferevent.TrigIgnoreWatermarks)
					case "buffer":
						b.Output().AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
							if info.Deleted > 0 && b.Output().RemoveCallback(e) == nil {
								end()
							}
						})
						settle(t, base)
						end() // if the buffer was empty already
					}
					awaitEnd(t, base, far, "hello")
				})
			}
		}
	}
}

// A transport that does not know of FreeWhenWritten is freed when its output is
// empty.
func TestFreeWhenWrittenOverOtherTransports(t *testing.T) {
	base := newBase(t)
	p := newTape(t, base, 0)
	write(t, &p.bev, "hello")
	p.log = nil
	var e ending
	p.bev.FreeWhenWrittenFunc(time.Minute, e.told)
	p.log.want(t, "disable Read")
	want(t, "calls", e.calls, 0)
	want(t, "output", p.record(t), "hello")
	want(t, "calls", e.calls, 1)
	wantError(t, "ending", e.err, nil)
	p.log.want(t, "unlink")

	p = newTape(t, base, 0)
	p.bev.FreeWhenWritten(time.Minute)
	p.log.want(t, "unlink")
}

func TestFreeWhenWrittenFromAnotherGoroutine(t *testing.T) {
	enableLocks(t)
	for _, way := range ways {
		if strings.HasSuffix(way.name, "pair") { // which gets no lock here
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			base := newBase(t)
			var b *bufferevent.Bufferevent
			under, far := newTCP(t, base, bufferevent.ThreadSafe|bufferevent.DeferCallbacks|bufferevent.UnlockCallbacks)
			b = under
			if way.name != "socket" {
				b = newFilter(t, under, nil, nil, bufferevent.CloseOnFree|bufferevent.ThreadSafe)
			}
			data := strings.Repeat("x", 3<<20)
			done := make(chan struct{})
			go func() {
				defer close(done)
				b.WriteString(data)
				b.FreeWhenWritten(time.Minute)
			}()
			awaitEnd(t, base, far, data)
			<-done
		})
	}
}

// TestFreeingTheBaseEndsWhatIsBeingWritten frees a base whose bufferevent still has
// something to write, and which nobody else can free.
func TestFreeingTheBaseEndsWhatIsBeingWritten(t *testing.T) {
	much := strings.Repeat("x", 16<<20) // more than the system takes
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			base, err := event.NewBase()
			ok(t, err)
			b, far := way.make(t, base, bufferevent.CloseOnFree)
			write(t, b, much)
			var ended []error
			b.FreeWhenWrittenFunc(time.Hour, func(err error) { ended = append(ended, err) })
			evtest.Turn(t, base)
			if far.receive(); len(ended) > 0 {
				t.Fatalf("ended before, with %v", ended)
			}
			base.Free()
			if len(ended) != 1 || !errors.Is(ended[0], event.ErrFreed) {
				t.Errorf("ended with %v, want %v", ended, event.ErrFreed)
			}
		})
	}
}

// TestFreeingTheBaseClosesWhatIsBeingWritten has nobody but the base left to close the
// descriptor.
func TestFreeingTheBaseClosesWhatIsBeingWritten(t *testing.T) {
	evtest.Leaks(t)
	base, err := event.NewBase()
	ok(t, err)
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	defer evutil.CloseSocket(pair[1])
	ok(t, evutil.SetNonblock(pair[0]))
	b, err := bufferevent.NewSocket(base, pair[0], bufferevent.CloseOnFree)
	ok(t, err)
	write(t, b, strings.Repeat("x", 16<<20))
	b.FreeWhenWritten(time.Hour)
	evtest.Turn(t, base)
	base.Free()
}
