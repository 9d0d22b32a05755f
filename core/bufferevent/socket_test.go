package bufferevent_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestANewSocket(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	want(t, "enabled", b.Enabled(), event.Write)
	want(t, "base", b.Base(), base)
	want(t, "error", b.Err(), nil)
	want(t, "underlying", b.Underlying(), nil)
	want(t, "partner", b.Partner(), nil)
	want(t, "max single read", b.MaxSingleRead(), bufferevent.DefaultMaxSingleRead)
	want(t, "max single write", b.MaxSingleWrite(), bufferevent.DefaultMaxSingleWrite)
	want(t, "description", b.String(), fmt.Sprintf("socket fd %d", b.FD()))
	want(t, "events that wait", waiting(base), 0)
	read, write := b.Timeouts()
	want(t, "timeouts", read+write, 0)
}

func TestReadingMustBeEnabled(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	peer.send("hello")
	settle(t, base)
	d.want(t)
	want(t, "input", b.Input().Len(), 0)
	ok(t, b.Enable(event.Read))
	want(t, "enabled", b.Enabled(), event.Read|event.Write)
	d.await(t, base, "read")
	d.want(t, "read")
	want(t, "input", take(t, b), "hello")
}

func TestDisableStopsReading(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	ok(t, b.Disable(event.Read))
	want(t, "enabled", b.Enabled(), event.Write)
	peer.send("hello")
	settle(t, base)
	d.want(t)
}

func TestWritingIsEnabledFromTheStart(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	write(t, b, "hello")
	want(t, "output", b.Output().Len(), 5)
	peer.expect(base, "hello")
	d.want(t, "write")
}

func TestDisableStopsWriting(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	write(t, b, "one ") // and the loop was to write it
	ok(t, b.Disable(event.Write))
	write(t, b, "two")
	settle(t, base)
	want(t, "output", b.Output().Len(), 7)
	d.want(t)
	ok(t, b.Enable(event.Write))
	peer.expect(base, "one two")
	d.want(t, "write")
}

// Enabling what is enabled asks for the write callback, as it does in C.
func TestEnablingWritingCallsTheWriteCallback(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Write))
	d.want(t)
	settle(t, base)
	d.want(t, "write")
}

func TestEchoMovesWithoutCopying(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { ok(t, b.WriteBuffer(b.Input())) }, nil, nil)
	ok(t, b.Enable(event.Read))
	for range 3 {
		peer.send("hello")
		peer.expect(base, "hello")
	}
	text := strings.Repeat("0123456789", 6000)
	peer.send(text)
	peer.expect(base, text)
}

func TestReadAndWriteInAllWays(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.Enable(event.Read))
	n, err := b.Write([]byte("one "))
	ok(t, err)
	want(t, "Write", n, 4)
	n, err = b.WriteString("two ")
	ok(t, err)
	want(t, "WriteString", n, 4)
	ok(t, b.Output().AddString("three "))
	_, err = fmt.Fprintf(b, "%d ", 4)
	ok(t, err)
	buf := buffer(t, "five")
	ok(t, b.WriteBuffer(buf))
	want(t, "length of what was moved", buf.Len(), 0)
	peer.expect(base, "one two three 4 five")

	p := make([]byte, 4)
	_, err = b.Read(p)
	want(t, "error of Read", err, bufferevent.ErrNothingToRead)
	n, err = b.Read(nil)
	want(t, "error of Read of nothing", err, nil)
	want(t, "Read of nothing", n, 0)
	peer.send("hello world")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 11 })
	n, err = b.Read(p)
	ok(t, err)
	want(t, "Read", string(p[:n]), "hell")
	ok(t, b.ReadBuffer(buf))
	rest, err := io.ReadAll(buf)
	ok(t, err)
	want(t, "ReadBuffer", string(rest), "o world")
	want(t, "input", b.Input().Len(), 0)

	peer.send("end")
	peer.shutdown()
	all := ""
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) {
		rest, err := io.ReadAll(b)
		ok(t, err)
		all = string(rest)
	})
	evtest.Await(t, base, "the end", func() bool { return all != "" })
	want(t, "io.ReadAll at the end", all, "end")
}

func TestTheBuffersAreFrozenAtTheFarEnds(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	write(t, b, "hello")
	if b.Input().AddString("x") == nil {
		t.Error("could add to the input")
	}
	if b.Output().Drain(1) == nil {
		t.Error("could take from the output")
	}
	want(t, "output", b.Output().Len(), 5)
}

