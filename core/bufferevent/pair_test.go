package bufferevent_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
)

// halves returns the halves of a pair, which are freed at the end of the test at
// the latest.
func halves(t testing.TB, base *event.Base, opts bufferevent.Options) (a, b *bufferevent.Bufferevent) {
	t.Helper()
	a, b, err := bufferevent.NewPair(base, opts)
	ok(t, err)
	t.Cleanup(a.Free)
	t.Cleanup(b.Free)
	return a, b
}

// both is the set of directions.
const both = event.Read | event.Write

func TestNewPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	for _, half := range []*bufferevent.Bufferevent{a, b} {
		want(t, "enabled", half.Enabled(), event.Write)
		want(t, "base", half.Base(), base)
		want(t, "name", half.String(), "pair")
		want(t, "descriptor", half.FD(), -1)
		want(t, "underlying", half.Underlying(), nil)
	}
	want(t, "partner", a.Partner(), b)
	want(t, "partner", b.Partner(), a)
	want(t, "events that wait", waiting(base), 0)
}

func TestNewPairRefuses(t *testing.T) {
	base := newBase(t)
	for name, c := range map[string]struct {
		base *event.Base
		opts bufferevent.Options
		err  error
	}{
		"no base":              {nil, 0, event.ErrNil},
		"an option unknown":    {base, 1 << 15, bufferevent.ErrOptions},
		"ThreadSafe, no locks": {base, bufferevent.ThreadSafe, evthread.ErrNoLocks},
	} {
		a, b, err := bufferevent.NewPair(c.base, c.opts)
		wantError(t, name, err, c.err)
		want(t, name, a == nil && b == nil, true)
	}
}

func TestWhatAPairCannotDo(t *testing.T) {
	base := newBase(t)
	a, _ := halves(t, base, 0)
	wantError(t, "set descriptor", a.SetFD(3), errors.ErrUnsupported)
	wantError(t, "set base", a.SetBase(base), errors.ErrUnsupported)
	wantError(t, "set priority", a.SetPriority(0), errors.ErrUnsupported)
	wantError(t, "connect", a.ConnectUnix("x"), errors.ErrUnsupported)
}

func TestWhatOneHalfWritesTheOtherReads(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(b)
	write(t, a, "hello")
	settle(t, base)
	d.want(t)
	want(t, "output, while nobody reads", a.Output().Len(), 5)
	ok(t, b.Enable(event.Read))
	want(t, "input", contents(t, b), "hello")
	d.want(t) // the loop will tell
	settle(t, base)
	d.want(t, "read")
	want(t, "taken", take(t, b), "hello")

	ok(t, a.Enable(event.Read)) // and the other way
	write(t, b, "and back")
	want(t, "input", take(t, a), "and back")
}

func TestAPairDoesNotCopy(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	ok(t, b.Enable(event.Read))
	memory := make([]byte, 1<<20)
	ok(t, a.Output().AddReference(memory, nil))
	vecs := make([][]byte, 1)
	_, err := b.Input().Peek(-1, nil, vecs)
	ok(t, err)
	want(t, "memory", &vecs[0][0], &memory[0])
}

func TestCallbacksOfAPairAreDeferred(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	rounds := 0
	echo := func(b *bufferevent.Bufferevent) {
		if rounds++; rounds <= 1000 {
			ok(t, b.WriteBuffer(b.Input()))
		}
	}
	for _, half := range []*bufferevent.Bufferevent{a, b} {
		half.SetCallbacks(echo, nil, nil)
		ok(t, half.Enable(event.Read))
	}
	write(t, a, "ball")
	want(t, "calls from within Write", rounds, 0)
	ok(t, base.Dispatch())
	want(t, "calls", rounds, 1001)
}

