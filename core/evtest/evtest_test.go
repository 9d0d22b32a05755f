package evtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/leak"
)

// A report is a test whose failures are noted instead.
type report struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (r *report) Helper()                           {}
func (r *report) Cleanup(fn func())                 { r.cleanups = append(r.cleanups, fn) }
func (r *report) Error(args ...any)                 { r.failures = append(r.failures, fmt.Sprint(args...)) }
func (r *report) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *report) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *report) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// failures runs a test and its clean-ups, and returns what it reports.
func failures(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	r := &report{TB: t}
	run := func(fn func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			fn()
		}()
		<-done
	}
	run(func() { test(r) })
	for len(r.cleanups) > 0 {
		last := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		run(last)
	}
	return strings.Join(r.failures, "\n")
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatFailsATest(t *testing.T) {
	for _, tt := range []struct {
		name string
		test func(t testing.TB)
		want string // that a failure has; "" for none
	}{
		{"nothing", func(t testing.TB) { evtest.Base(t) }, ""},
		{"a loop that was ended", func(t testing.TB) { evtest.Loop(t).LoopBreak() }, ""},
		{"waiting for nothing", func(t testing.TB) {
			evtest.Await(t, evtest.Base(t), "a miracle", func() bool { return false })
		}, "waited for a miracle, but nothing is pending"},
		{"a loop that is running", func(t testing.TB) {
			base := evtest.Loop(t)
			evtest.Do(t, base, func() {})
			evtest.Await(t, base, "it", func() bool { return false })
		}, event.ErrRunning.Error()},
		{"a turn of a loop that is running", func(t testing.TB) {
			base := evtest.Loop(t)
			evtest.Do(t, base, func() { evtest.Turn(t, base) })
		}, event.ErrRunning.Error()},
		{"something to do on a loop that has ended", func(t testing.TB) {
			base := evtest.Base(t)
			ok(t, base.Dispatch())
			evtest.Do(t, base, func() {})
		}, event.ErrLoopEnded.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := failures(t, tt.test)
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("the test reports %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLoopRunsUntilTheTestEnds(t *testing.T) {
	var base *event.Base
	ran := 0
	t.Run("test", func(t *testing.T) {
		base = evtest.Loop(t)
		for range 10 {
			evtest.Do(t, base, func() { ran++ })
		}
	})
	if ran != 10 {
		t.Errorf("%d functions ran", ran)
	}
	if err := base.Post(func() {}); !errors.Is(err, event.ErrFreed) {
		t.Errorf("Post after the test: %v", err)
	}
}

func TestTurnRunsWhatIsDue(t *testing.T) {
	base := evtest.Base(t)
	var ran []string
	ok(t, base.Once(-1, event.Timeout, time.Hour, func(*event.Event, event.What) { ran = append(ran, "later") }))
	ok(t, base.Post(func() { ran = append(ran, "now") }))
	evtest.Turn(t, base)
	evtest.Turn(t, base)
	if len(ran) != 1 || ran[0] != "now" {
		t.Errorf("it ran %v", ran)
	}
}

func TestClockMovesTimeouts(t *testing.T) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	start := clock.Now()
	var passed []time.Duration
	for _, after := range []time.Duration{time.Minute, time.Hour, 365 * 24 * time.Hour} {
		ok(t, base.Once(-1, event.Timeout, after, func(*event.Event, event.What) {
			passed = append(passed, base.Now().Sub(start))
		}))
	}
	want := func(durations ...time.Duration) {
		t.Helper()
		evtest.Turn(t, base)
		if fmt.Sprint(passed) != fmt.Sprint(durations) {
			t.Errorf("timeouts passed after %v, want %v", passed, durations)
		}
	}
	want()
	clock.Advance(time.Minute - 1)
	want()
	clock.Advance(1)
	want(time.Minute)
	clock.Advance(-time.Hour) // does nothing
	want(time.Minute)
	clock.Advance(2 * time.Hour)
	want(time.Minute, 2*time.Hour+time.Minute)
	if got := base.Now(); !got.Equal(clock.Now()) {
		t.Errorf("Now is %v, want %v", got, clock.Now())
	}
}

// A loop that waits in another goroutine is told, on every method of the machine.
func TestClockWakesALoopThatWaits(t *testing.T) {
	for _, method := range event.SupportedMethods() {
		t.Run(method, func(t *testing.T) {
			evtest.Leaks(t)
			clock := evtest.NewClock()
			others := slices.DeleteFunc(event.SupportedMethods(), func(m string) bool { return m == method })
			base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: others, Clock: clock.Now})
			ok(t, err)
			defer base.Free()
			waiting, passed := make(chan struct{}), make(chan struct{})
			base.NewPrepare(func(w *event.Watcher, info event.PrepareInfo) {
				w.Free()
				close(waiting)
			})
			ok(t, base.Once(-1, event.Timeout, time.Hour, func(*event.Event, event.What) { close(passed) }))
			ended := make(chan error, 1)
			go func() { ended <- base.Dispatch() }()
			<-waiting
			clock.Advance(time.Hour)
			base.ClockChanged()
			<-passed
			ok(t, <-ended)
		})
	}
}

