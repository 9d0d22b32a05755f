package evdnsserver_test

import (
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// patience is how long a test waits for what must come; it is there to end tests
// that have failed, on a machine that may be busy.
const patience = 30 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newLoop returns an event base that lives as long as the test, which fails if
// it leaves anything behind.
func newLoop(t testing.TB) *event.Base {
	t.Helper()
	checkLeaks(t)
	loop, err := event.NewBase()
	ok(t, err)
	t.Cleanup(loop.Free)
	return loop
}

// dispatch runs the loop until it ends by itself or is ended.
func dispatch(t testing.TB, loop *event.Base) {
	t.Helper()
	var late atomic.Bool
	guard := time.AfterFunc(patience, func() {
		late.Store(true)
		loop.LoopExit(0)
	})
	defer guard.Stop()
	ok(t, loop.Dispatch())
	if late.Load() {
		stacks := make([]byte, 1<<16)
		t.Fatalf("the loop has waited in vain\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}

// checkLeaks makes the test fail if it ends with more goroutines or, where the
// system can tell, descriptors than it has now.
func checkLeaks(t testing.TB) {
	t.Helper()
	startPermanent()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	t.Cleanup(func() {
		if n := settled(runtime.NumGoroutine, goroutines); n > goroutines {
			stacks := make([]byte, 1<<16)
			t.Errorf("%d goroutines at the end, %d at the start:\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
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

// record returns a resource record from its text.
func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	ok(t, err)
	return rr
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