func TestTheEndOfTheStream(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	peer.send("hello")
	peer.shutdown()
	d.await(t, base, "reading|EOF")
	d.want(t, "read", "reading|EOF")
	want(t, "error", b.Err(), io.EOF)
	want(t, "enabled", b.Enabled(), event.Write)
	want(t, "input", take(t, b), "hello")
	_, err := b.Read(make([]byte, 1))
	want(t, "error of Read", err, io.EOF)
	settle(t, base)
	d.want(t)

	write(t, b, "still open")
	peer.expect(base, "still open")
	d.want(t, "write")

	ok(t, b.Enable(event.Read)) // it is told again to who asks again
	d.await(t, base, "reading|EOF")
}

func TestErrorsComeWithTheEvent(t *testing.T) {
	for _, tt := range []struct {
		op     sysio.Op
		do     func(b *bufferevent.Bufferevent, p *peer)
		events string
		left   event.What
	}{
		{sysio.OpRecv, func(b *bufferevent.Bufferevent, p *peer) { p.send("x") }, "reading|error", event.Write},
		{sysio.OpSend, func(b *bufferevent.Bufferevent, p *peer) { write(p.t, b, "x") }, "writing|error", event.Read},
	} {
		t.Run(tt.events, func(t *testing.T) {
			base := newBase(t)
			b, peer := newSocket(t, base, 0)
			peer.t = t
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			tt.do(b, peer)
			defer sysio.SetHook(func(c sysio.Call) (int, error) {
				if c.FD == b.FD() && c.Op == tt.op {
					return 0, errReset
				}
				return c.Len, nil
			})()
			d.await(t, base, tt.events)
			d.want(t, tt.events)
			wantError(t, "error", b.Err(), errReset)
			if !strings.Contains(b.Err().Error(), fmt.Sprint("fd ", b.FD())) {
				t.Errorf("%q does not name the descriptor", b.Err())
			}
			want(t, "enabled", b.Enabled(), tt.left)
			settle(t, base)
			d.want(t)
		})
	}
}

func TestCloseOnFree(t *testing.T) {
	for _, closes := range []bool{true, false} {
		base := newBase(t)
		pair, err := evutil.LoopbackPair()
		ok(t, err)
		peer := newPeer(t, pair[1])
		var opts bufferevent.Options
		if closes {
			opts = bufferevent.CloseOnFree
		}
		b, err := bufferevent.NewSocket(base, pair[0], opts)
		ok(t, err)
		ok(t, b.Enable(event.Read))
		calls := count(t)
		b.Free()
		if closes {
			want(t, "calls of close", calls.of(sysio.OpClose, pair[0]), 1)
			peer.expectEnd(base, "")
			continue
		}
		want(t, "calls of close", calls.of(sysio.OpClose, pair[0]), 0)
		_, err = sysio.Send(pair[0], [][]byte{[]byte("still open")})
		ok(t, err)
		peer.expect(base, "still open")
		ok(t, evutil.CloseSocket(pair[0]))
	}
}

func TestNagleIsOffUnlessAskedFor(t *testing.T) {
	base := newBase(t)
	plain, _ := newTCP(t, base, 0)
	want(t, "TCP_NODELAY", tcpNoDelay(t, plain.FD()), true)
	nagle, _ := newTCP(t, base, bufferevent.Nagle)
	want(t, "TCP_NODELAY with Nagle", tcpNoDelay(t, nagle.FD()), false)
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	newPeer(t, pair[1])
	later := overFD(t, base, -1, 0)
	ok(t, later.SetFD(pair[0]))
	want(t, "TCP_NODELAY after SetFD", tcpNoDelay(t, pair[0]), true)
}

func TestSetFD(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	want(t, "descriptor", b.FD(), -1)
	want(t, "description", b.String(), "socket")
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	write(t, b, "hello")
	settle(t, base)
	want(t, "output", b.Output().Len(), 5)
	want(t, "events that wait", waiting(base), 0)

	pair, err := evutil.LoopbackPair()
	ok(t, err)
	first := newPeer(t, pair[1])
	ok(t, b.SetFD(pair[0]))
	want(t, "descriptor", b.FD(), pair[0])
	first.expect(base, "hello")
	first.send("hello")
	d.await(t, base, "read")
	d.want(t, "write", "read")

	// The old descriptor stays open, and what was read stays there.
	pair2, err := evutil.LoopbackPair()
	ok(t, err)
	second := newPeer(t, pair2[1])
	ok(t, b.SetFD(pair2[0]))
	_, err = sysio.Send(pair[0], [][]byte{[]byte("by hand")})
	ok(t, err)
	first.expect(base, "by hand")
	first.send("nobody reads it")
	second.send(" world")
	d.await(t, base, "read")
	want(t, "input", take(t, b), "hello world")
	ok(t, evutil.CloseSocket(pair[0]))

	ok(t, b.SetFD(-1))
	want(t, "descriptor", b.FD(), -1)
	want(t, "events that wait", waiting(base), 0)
	ok(t, evutil.CloseSocket(pair2[0]))
}

