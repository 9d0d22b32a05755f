package pthreads

import (
	"runtime"
	"testing"
)

func TestPinnedGoroutinesHaveThreadsOfTheirOwn(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	me := threadID()
	if me == 0 {
		t.Error("the number of a thread is 0")
	}
	inParallel(func() {
		for range 100 {
			if threadID() == me {
				t.Error("two goroutines on one pinned thread")
			}
			runtime.Gosched()
		}
	})
	if threadID() != me {
		t.Error("a pinned goroutine changed its thread")
	}
}