func TestClockMovesLoopExit(t *testing.T) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	ok(t, base.LoopExit(time.Hour))
	ok(t, base.Post(func() { clock.Advance(time.Hour) }))
	_, err := base.Loop(event.LoopNoExitOnEmpty)
	ok(t, err)
}

func TestClockOfUncachedBase(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	base, err := event.NewBaseWithConfig(&event.Config{Flags: event.NoCacheTime, Clock: func() time.Time { return now }})
	ok(t, err)
	defer base.Free()
	ok(t, base.Post(func() {
		now = now.Add(time.Second)
		if got := base.Now(); !got.Equal(now) {
			t.Errorf("Now is %v, want %v", got, now)
		}
	}))
	ok(t, base.Dispatch())
}

func TestPairIsConnected(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Pair(t, base)
	for _, b := range []*bufferevent.Bufferevent{one, other} {
		_, err := b.WriteString("hello")
		ok(t, err)
	}
	one.Free() // the test may
	evtest.Await(t, base, "text", func() bool { return other.Input().Len() == 5 })
}

func TestPairLivesByItsClock(t *testing.T) {
	clock := evtest.NewClock()
	one, _ := evtest.Pair(t, clock.Base(t))
	var told error
	one.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, _ bufferevent.Events) { told = b.Err() })
	ok(t, one.SetTimeouts(time.Minute, 0))
	clock.Advance(time.Minute)
	evtest.Await(t, one.Base(), "timeout", func() bool { return told != nil })
	if !errors.Is(told, os.ErrDeadlineExceeded) {
		t.Errorf("told %v", told)
	}
}