func TestDisabledHalves(t *testing.T) {
	for _, c := range []struct {
		name     string
		disable  func(a, b *bufferevent.Bufferevent) error
		enable   func(a, b *bufferevent.Bufferevent) error
		received bool
	}{
		{"the writer's writing",
			func(a, _ *bufferevent.Bufferevent) error { return a.Disable(event.Write) },
			func(a, _ *bufferevent.Bufferevent) error { return a.Enable(event.Write) }, false},
		{"the reader's reading",
			func(_, b *bufferevent.Bufferevent) error { return b.Disable(event.Read) },
			func(_, b *bufferevent.Bufferevent) error { return b.Enable(event.Read) }, false},
		{"the writer's reading",
			func(a, _ *bufferevent.Bufferevent) error { return a.Disable(event.Read) },
			func(a, _ *bufferevent.Bufferevent) error { return a.Enable(event.Read) }, true},
		{"the reader's writing",
			func(_, b *bufferevent.Bufferevent) error { return b.Disable(event.Write) },
			func(_, b *bufferevent.Bufferevent) error { return b.Enable(event.Write) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := newBase(t)
			a, b := halves(t, base, 0)
			ok(t, a.Enable(both))
			ok(t, b.Enable(both))
			ok(t, c.disable(a, b))
			write(t, a, "data")
			want(t, "received", b.Input().Len() > 0, c.received)
			ok(t, c.enable(a, b))
			want(t, "input in the end", take(t, b), "data")
		})
	}
}

func TestThePairRespectsTheReadersHighWatermark(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 0, 10))
	ok(t, b.Enable(event.Read))
	write(t, a, strings.Repeat("0123456789", 3))
	want(t, "input", b.Input().Len(), 10)
	want(t, "output", a.Output().Len(), 20)
	settle(t, base)
	d.want(t, "read")
	ok(t, b.Input().Drain(3))
	want(t, "input", b.Input().Len(), 10)
	settle(t, base)
	d.want(t, "read")
	ok(t, b.SetWatermark(event.Read, 0, 15))
	want(t, "input", b.Input().Len(), 15)
	ok(t, b.SetWatermark(event.Read, 0, 0))
	want(t, "input", b.Input().Len(), 27)
}

func TestThePairsLowWatermarks(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var writer, reader diary
	writer.keep(a)
	reader.keep(b)
	ok(t, b.SetWatermark(event.Read, 4, 6))
	ok(t, a.SetWatermark(event.Write, 5, 0))
	ok(t, b.Enable(event.Read))
	write(t, a, "abc")
	settle(t, base)
	reader.want(t)
	writer.want(t, "write")
	write(t, a, "defghijklm") // 3 more fit, 7 are left
	settle(t, base)
	reader.want(t, "read")
	writer.want(t)
	ok(t, b.Input().Drain(2)) // 5 are left
	settle(t, base)
	reader.want(t, "read")
	writer.want(t, "write")
}

// What Flush does: to what is in the buffers, and what the callbacks are told.
// Before it, "out" waits at a and "back" at b, and nobody reads.
func TestFlushOfAPair(t *testing.T) {
	for _, c := range []struct {
		name       string
		what       event.What
		mode       bufferevent.FlushMode
		atA, atB   string // input afterwards
		ofA, ofB   string // callbacks
		movesAgain bool
	}{
		{"normally", both, bufferevent.ModeNormal, "", "", "", "", false},
		{"writing", event.Write, bufferevent.ModeFlush, "", "out", "write", "read", true},
		{"reading", event.Read, bufferevent.ModeFlush, "back", "", "read", "write", true},
		{"both", both, bufferevent.ModeFlush, "back", "out", "read write", "read write", true},
		{"the end of writing", event.Write, bufferevent.ModeFinished, "", "out", "write", "read reading|EOF", true},
		{"the end of reading", event.Read, bufferevent.ModeFinished, "back", "", "read", "write writing|EOF", true},
		{"the end of both", both, bufferevent.ModeFinished, "back", "out", "read write", "read write reading|writing|EOF", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := newBase(t)
			a, b := halves(t, base, 0)
			var ofA, ofB diary
			ofA.keep(a)
			ofB.keep(b)
			write(t, a, "out")
			write(t, b, "back")
			moved, err := a.Flush(c.what, c.mode)
			ok(t, err)
			want(t, "moved", moved, c.movesAgain)
			settle(t, base)
			want(t, "input of a", contents(t, a), c.atA)
			want(t, "input of b", contents(t, b), c.atB)
			ofA.want(t, strings.Fields(c.ofA)...)
			ofB.want(t, strings.Fields(c.ofB)...)
			if c.mode != bufferevent.ModeNormal {
				moved, err = a.Flush(c.what, c.mode)
				ok(t, err)
				want(t, "moved, with nothing there", moved, false)
			}
		})
	}
}

