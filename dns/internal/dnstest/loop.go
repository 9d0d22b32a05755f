package dnstest

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// Dispatch runs the loop until it has no events any more, or is told to end. The test
// fails, with the stacks of all goroutines, if that takes longer than evtest.Patience.
func Dispatch(t testing.TB, loop *event.Base) {
	t.Helper()
	var late atomic.Bool
	guard := time.AfterFunc(evtest.Patience, func() {
		late.Store(true)
		_ = loop.LoopExit(0) // fails if it was freed, and then the loop has ended
	})
	defer guard.Stop()
	OK(t, loop.Dispatch())
	if late.Load() {
		stacks := make([]byte, 1<<16)
		t.Fatalf("the loop does not end\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}