func TestSocketsAreConnected(t *testing.T) {
	base := evtest.Base(t)
	one, other := evtest.Sockets(t)
	streams := make([]*bufferevent.Bufferevent, 2)
	for i, fd := range []int{one, other} {
		b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
		ok(t, err)
		t.Cleanup(b.Free)
		streams[i] = b
	}
	_, err := streams[0].WriteString("hello")
	ok(t, err)
	ok(t, streams[1].Enable(event.Read))
	evtest.Await(t, base, "text", func() bool { return streams[1].Input().Len() == 5 })
	text, err := io.ReadAll(streams[1].Input())
	if string(text) != "hello" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestLeaksAreFound(t *testing.T) {
	defer func(d time.Duration) { leak.Patience = d }(leak.Patience)
	leak.Patience = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var left sync.WaitGroup
	defer left.Wait()
	defer cancel()
	got := failures(t, func(t testing.TB) {
		evtest.Leaks(t)
		for range 50 { // more than may be ending still, which are counted at the start
			left.Go(func() { <-ctx.Done() })
		}
	})
	if !strings.Contains(got, "goroutines at the end") {
		t.Errorf("a goroutine was left: %q", got)
	}
	got = failures(t, func(t testing.TB) { evtest.Goroutines(t, 0) })
	if !strings.Contains(got, "goroutines at the end") {
		t.Errorf("there are too many goroutines: %q", got)
	}
	if evtest.Descriptors() < 0 {
		return
	}
	var fd int
	got = failures(t, func(t testing.TB) {
		evtest.Leaks(t)
		var other int
		fd, other = evtest.Sockets(t)
		ok(t, evutil.CloseSocket(other))
	})
	ok(t, evutil.CloseSocket(fd))
	if !strings.Contains(got, "descriptors at the end") {
		t.Errorf("a descriptor was left: %q", got)
	}
}

func TestLocks(t *testing.T) {
	var count *evtest.LockCount
	t.Run("test", func(t *testing.T) {
		count = evtest.Locks(t)
		base := evtest.Loop(t)
		made := count.Made()
		if made == 0 {
			t.Error("the base has no lock")
		}
		// With a lock, any goroutine may add to the loop that waits.
		passed := make(chan struct{})
		ok(t, base.Once(-1, event.Timeout, time.Nanosecond, func(*event.Event, event.What) { close(passed) }))
		<-passed
		b, err := bufferevent.NewSocket(base, -1, bufferevent.ThreadSafe)
		ok(t, err)
		if count.Made() != made+1 {
			t.Errorf("%d locks for a bufferevent", count.Made()-made)
		}
		b.Lock()
		b.Lock()
		b.Unlock()
		b.Unlock()
		b.Free()
	})
	if count.Freed() == 0 {
		t.Error("no lock was freed")
	}
	if evthread.Enabled() {
		t.Error("there are locks after the test")
	}
}

func TestLocksAreRecursiveAndHaveOwners(t *testing.T) {
	evtest.Locks(t)
	l, err := evthread.NewLock(evthread.Recursive)
	ok(t, err)
	ok(t, l.Lock(0))
	ok(t, l.Lock(evthread.ModeTry))
	others := make(chan error, 2)
	go func() {
		others <- l.Lock(evthread.ModeTry)
		others <- l.Unlock(0)
	}()
	for _, want := range []error{evthread.ErrBusy, evthread.ErrNotHeld} {
		if err := <-others; !errors.Is(err, want) {
			t.Errorf("another goroutine: %v, want %v", err, want)
		}
	}
	ok(t, l.Unlock(0))
	ok(t, l.Unlock(0))
	if err := l.Unlock(0); !errors.Is(err, evthread.ErrNotHeld) {
		t.Errorf("unlocked once too often: %v", err)
	}
	evthread.FreeLock(l, evthread.Recursive)
	if err := l.Lock(0); !errors.Is(err, evthread.ErrFreed) {
		t.Errorf("locked after it was freed: %v", err)
	}
}

func TestConditions(t *testing.T) {
	evtest.Locks(t)
	l, err := evthread.NewLock(evthread.Recursive)
	ok(t, err)
	c, err := evthread.NewCond()
	ok(t, err)
	if _, err := c.Wait(l, -1); !errors.Is(err, evthread.ErrNotHeld) {
		t.Errorf("wait without the lock: %v", err)
	}
	ok(t, l.Lock(0))
	if timedOut, err := c.Wait(l, 0); !timedOut || err != nil {
		t.Errorf("wait for no time: %v, %v", timedOut, err)
	}
	go func() {
		l.Lock(0)
		c.Signal(false)
		l.Unlock(0)
	}()
	if timedOut, err := c.Wait(l, evtest.Patience); timedOut || err != nil {
		t.Errorf("wait: %v, %v", timedOut, err)
	}
	ok(t, l.Unlock(0))
}

func TestOwnProcess(t *testing.T) {
	const parent = "EVTEST_TEST_PARENT"
	self := fmt.Sprint(os.Getpid())
	if os.Getenv(parent) == "" {
		t.Setenv(parent, self)
	}
	for name, fails := range map[string]bool{"that passes": false, "that fails": true} {
		t.Run(name, func(t *testing.T) {
			got := failures(t, func(r testing.TB) {
				evtest.OwnProcess(r, func() {
					if os.Getenv(parent) == self {
						t.Error("it is the same process")
					}
					if fails {
						t.Error("as it should")
					}
				})
			})
			if t.Skipped() { // by OwnProcess
				return
			}
			if strings.Contains(got, "as it should") != fails {
				t.Errorf("failures %q", got)
			}
		})
	}
}