func TestFlushGoesBeyondTheHighWatermarkOnlyWhenAtIt(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	ok(t, b.SetWatermark(event.Read, 0, 4))
	write(t, a, "0123456789")
	for _, length := range []int{4, 10} {
		_, err := a.Flush(event.Write, bufferevent.ModeFlush)
		ok(t, err)
		want(t, "input", b.Input().Len(), length)
	}
}

func TestFlushRefuses(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	_, err := a.Flush(0, bufferevent.ModeFlush)
	wantError(t, "nothing", err, bufferevent.ErrWhat)
	_, err = a.Flush(event.Timeout, bufferevent.ModeFlush)
	wantError(t, "no direction", err, bufferevent.ErrWhat)
	_, err = a.Flush(event.Read, 3)
	wantError(t, "no mode", err, bufferevent.ErrRange)
	b.Free()
	_, err = a.Flush(event.Read, bufferevent.ModeFlush)
	wantError(t, "no partner", err, bufferevent.ErrNoPartner)
	a.Free()
	_, err = a.Flush(event.Read, bufferevent.ModeFlush)
	wantError(t, "freed", err, bufferevent.ErrFreed)
}

func TestCloseWriteOfAPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetWatermark(event.Read, 0, 4))
	ok(t, b.Enable(event.Read))
	write(t, a, "0123456789")
	ok(t, a.CloseWrite())
	ok(t, a.CloseWrite()) // it is closed
	_, err := a.WriteString("more")
	wantError(t, "write", err, bufferevent.ErrClosed)
	settle(t, base)
	d.want(t, "read")
	want(t, "part", take(t, b), "0123")
	settle(t, base)
	d.want(t, "read")
	want(t, "part", take(t, b), "4567")
	settle(t, base)
	d.want(t, "read", "reading|EOF") // the end comes after all data
	want(t, "the rest", take(t, b), "89")
	want(t, "error", b.Err(), io.EOF)
	_, err = b.Read(make([]byte, 1))
	want(t, "read", err, io.EOF)

	ok(t, a.Enable(event.Read)) // the other way is open
	write(t, b, "reply")
	want(t, "input", take(t, a), "reply")
}

func TestCloseWriteOfAPairWaits(t *testing.T) {
	for name, c := range map[string]struct {
		stop, goOn func(a, b *bufferevent.Bufferevent) error
	}{
		"for the reader": {
			func(_, b *bufferevent.Bufferevent) error { return b.Disable(event.Read) },
			func(_, b *bufferevent.Bufferevent) error { return b.Enable(event.Read) }},
		"for writing to be enabled": {
			func(a, _ *bufferevent.Bufferevent) error { return a.Disable(event.Write) },
			func(a, _ *bufferevent.Bufferevent) error { return a.Enable(event.Write) }},
	} {
		t.Run(name, func(t *testing.T) {
			base := newBase(t)
			a, b := halves(t, base, 0)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			ok(t, c.stop(a, b))
			write(t, a, "last words")
			ok(t, a.CloseWrite())
			settle(t, base)
			d.want(t)
			ok(t, c.goOn(a, b))
			settle(t, base)
			d.want(t, "read", "reading|EOF")
			want(t, "input", take(t, b), "last words")
		})
	}
}

func TestCloseWriteOfAnEmptyPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, a.CloseWrite())
	settle(t, base)
	d.want(t, "reading|EOF")
	ok(t, a.Disable(event.Write))
	ok(t, a.Enable(event.Write))
	settle(t, base)
	d.want(t) // it is told once
}

func TestAHalfWithoutAPartner(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(a)
	write(t, b, "lost")
	b.Free()
	b.Free() // once more does nothing
	want(t, "partner", a.Partner(), nil)
	ok(t, a.Enable(both))
	ok(t, a.Output().AddString("nobody will read this"))
	_, err := a.WriteString("x")
	wantError(t, "write", err, bufferevent.ErrNoPartner)
	wantError(t, "write buffer", a.WriteBuffer(buffer(t, "x")), bufferevent.ErrNoPartner)
	wantError(t, "close write", a.CloseWrite(), bufferevent.ErrNoPartner)
	ok(t, a.Disable(both))
	ok(t, a.SetWatermark(both, 1, 2))
	settle(t, base)
	d.want(t)
	want(t, "input", a.Input().Len(), 0)
}

func TestUseOfAHalfThatWasFreed(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	a.Free()
	want(t, "partner", a.Partner(), nil)
	want(t, "name", a.String(), "pair")
	_, err := a.WriteString("x")
	wantError(t, "write", err, bufferevent.ErrFreed)
	_, err = a.Read(make([]byte, 1))
	wantError(t, "read", err, bufferevent.ErrFreed)
	wantError(t, "read buffer", a.ReadBuffer(evbuffer.New()), bufferevent.ErrFreed)
	wantError(t, "enable", a.Enable(event.Read), bufferevent.ErrFreed)
	wantError(t, "disable", a.Disable(event.Read), bufferevent.ErrFreed)
	wantError(t, "close write", a.CloseWrite(), bufferevent.ErrFreed)
	wantError(t, "set watermark", a.SetWatermark(event.Read, 1, 1), bufferevent.ErrFreed)
	wantError(t, "set timeouts", a.SetTimeouts(1, 1), bufferevent.ErrFreed)
	a.SetCallbacks(func(*bufferevent.Bufferevent) { t.Error("called") }, nil, nil)
	a.Trigger(both, bufferevent.TrigIgnoreWatermarks)
	a.TriggerEvent(bufferevent.EventEOF, nil, 0)
	ok(t, b.Enable(both))
	settle(t, base)
}

// Each callback of one half frees that half, or the other, or both.
func TestFreeInTheCallbacksOfAPair(t *testing.T) {
	for _, callback := range []string{"read", "write", "event"} {
		for _, victim := range []string{"itself", "partner", "both"} {
			t.Run(callback+" frees "+victim, func(t *testing.T) {
				base := newBase(t)
				a, b := halves(t, base, 0)
				calls := 0
				free := func(on string) func() {
					return func() {
						if on != callback {
							return
						}
						calls++
						if victim != "partner" {
							b.Free()
						}
						if victim != "itself" {
							a.Free()
						}
					}
				}
				read, wrote, told := free("read"), free("write"), free("event")
				b.SetCallbacks(
					func(*bufferevent.Bufferevent) { read() },
					func(*bufferevent.Bufferevent) { wrote() },
					func(*bufferevent.Bufferevent, bufferevent.Events) { told() })
				ok(t, a.Enable(event.Read))
				ok(t, b.Enable(event.Read))
				write(t, a, "there")
				write(t, b, "and back")
				_, err := a.Flush(event.Write, bufferevent.ModeFinished)
				ok(t, err)
				settle(t, base)
				want(t, "calls", calls, 1)
				want(t, "partners are gone", a.Partner() == nil && b.Partner() == nil, true)
			})
		}
	}
}

