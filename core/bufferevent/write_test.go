package bufferevent_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestWritesOfAnIterationAreOneCall(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	calls := count(t)
	for range 10 {
		ok(t, base.Once(-1, event.Timeout, 0, func(*event.Event, event.What) {
			want(t, "calls of send in callbacks", calls.sends(b.FD()), 0)
			write(t, b, "hello ")
			ok(t, b.WriteBuffer(buffer(t, "world ")))
		}))
	}
	evtest.Turn(t, base)
	want(t, "calls of send", calls.sends(b.FD()), 1)
	want(t, "output", b.Output().Len(), 0)
	peer.expect(base, strings.Repeat("hello world ", 10))
}

// Many chunks, too, as long as the system takes them in one call.
func TestManyPiecesAreOneCall(t *testing.T) {
	if runtime.GOOS == "solaris" || runtime.GOOS == "illumos" {
		t.Skip("this system has no writev for us")
	}
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	calls := count(t)
	for range sysio.MaxVectors {
		ok(t, b.Output().AddReference([]byte("abc"), nil))
	}
	evtest.Turn(t, base)
	want(t, "calls of send", calls.sends(b.FD()), 1)
	peer.expect(base, strings.Repeat("abc", sysio.MaxVectors))
}

func TestAWriteThatSucceedsAtOnceWatchesNothing(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { ok(t, b.WriteBuffer(b.Input())) }, nil, nil)
	ok(t, b.Enable(event.Read))
	base.MaxEvents(true, event.CountAdded)
	for range 10 {
		peer.send("hello")
		peer.expect(base, "hello")
	}
	want(t, "most events that waited", base.MaxEvents(false, event.CountAdded), 1)
}

func TestWithoutRoomTheLoopWaits(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	calls := count(t)
	text := strings.Repeat("0123456789", 1<<20)
	write(t, b, text)
	evtest.Await(t, base, "no room", func() bool { return waiting(base) == 1 })
	want(t, "wrote something", b.Output().Len() < len(text), true)
	before := calls.sends(b.FD())
	settle(t, base)
	want(t, "calls of send without room", calls.sends(b.FD())-before, 0)
	write(t, b, "more") // does not try, either
	settle(t, base)
	want(t, "calls of send without room", calls.sends(b.FD())-before, 0)
	d.want(t)
	peer.expect(base, text+"more")
	settle(t, base)
	want(t, "events that wait", waiting(base), 0)
	want(t, "told once", len(d), 1)
}

func TestEAGAINIsNoProgress(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	defer sysio.SetHook(refuse(sysio.OpSend, b.FD(), 3, sysio.ErrAgain))()
	write(t, b, "hello")
	evtest.Turn(t, base)
	d.want(t)
	want(t, "events that wait", waiting(base), 1)
	peer.expect(base, "hello")
	d.want(t, "write")
	want(t, "events that wait", waiting(base), 0)
}

// Each turn writes no more than MaxSingleWrite, so that others have theirs.
func TestMaxSingleWrite(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetMaxSingleWrite(100))
	want(t, "max single write", b.MaxSingleWrite(), 100)
	want(t, "max to write", b.MaxToWrite(), 100)
	largest := 0
	defer sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpSend && c.FD == b.FD() {
			largest = max(largest, c.Len)
		}
		return c.Len, nil
	})()
	write(t, b, strings.Repeat("x", 250))
	var left []int
	for b.Output().Len() > 0 {
		evtest.Turn(t, base)
		left = append(left, b.Output().Len())
	}
	want(t, "left after each turn", [3]int(left), [3]int{150, 50, 0})
	want(t, "largest call", largest, 100)
	peer.expect(base, strings.Repeat("x", 250))
	ok(t, b.SetMaxSingleWrite(0))
	want(t, "max single write", b.MaxSingleWrite(), bufferevent.DefaultMaxSingleWrite)
}

// Whoever writes very much does not keep the loop from others.
func TestOthersHaveTheirTurnBetweenLargeWrites(t *testing.T) {
	base := newBase(t)
	large, largePeer := newSocket(t, base, 0)
	small, smallPeer := newSocket(t, base, 0)
	ok(t, large.SetMaxSingleWrite(1000))
	write(t, large, strings.Repeat("x", 10000))
	write(t, small, "hello")
	evtest.Turn(t, base)
	evtest.Turn(t, base)
	want(t, "left of the large one", large.Output().Len(), 8000)
	want(t, "left of the small one", small.Output().Len(), 0)
	smallPeer.expect(base, "hello")
	largePeer.expect(base, strings.Repeat("x", 10000))
}

func TestMaxSingleRead(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetMaxSingleRead(100))
	want(t, "max single read", b.MaxSingleRead(), 100)
	want(t, "max to read", b.MaxToRead(), 100)
	var lengths []int
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		lengths = append(lengths, b.Input().Len())
		take(t, b)
	}, nil, nil)
	peer.send(strings.Repeat("x", 250))
	ok(t, b.Enable(event.Read))
	total := 0
	evtest.Await(t, base, "all input", func() bool {
		total = 0
		for _, n := range lengths {
			total += n
		}
		return total == 250
	})
	for _, n := range lengths {
		if n > 100 {
			t.Errorf("%d bytes in one read", n)
		}
	}
	ok(t, b.SetMaxSingleRead(0))
	want(t, "max single read", b.MaxSingleRead(), bufferevent.DefaultMaxSingleRead)
}

// A write callback that adds more is called again when that has gone, and each
// time the loop comes by in between.
func TestAWriteCallbackThatKeepsAdding(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	calls := 0
	b.SetCallbacks(nil, func(b *bufferevent.Bufferevent) {
		calls++
		write(t, b, "x")
	}, nil)
	write(t, b, "x")
	for i := range 10 {
		evtest.Turn(t, base)
		want(t, "calls", calls, i+1)
	}
	b.SetCallbacks(nil, nil, nil)
	peer.expect(base, strings.Repeat("x", 11))
}

// Output is written at the end of the very iteration in which the input came:
// nothing waits for the next one.
func TestAnAnswerGoesOutInTheSameIteration(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	calls := count(t)
	b.SetCallbacks(func(b *bufferevent.Bufferevent) { ok(t, b.WriteBuffer(b.Input())) }, nil, nil)
	ok(t, b.Enable(event.Read))
	peer.send("hello")
	for calls.receives(b.FD()) == 0 {
		evtest.Turn(t, base)
	}
	want(t, "calls of recv", calls.receives(b.FD()), 1)
	want(t, "calls of send", calls.sends(b.FD()), 1)
	peer.expect(base, "hello")
}
