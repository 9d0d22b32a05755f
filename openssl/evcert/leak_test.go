package evcert_test

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

// checkLeaks makes the test fail if it ends with more goroutines or, where the
// system can tell, descriptors than it has now. newBase calls it, so that the
// check comes after all other cleanups; it is not for tests that run in
// parallel.
func checkLeaks(t testing.TB) {
	t.Helper()
	startPermanent()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	t.Cleanup(func() {
		noMoreGoroutines(t, goroutines)
		if n := settled(openDescriptors, descriptors); n > descriptors {
			t.Errorf("%d descriptors at the end, %d at the start", n, descriptors)
		}
	})
}

// startPermanent makes the runtime and Winsock open what they keep open.
var startPermanent = sync.OnceFunc(func() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	if pair, err := evutil.LoopbackPair(); err == nil {
		evutil.CloseSocket(pair[0])
		evutil.CloseSocket(pair[1])
	}
})

// noMoreGoroutines makes the test fail if more than so many goroutines stay.
func noMoreGoroutines(t testing.TB, limit int) {
	t.Helper()
	if n := settled(runtime.NumGoroutine, limit); n > limit {
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines at the end, %d at the start:\n%s", n, limit, stacks[:runtime.Stack(stacks, true)])
	}
}

// settled returns what count does, once that is down to limit or does not seem
// to get there: a goroutine that was told to end may need a moment for it, and a
// new thread of the C library opens a file for one.
func settled(count func() int, limit int) int {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		if n := count(); n <= limit {
			return n
		}
	}
	return count()
}

// openDescriptors returns the number of open descriptors of the process, or -1
// if the system does not tell. Wine has the folder, but it tells of Wine's own.
func openDescriptors() int {
	if runtime.GOOS == "windows" {
		return -1
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(fds)
}
