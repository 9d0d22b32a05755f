package listener_test

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// shortPause is a pause for tests that wait for its end.
const shortPause = time.Millisecond

// A fault makes accept fail for the time of a test.
type fault struct {
	err   error // nil lets accept be
	left  int   // for how many calls more
	calls int   // how often accept was called
}

func failAccept(t testing.TB, err error, n int) *fault {
	f := &fault{err: err, left: n}
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op != sysio.OpAccept {
			return c.Len, nil
		}
		f.calls++
		if f.left <= 0 {
			return c.Len, nil
		}
		f.left--
		return 0, f.err
	}))
	return f
}

// A listener that cannot accept says so once for each pause, calls accept as
// often, and goes on by itself.
func TestShortagesAreReportedAndOutlived(t *testing.T) {
	for _, shortage := range shortages {
		t.Run(shortage.Error(), func(t *testing.T) {
			b := evtest.Base(t)
			b.EnableStats(true)
			l := bind(t, b, 0, closeAfter(2))
			ok(t, l.SetPause(shortPause))
			const failures = 20
			f := failAccept(t, shortage, failures)
			reported := 0
			l.SetErrorCallback(func(failed *listener.Listener, err error) {
				reported++
				want(t, "listener", failed, l)
				wantError(t, "error", err, shortage)
				want(t, "message", err.Error(), fmt.Sprintf("listener: accept fd %d: %v", l.FD(), shortage))
			})
			first, second := dial(t, l.Addr()), dial(t, l.Addr())
			run(t, b)
			ends(t, first)
			ends(t, second)
			want(t, "reports", reported, failures)
			want(t, "calls of accept", f.calls, failures+2)
			// In a pause the loop is woken by its end, and by the connection.
			if n := b.Stats().Iterations; n > 2*failures+2 {
				t.Errorf("%d iterations in the time of %d pauses", n, failures)
			}
		})
	}
}

// The system may say that descriptors are short when there is no connection to
// be had either, which is no reason to report or to pause.
func TestLastDescriptorIsNoShortage(t *testing.T) {
	b := evtest.Base(t)
	var f *fault
	l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		f.left = 1
		b.LoopExit(0)
	})
	l.SetErrorCallback(func(_ *listener.Listener, err error) { t.Errorf("reported: %v", err) })
	ok(t, l.SetPause(math.MaxInt64)) // for ever
	f = failAccept(t, shortages[0], 0)
	for range 3 {
		dial(t, l.Addr())
		run(t, b)
		want(t, "faults left", f.left, 0)
	}
}

func TestConnectionsThatAreGoneAreNobodysError(t *testing.T) {
	for _, gone := range retriable {
		b := evtest.Base(t)
		l := bind(t, b, 0, closeAfter(1))
		l.SetErrorCallback(func(_ *listener.Listener, err error) { t.Errorf("reported: %v", err) })
		ok(t, l.SetPause(math.MaxInt64)) // for ever
		f := failAccept(t, gone, 10)
		dial(t, l.Addr())
		run(t, b)
		want(t, "calls of accept", f.calls, 11)
	}
}

// Connections that are gone count for the limit: they must not keep the loop
// from the rest.
func TestConnectionsThatAreGoneCountForTheLimit(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	ok(t, l.SetAcceptLimit(5))
	f := failAccept(t, retriable[0], math.MaxInt)
	dial(t, l.Addr())
	runOnce(t, b)
	want(t, "calls of accept in one iteration", f.calls, 5)
}

// inErrorCallback is what the error callback may do.
var inErrorCallback = []struct {
	name   string
	do     func(l *listener.Listener)
	status event.Status // of the loop after that
}{
	{"free", (*listener.Listener).Free, event.LoopNoEvents},
	{"disable", func(l *listener.Listener) { l.Disable() }, event.LoopNoEvents},
	{"take the callback away", func(l *listener.Listener) { l.SetCallback(nil) }, event.LoopNoEvents},
	{"break", func(l *listener.Listener) { l.Base().LoopBreak() }, event.LoopDone},
}

