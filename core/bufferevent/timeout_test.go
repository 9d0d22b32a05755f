package bufferevent_test

import (
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

const short = time.Millisecond

func TestTimeoutsCanBeAskedFor(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	ok(t, b.SetTimeouts(time.Second, time.Minute))
	read, write := b.Timeouts()
	want(t, "for reading", read, time.Second)
	want(t, "for writing", write, time.Minute)
	ok(t, b.SetTimeouts(0, -1))
	read, write = b.Timeouts()
	want(t, "for reading", read, 0)
	want(t, "for writing", write, 0)
}

func TestTheTimeoutForReading(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(short, 0))
	settle(t, base)
	want(t, "timeouts that run while reading is disabled", timers(base), 0)
	ok(t, b.Enable(event.Read))
	d.await(t, base, "reading|timeout")
	d.want(t, "reading|timeout")
	wantError(t, "error", b.Err(), os.ErrDeadlineExceeded)
	want(t, "enabled", b.Enabled(), event.Write)
	want(t, "events that wait", waiting(base), 0)

	peer.send("too late")
	settle(t, base)
	d.want(t)
	ok(t, b.SetTimeouts(patience, 0))
	ok(t, b.Enable(event.Read)) // and it goes on
	d.await(t, base, "read")
	want(t, "input", take(t, b), "too late")
}

// The timeout runs only while reading could go on.
func TestTheTimeoutForReadingRestsWithIt(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetTimeouts(patience, 0))
	ok(t, b.SetWatermark(event.Read, 0, 3))
	ok(t, b.Enable(event.Read))
	want(t, "timeouts that run", timers(base), 1)
	peer.send("123")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() == 3 })
	want(t, "timeouts that run while the input is full", timers(base), 0)
	take(t, b)
	want(t, "timeouts that run", timers(base), 1)
	ok(t, b.Disable(event.Read))
	want(t, "timeouts that run while disabled", timers(base), 0)
}

func TestWhatArrivesStartsTheTimeoutAnew(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	ok(t, b.SetTimeouts(time.Hour, 0))
	ok(t, b.Enable(event.Read))
	before := deadline(t, base)
	for start := time.Now(); time.Since(start) < short; { // let the clock go on
	}
	peer.send("x")
	evtest.Await(t, base, "input", func() bool { return b.Input().Len() > 0 })
	if after := deadline(t, base); after.Sub(before) < short/2 {
		t.Errorf("the timeout passes at %v, before it was %v", after, before)
	}
}

// deadline returns when the one timeout that is running passes.
func deadline(t testing.TB, base *event.Base) time.Time {
	t.Helper()
	for ev := range base.Events() {
		if left, running := ev.Remaining(); running {
			return time.Now().Add(left)
		}
	}
	t.Fatal("no timeout is running")
	return time.Time{}
}

func TestTheTimeoutForWritingRunsWhileThereIsNoRoom(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(0, short))
	write(t, b, "x")
	settle(t, base)
	want(t, "timeouts that run when all is written", timers(base), 0)
	d.want(t, "write")
	defer sysio.SetHook(refuse(sysio.OpSend, b.FD(), 1, sysio.ErrAgain))()
	ok(t, b.SetTimeouts(0, patience))
	write(t, b, "x")
	evtest.Turn(t, base)
	want(t, "timeouts that run when there is no room", timers(base), 1)
	ok(t, b.Disable(event.Write))
	want(t, "timeouts that run while disabled", timers(base), 0)
}

func TestTheTimeoutForWritingToWhoDoesNotRead(t *testing.T) {
	base := newBase(t)
	b, peer := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.SetTimeouts(0, short))
	for range 100 {
		write(t, b, string(make([]byte, 1<<20)))
	}
	d.await(t, base, "writing|timeout")
	d.want(t, "writing|timeout")
	wantError(t, "error", b.Err(), os.ErrDeadlineExceeded)
	want(t, "enabled", b.Enabled(), event.What(0))
	want(t, "events that wait", waiting(base), 0)
	left := b.Output().Len()

	ok(t, b.SetTimeouts(0, patience))
	ok(t, b.Enable(event.Write)) // and it goes on
	peer.poll(base, "less output", func() bool {
		peer.receive()
		return b.Output().Len() < left
	})
}

func TestTimeoutsChangeAtOnce(t *testing.T) {
	base := newBase(t)
	b, _ := newSocket(t, base, 0)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	want(t, "timeouts that run", timers(base), 0)
	ok(t, b.SetTimeouts(time.Hour, time.Hour))
	want(t, "timeouts that run", timers(base), 1)
	for range 100 {
		write(t, b, string(make([]byte, 1<<20)))
	}
	evtest.Await(t, base, "a timeout for writing", func() bool { return timers(base) == 2 })
	ok(t, b.SetTimeouts(0, 0))
	want(t, "timeouts that run", timers(base), 0)
	want(t, "events that wait", waiting(base), 2)
	ok(t, b.SetTimeouts(short, 0))
	d.await(t, base, "reading|timeout")
	ok(t, b.SetTimeouts(0, short))
	d.await(t, base, "writing|timeout")
}
