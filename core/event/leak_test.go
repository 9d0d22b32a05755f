package event_test

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"testing"
	"time"
)

// checkLeaks makes the test fail if it ends with more goroutines or, where the
// system can tell, descriptors than it has now. It must come first in a test,
// so that its check comes after all other cleanups, and is not for tests that
// run in parallel.
func checkLeaks(t testing.TB) {
	t.Helper()
	startPermanent()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	t.Cleanup(func() {
		if n := settledGoroutines(goroutines); n > goroutines {
			stacks := make([]byte, 1<<16)
			stacks = stacks[:runtime.Stack(stacks, true)]
			t.Errorf("%d goroutines at the end, %d at the start:\n%s", n, goroutines, stacks)
		}
		if n := openDescriptors(); n != descriptors {
			t.Errorf("%d descriptors at the end, %d at the start", n, descriptors)
		}
	})
}

// startPermanent starts what stays for the rest of the process: the goroutine
// of os/signal, and the descriptors of the runtime's network poller.
var startPermanent = sync.OnceFunc(func() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt)
	signal.Stop(ch)
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
})

// settledGoroutines returns the number of goroutines, once it is down to limit:
// one that was told to end may need a moment for it.
func settledGoroutines(limit int) int {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		if n := runtime.NumGoroutine(); n <= limit {
			return n
		}
	}
	return runtime.NumGoroutine()
}

// openDescriptors returns the number of open descriptors of the process, or -1
// if the system does not tell.
func openDescriptors() int {
	if runtime.GOOS == "windows" {
		return -1 // Wine shows the system's own folder, which says something else
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(fds)
}