// Callbacks of the buffers run in the middle of a transfer.
func TestFreeInTheCallbacksOfThePairsBuffers(t *testing.T) {
	for name, pick := range map[string]func(a, b *bufferevent.Bufferevent) *evbuffer.Buffer{
		"the writer's": func(a, _ *bufferevent.Bufferevent) *evbuffer.Buffer { return a.Output() },
		"the reader's": func(_, b *bufferevent.Bufferevent) *evbuffer.Buffer { return b.Input() },
	} {
		for _, victim := range []string{"writer", "reader", "both"} {
			t.Run(name+" frees "+victim, func(t *testing.T) {
				base := newBase(t)
				a, b := halves(t, base, 0)
				ok(t, a.SetTimeouts(time.Hour, time.Hour))
				ok(t, b.SetTimeouts(time.Hour, time.Hour))
				write(t, a, "data")
				pick(a, b).AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
					if victim != "reader" {
						a.Free()
					}
					if victim != "writer" {
						b.Free()
					}
				})
				ok(t, b.Enable(event.Read))
				settle(t, base)
				a.Free()
				b.Free()
				want(t, "events that wait", waiting(base), 0)
			})
		}
	}
}

func TestReferencesKeepAHalf(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	a.IncRef()
	a.Free()
	want(t, "partner", b.Partner(), a)
	want(t, "last one", a.DecRef(), true)
	want(t, "partner", b.Partner(), nil)
}

func TestTheTimeoutForReadingOfAPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(time.Millisecond, 0))
	want(t, "timers, while reading is disabled", timers(base), 0)
	ok(t, b.Enable(event.Read))
	d.await(t, base, "reading|timeout")
	want(t, "enabled", b.Enabled(), event.Write)
	wantError(t, "error", b.Err(), os.ErrDeadlineExceeded)
	write(t, a, "too late")
	want(t, "input", b.Input().Len(), 0)
}

func TestTheTimeoutForWritingOfAPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	var d diary
	d.keep(a)
	ok(t, a.SetTimeouts(0, time.Millisecond))
	want(t, "timers, with nothing to write", timers(base), 0)
	write(t, a, "nobody reads")
	d.await(t, base, "writing|timeout")
	want(t, "enabled", a.Enabled(), event.What(0))
	ok(t, b.Enable(event.Read))
	want(t, "input", b.Input().Len(), 0)
}

func TestWhenTheTimeoutsOfAPairRun(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	check := func(when string, read, write int) {
		t.Helper()
		r, _ := bufferevent.TimersRunning(b)
		_, w := bufferevent.TimersRunning(a)
		want(t, "timers "+when, [2]int{r, w}, [2]int{read, write})
	}
	ok(t, b.SetTimeouts(time.Hour, 0))
	ok(t, a.SetTimeouts(0, time.Hour))
	check("at first", 0, 0)
	write(t, a, "01234")
	check("once there is something to write", 0, 1)
	ok(t, a.Disable(event.Write))
	check("while writing is disabled", 0, 0)
	ok(t, a.Enable(event.Write))
	check("while it is enabled again", 0, 1)
	ok(t, b.SetWatermark(event.Read, 0, 4))
	ok(t, b.Enable(event.Read))
	check("while the reader is full", 0, 1)
	ok(t, b.Input().Drain(1))
	check("while it is full again", 0, 0)
	ok(t, b.Input().Drain(1))
	check("while it reads", 1, 0)
	ok(t, b.SetTimeouts(0, 0))
	check("without", 0, 0)
	ok(t, b.SetTimeouts(time.Hour, 0))
	check("with", 1, 0)
	ok(t, b.Disable(event.Read))
	check("while reading is disabled", 0, 0)
}

func TestAWriteCallbackThatKeepsWritingToAPair(t *testing.T) {
	base := newBase(t)
	a, b := halves(t, base, 0)
	left := 1000
	a.SetCallbacks(nil, func(a *bufferevent.Bufferevent) {
		if left--; left > 0 {
			write(t, a, "0123456789")
		}
	}, nil)
	ok(t, b.Enable(event.Read))
	write(t, a, "0123456789")
	evtest.Turn(t, base) // does not keep the loop
	if left == 0 {
		t.Error("all of it came at once")
	}
	ok(t, base.Dispatch())
	want(t, "input", b.Input().Len(), 10000)
}
