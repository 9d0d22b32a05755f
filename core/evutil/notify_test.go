package evutil_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// newNotifyPipe returns a pipe that lives as long as the test.
func newNotifyPipe(t *testing.T) (r, w int) {
	t.Helper()
	r, w, err := evutil.NotifyPipe()
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, r)
	if w != r {
		closeLater(t, w)
	}
	return r, w
}

// notified reports whether the pipe is readable, and drains it a little.
func notified(t *testing.T, r int) bool {
	t.Helper()
	var buf [8]byte
	n, err := sysio.Drain(r, buf[:])
	if err != nil && !evutil.IsRetriable(err) {
		t.Fatal(err)
	}
	return n > 0
}

func TestNotifyMakesThePipeReadable(t *testing.T) {
	leak.Check(t)
	r, w := newNotifyPipe(t)
	if notified(t, r) {
		t.Error("readable before it was notified")
	}
	if err := evutil.Notify(w); err != nil {
		t.Fatal(err)
	}
	waitForData(t, r)
	if !notified(t, r) {
		t.Error("not readable after it was notified")
	}
}

func TestDrainNotifyTakesEverything(t *testing.T) {
	leak.Check(t)
	r, w := newNotifyPipe(t)
	count := 1000
	if runtime.GOOS == "windows" {
		count = 1 // the last of many may arrive after the drain
	}
	for range count {
		if err := evutil.Notify(w); err != nil {
			t.Fatal(err)
		}
	}
	waitForData(t, r)
	if err := evutil.DrainNotify(r); err != nil {
		t.Fatal(err)
	}
	if notified(t, r) {
		t.Error("readable after it was drained")
	}
	if err := evutil.DrainNotify(r); err != nil {
		t.Errorf("draining an empty pipe: %v", err)
	}
}

func TestNotifyPipeIsNotInherited(t *testing.T) {
	r, w := newNotifyPipe(t)
	if isInherited(t, r) || isInherited(t, w) {
		t.Error("it is")
	}
}

func TestNotifyFromManyGoroutines(t *testing.T) {
	r, w := newNotifyPipe(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if err := evutil.Notify(w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	waitForData(t, r)
	if !notified(t, r) {
		t.Error("not readable")
	}
}