// Another descriptor has nothing to do with what has happened to the one before.
func TestSetFDBeginsAnew(t *testing.T) {
	base := newBase(t)
	b, first := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.CloseWrite())
	first.expectEnd(base, "")
	first.close()
	ok(t, b.Enable(event.Read))
	d.await(t, base, "reading|EOF")
	_, err := b.WriteString("x")
	wantError(t, "write", err, bufferevent.ErrClosed)

	old := b.FD()
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	ok(t, b.SetFD(pair[0]))
	ok(t, evutil.CloseSocket(old))
	second := newPeer(t, pair[1])
	want(t, "error", b.Err(), nil)
	_, err = b.Read(make([]byte, 1))
	wantError(t, "read", err, bufferevent.ErrNothingToRead)
	write(t, b, "hello")
	ok(t, b.Output().AddString(" world"))
	second.expect(base, "hello world")
	ok(t, b.CloseWrite())
	second.expectEnd(base, "")
}

func TestSetFDKeepsPriorityAndTimeouts(t *testing.T) {
	base := newBase(t)
	ok(t, base.SetPriorities(3))
	b, _ := newSocket(t, base, 0)
	ok(t, b.SetPriority(2))
	ok(t, b.SetTimeouts(patience, 0))
	old := owned(t, b.FD())
	pair, err := evutil.LoopbackPair()
	ok(t, err)
	newPeer(t, pair[1])
	ok(t, b.Enable(event.Read))
	ok(t, b.SetFD(pair[0]))
	want(t, "priority", b.Priority(), 2)
	want(t, "timeouts that run", timers(base), 1)
	want(t, "descriptors differ", old != b.FD(), true)
}

func TestCloseWrite(t *testing.T) {
	base := newBase(t)
	b, peer := newTCP(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	write(t, b, "the last words")
	ok(t, b.CloseWrite())
	ok(t, b.CloseWrite()) // once more changes nothing
	want(t, "output", b.Output().Len(), 14)
	_, err := b.Write([]byte("x"))
	wantError(t, "Write", err, bufferevent.ErrClosed)
	wantError(t, "WriteBuffer", b.WriteBuffer(buffer(t, "x")), bufferevent.ErrClosed)
	if b.Output().AddString("x") == nil {
		t.Error("could add to the output")
	}
	peer.expectEnd(base, "the last words")
	d.want(t, "write")
	peer.send("reading goes on")
	d.await(t, base, "read")
	want(t, "input", take(t, b), "reading goes on")
}

func TestCloseWriteOfAnEmptyOutputIsAtOnce(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	calls := count(t)
	ok(t, b.CloseWrite())
	ok(t, b.CloseWrite())
	want(t, "calls of shutdown", calls.of(sysio.OpShutdown, b.FD()), 1)
}

func TestCloseWriteThatFails(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	broken := errors.New("no shutdown today")
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpShutdown {
			return 0, broken
		}
		return c.Len, nil
	})()
	write(t, b, "hello")
	ok(t, b.CloseWrite())
	d.await(t, base, "writing|error")
	wantError(t, "error", b.Err(), broken)
	peer.expect(base, "hello")

	other, _ := newSocket(t, base, 0)
	wantError(t, "at once", other.CloseWrite(), broken)
}

func TestCloseWriteWhileWritingIsDisabled(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	write(t, b, "hello")
	ok(t, b.Disable(event.Write))
	ok(t, b.CloseWrite())
	settle(t, base)
	data, ended := peer.receive()
	want(t, "data", data, "")
	want(t, "ended", ended, false)
	ok(t, b.Enable(event.Write))
	peer.expectEnd(base, "hello")
}

// A pipe is no socket, but can be waited for, except on Windows.
func TestPipes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pipes cannot be waited for")
	}
	base := newBase(t)
	r, w, err := os.Pipe()
	ok(t, err)
	in, err := bufferevent.FromFile(base, r, 0)
	ok(t, err)
	t.Cleanup(in.Free)
	out, err := bufferevent.FromFile(base, w, 0)
	ok(t, err)
	t.Cleanup(out.Free)
	var d diary
	d.keep(in)
	ok(t, in.Enable(event.Read))
	write(t, out, "hello")
	d.await(t, base, "read")
	out.Free()
	d.await(t, base, "reading|EOF")
	want(t, "input", take(t, in), "hello")
}