func TestErrorCallbackMayEndIt(t *testing.T) {
	for _, tt := range inErrorCallback {
		t.Run(tt.name, func(t *testing.T) {
			b := evtest.Base(t)
			l := bind(t, b, 0, closeAfter(1))
			ok(t, l.SetPause(shortPause))
			f := failAccept(t, shortages[0], math.MaxInt)
			reported := 0
			l.SetErrorCallback(func(l *listener.Listener, _ error) {
				reported++
				tt.do(l)
			})
			dial(t, l.Addr())
			status, err := b.Loop(0)
			ok(t, err)
			want(t, "status of the loop", status, tt.status)
			want(t, "reports", reported, 1)
			want(t, "calls of accept", f.calls, 1)
		})
	}
}

// In a pause the loop hears nothing of the connections that wait.
func TestPausesAreQuiet(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	ok(t, l.SetPause(math.MaxInt64)) // for ever
	f := failAccept(t, shortages[0], math.MaxInt)
	l.SetErrorCallback(func(l *listener.Listener, _ error) { b.LoopExit(0) })
	dial(t, l.Addr())
	run(t, b)
	b.EnableStats(true)
	for range 10 {
		_, err := b.Loop(event.LoopNonblock)
		ok(t, err)
	}
	want(t, "callbacks", b.Stats().Callbacks, 0)
	want(t, "calls of accept", f.calls, 1)
}

func TestEnableEndsAPause(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	ok(t, l.SetPause(math.MaxInt64)) // for ever
	failAccept(t, shortages[0], 1)
	l.SetErrorCallback(func(l *listener.Listener, _ error) { b.LoopExit(0) })
	c := dial(t, l.Addr())
	run(t, b)
	ok(t, l.Enable())
	run(t, b)
	ends(t, c)
}

func TestDisableEndsAPauseWithoutTryingAgain(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	f := failAccept(t, shortages[0], math.MaxInt)
	l.SetErrorCallback(func(l *listener.Listener, _ error) { b.LoopExit(0) })
	dial(t, l.Addr())
	run(t, b)
	ok(t, l.Disable())
	runIdle(t, b)
	want(t, "calls of accept", f.calls, 1)
}

// Without an error callback a shortage is logged when it begins.
func TestShortagesAreLoggedOnce(t *testing.T) {
	var logged []string
	event.SetLogCallback(func(sev event.LogSeverity, msg string) {
		want(t, "severity", sev, event.LogWarn)
		logged = append(logged, msg)
	})
	defer event.SetLogCallback(nil)
	b := evtest.Base(t)
	l := bind(t, b, 0, func(l *listener.Listener, fd int, _ netip.AddrPort) {
		evutil.CloseSocket(fd)
		b.LoopExit(0) // after all connections
	})
	ok(t, l.SetPause(shortPause))
	f := failAccept(t, shortages[0], 0)
	for n, limit := range []int{1, listener.DefaultAcceptLimit, 2} {
		ok(t, l.SetAcceptLimit(limit))
		f.left = 5
		dial(t, l.Addr())
		run(t, b)
		want(t, "messages", len(logged), n+1)
		if msg := logged[n]; !strings.Contains(msg, fmt.Sprintf("accept fd %d: %v", l.FD(), shortages[0])) {
			t.Errorf("message %q", msg)
		}
	}
}

// The log callback, which is called for a shortage, may free the listener.
func TestTheLogCallbackMayFreeTheListener(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	f := failAccept(t, shortages[0], math.MaxInt)
	event.SetLogCallback(func(event.LogSeverity, string) {
		l.Free()
		b.LoopExit(0)
	})
	defer event.SetLogCallback(nil)
	dial(t, l.Addr())
	run(t, b)
	runIdle(t, b)
	want(t, "calls of accept", f.calls, 1)
}

// A socket that breaks is reported like a shortage, and does not make the loop
// spin.
func TestBrokenSocketsAreReported(t *testing.T) {
	b := evtest.Base(t)
	l := bind(t, b, 0, closeAfter(1))
	ok(t, l.SetPause(shortPause))
	broken := errors.New("broken")
	f := failAccept(t, broken, 5)
	var last error
	l.SetErrorCallback(func(_ *listener.Listener, err error) { last = err })
	dial(t, l.Addr())
	run(t, b)
	wantError(t, "last report", last, broken)
	want(t, "calls of accept", f.calls, 6)
}
