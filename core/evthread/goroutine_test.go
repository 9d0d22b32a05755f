package evthread_test

import (
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/evthread"
)

func TestGoroutinesHaveIdentities(t *testing.T) {
	seen := make(chan uintptr, 8)
	arrived, leave := make(chan struct{}), make(chan struct{})
	for range cap(seen) {
		go func() {
			me := evthread.Goroutine()
			seen <- me
			arrived <- struct{}{}
			<-leave
			runtime.Gosched()
			if growStack(1000) == 0 || evthread.Goroutine() != me {
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
	identities := map[uintptr]bool{0: true, evthread.Goroutine(): true}
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
