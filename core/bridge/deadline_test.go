package bridge_test

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/evtest"
)

// A waiter is a pipe whose blocking end can be made to wait.
type waiter struct {
	name  string
	block func(t *testing.T) (wait func() error, set func(time.Time) error, free func())
}

var waiters = []waiter{
	{"Read", func(t *testing.T) (func() error, func(time.Time) error, func()) {
		r := new(bridge.Reader)
		r.Init(evtest.Base(t), bridge.Config{})
		return func() error { return readError(r) }, r.SetDeadline, func() { r.Put(buffer(t, "xxxxxxxxxx")) }
	}},
	{"Write", func(t *testing.T) (func() error, func(time.Time) error, func()) {
		w := new(bridge.Writer)
		w.Init(evtest.Base(t), bridge.Config{High: 1})
		ok(t, writeError(w))
		return func() error { return writeError(w) }, w.SetDeadline, func() { takeAll(t, w) }
	}},
	{"WriteBuffer", func(t *testing.T) (func() error, func(time.Time) error, func()) {
		w := new(bridge.Writer)
		w.Init(evtest.Base(t), bridge.Config{High: 1})
		ok(t, writeError(w))
		return func() error { return w.WriteBuffer(buffer(t, "x")) }, w.SetDeadline, func() { takeAll(t, w) }
	}},
	{"Flush", func(t *testing.T) (func() error, func(time.Time) error, func()) {
		w := new(bridge.Writer)
		w.Init(evtest.Base(t), bridge.Config{})
		ok(t, writeError(w))
		return w.Flush, w.SetDeadline, func() { takeAll(t, w) }
	}},
}

func takeAll(t *testing.T, w *bridge.Writer) {
	b := buffer(t, "")
	n, err := w.Take(b)
	ok(t, err)
	w.Ack(n)
}

// whileWaiting runs a test for each call that waits, in a bubble of time: the loop is
// not needed.
func whileWaiting(t *testing.T, test func(t *testing.T, wait func() error, set func(time.Time) error, free func())) {
	for _, w := range waiters {
		t.Run(w.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wait, set, free := w.block(t)
				test(t, wait, set, free)
			})
		})
	}
}

func TestDeadlineThatHasPassed(t *testing.T) {
	whileWaiting(t, func(t *testing.T, wait func() error, set func(time.Time) error, _ func()) {
		for _, at := range []time.Time{time.Unix(1, 0), time.Now(), time.Now().Add(-time.Hour)} {
			ok(t, set(at))
			wantError(t, "a call", wait(), os.ErrDeadlineExceeded)
		}
	})
}

func TestDeadlineEndsWaiting(t *testing.T) {
	whileWaiting(t, func(t *testing.T, wait func() error, set func(time.Time) error, _ func()) {
		for _, after := range []time.Duration{time.Nanosecond, time.Second, time.Hour} {
			for _, clock := range []func(time.Time) time.Time{
				func(t time.Time) time.Time { return t },          // monotonic
				func(t time.Time) time.Time { return t.Round(0) }, // wall
			} {
				start := time.Now()
				ok(t, set(clock(start.Add(after))))
				wantError(t, "a call", wait(), os.ErrDeadlineExceeded)
				want(t, "time", time.Since(start), after)
			}
		}
	})
}

func TestDeadlineChangesWhileWaiting(t *testing.T) {
	for _, tt := range []struct {
		name          string
		first, second time.Duration // 0 for none
		end           time.Duration // of waiting
	}{
		{"from none to one", 0, 5 * time.Second, 5 * time.Second},
		{"to an earlier one", time.Hour, 5 * time.Second, 5 * time.Second},
		{"to a later one", 5 * time.Second, time.Hour, time.Hour},
		{"to the past", time.Hour, -time.Hour, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whileWaiting(t, func(t *testing.T, wait func() error, set func(time.Time) error, _ func()) {
				start := time.Now()
				at := func(after time.Duration) (at time.Time) {
					if after != 0 {
						at = start.Add(after)
					}
					return at
				}
				ok(t, set(at(tt.first)))
				one, two := background(wait), background(wait)
				time.Sleep(time.Second)
				synctest.Wait() // both wait
				ok(t, set(at(tt.second)))
				wantError(t, "one", <-one, os.ErrDeadlineExceeded)
				wantError(t, "two", <-two, os.ErrDeadlineExceeded)
				want(t, "time", time.Since(start), tt.end)
			})
		})
	}
}

// Removing the deadline leaves those that wait to what they wait for.
func TestDeadlineRemovedWhileWaiting(t *testing.T) {
	whileWaiting(t, func(t *testing.T, wait func() error, set func(time.Time) error, free func()) {
		ok(t, set(time.Now().Add(time.Second)))
		result := background(wait)
		synctest.Wait()
		ok(t, set(time.Time{}))
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("it has ended: %v", err)
		default:
		}
		free()
		ok(t, <-result)
	})
}

// A deadline is nothing final.
func TestDeadlineThatHasPassedCanBeReplaced(t *testing.T) {
	whileWaiting(t, func(t *testing.T, wait func() error, set func(time.Time) error, free func()) {
		ok(t, set(time.Unix(1, 0)))
		wantError(t, "a call", wait(), os.ErrDeadlineExceeded)
		free()
		ok(t, set(time.Now().AddDate(1000, 0, 0)))
		ok(t, wait())
	})
}

// Data is not read after the deadline, and not lost.
func TestDeadlineComesBeforeData(t *testing.T) {
	var r bridge.Reader
	r.Init(evtest.Base(t), bridge.Config{})
	r.Put(buffer(t, "data"))
	ok(t, r.SetDeadline(time.Unix(1, 0)))
	wantError(t, "Read", readError(&r), os.ErrDeadlineExceeded)
	ok(t, r.SetDeadline(time.Time{}))
	want(t, "read", read(t, &r), "data")
}

func TestDeadlineOfAPipeThatIsClosed(t *testing.T) {
	base := evtest.Base(t)
	var r bridge.Reader
	r.Init(base, bridge.Config{})
	ok(t, r.CloseWithError(errors.New("cause")))
	wantError(t, "SetDeadline", r.SetDeadline(time.Now()), bridge.ErrClosed)
	var w bridge.Writer
	w.Init(base, bridge.Config{})
	ok(t, w.Close())
	wantError(t, "SetDeadline", w.SetDeadline(time.Now()), bridge.ErrClosed)
}
