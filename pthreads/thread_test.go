package pthreads

import (
	"runtime"
	"testing"
)

func TestGoroutinesHaveIdentities(t *testing.T) {
	seen := make(chan uintptr, 8)
	arrived, leave := make(chan struct{}), make(chan struct{})
	for range cap(seen) {
		go func() {
			me := goroutine()
			seen <- me
			arrived <- struct{}{}
			<-leave
			runtime.Gosched()
			if growStack(1000) == 0 || goroutine() != me {
				t.Error("a goroutine changed its identity")
			}
			arrived <- struct{}{}
		}()
	}
	for range cap(seen) {
		<-arrived
	}
	close(leave)
	for range cap(seen) {
		<-arrived
	}
	close(seen)
	identities := map[uintptr]bool{0: true, goroutine(): true}
	for id := range seen {
		if identities[id] {
			t.Errorf("identity %#x is taken", id)
		}
		identities[id] = true
	}
}

// growStack recurses deep enough for the stack to be moved.
func growStack(n int) byte {
	var frame [256]byte
	if n == 0 {
		return 1
	}
	frame[n%len(frame)] = growStack(n - 1)
	return frame[n%len(frame)]
}

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
