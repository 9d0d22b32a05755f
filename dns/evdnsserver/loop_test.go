package evdnsserver_test

import (
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
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
var newLoop = evtest.Base

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

// record returns a resource record from its text.
func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	ok(t, err)
	return rr
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