func TestSetBase(t *testing.T) {
	base, other := newBase(t), newBase(t)
	b, peer := newSocket(t, base, bufferevent.DeferCallbacks)
	var d diary
	d.keep(b)
	cfg := limit(t, 1000, 1000, 0)
	ok(t, b.SetRateLimit(cfg))
	b.Trigger(event.Write, 0)
	wantError(t, "while a callback is due", b.SetBase(other), event.ErrPending)
	settle(t, base)
	d.want(t, "write")
	write(t, b, "x")
	wantError(t, "while something is to be written", b.SetBase(other), event.ErrPending)
	peer.expect(base, "x")
	ok(t, b.Enable(event.Read))
	wantError(t, "while reading", b.SetBase(other), event.ErrPending)
	ok(t, b.Disable(event.Read))
	ok(t, b.DecrementReadLimit(1000))
	wantError(t, "while the limit is exhausted", b.SetBase(other), event.ErrPending)
	ok(t, b.DecrementReadLimit(-1000))
	settle(t, base)
	ok(t, b.SetBase(other))
	want(t, "base", b.Base(), other)

	d = nil
	ok(t, b.Enable(event.Read))
	write(t, b, "hello")
	peer.send("hello")
	settle(t, base)
	d.want(t)
	want(t, "events of the old base", waiting(base), 0)
	peer.expect(other, "hello")
	d.await(t, other, "read")
	want(t, "input", take(t, b), "hello")
	ok(t, b.Disable(event.Read))
	ok(t, b.DecrementReadLimit(2000)) // its timer is the other base's, too
	want(t, "timeouts of the old base", timers(base), 0)
	want(t, "timeouts of the new one", timers(other), 1)

	// Once the write event was needed, it moves as well.
	back, backPeer := newSocket(t, base, 0)
	defer sysio.SetHook(refuse(sysio.OpSend, back.FD(), 1, sysio.ErrAgain))()
	write(t, back, "hello")
	backPeer.expect(base, "hello")
	settle(t, base)
	ok(t, back.SetBase(other))
	write(t, back, "again")
	backPeer.expect(other, "again")
}

func TestPriorities(t *testing.T) {
	base := newBase(t)
	ok(t, base.SetPriorities(3))
	var order diary
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpRecv {
			return 0, errReset
		}
		return c.Len, nil
	})()
	for _, priority := range []int{2, 0} {
		b, _ := newSocket(t, base, 0)
		want(t, "priority at first", b.Priority(), 1)
		ok(t, b.SetPriority(priority))
		want(t, "priority", b.Priority(), priority)
		wantError(t, "too large", b.SetPriority(3), event.ErrBadPriority)
		wantError(t, "negative", b.SetPriority(-1), event.ErrBadPriority)
		b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) {
			order.note(fmt.Sprint(b.Priority()))
		})
		ok(t, b.Enable(event.Read))
		base.ActiveByFD(b.FD(), event.Read)
	}
	settle(t, base)
	order.want(t, "0", "2")
}

// Deferred callbacks have the priority, too, and so has the event that waits for
// room, which is made late.
func TestPrioritiesOfWhatIsMadeLater(t *testing.T) {
	base := newBase(t)
	ok(t, base.SetPriorities(2))
	var order diary
	for _, priority := range []int{1, 0} {
		b, _ := newSocket(t, base, bufferevent.DeferCallbacks)
		ok(t, b.SetPriority(priority))
		name := fmt.Sprint(priority)
		b.SetCallbacks(func(*bufferevent.Bufferevent) { order.note(name) }, nil, nil)
		b.Trigger(event.Read, 0)
	}
	settle(t, base)
	order.want(t, "0", "1")

	first, _ := newSocket(t, base, bufferevent.DeferCallbacks)
	second, _ := newSocket(t, base, bufferevent.DeferCallbacks)
	for _, b := range []*bufferevent.Bufferevent{first, second} {
		b.SetCallbacks(func(b *bufferevent.Bufferevent) { order.note(fmt.Sprint(b.Priority())) }, nil, nil)
		b.Trigger(event.Read, 0)
		settle(t, base) // now it has what defers its callbacks
	}
	order = nil
	ok(t, first.SetPriority(1))
	ok(t, second.SetPriority(0))
	first.Trigger(event.Read, 0)
	second.Trigger(event.Read, 0)
	settle(t, base)
	order.want(t, "0", "1")

	b, peer := newSocket(t, base, 0)
	ok(t, b.SetPriority(1))
	peer.t = t
	defer sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, sysio.ErrAgain))()
	write(t, b, "x")
	evtest.Turn(t, base)
	found := false
	for ev := range base.Events() {
		if ev.What()&event.Write != 0 {
			found = true
			// Priority takes the base's lock, which Events holds; without
			// locks that is nothing.
			want(t, "priority", ev.Priority(), 1)
		}
	}
	want(t, "an event waits for room", found, true)
	ok(t, b.SetPriority(0))
	peer.expect(base, "x")
}
