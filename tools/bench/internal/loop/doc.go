// Package loop holds the workloads of the loop suite, done with this library.
// What each of them measures is defined in the manual of evbench; the C side,
// in internal/cpeer/src, does the same work in the same order.
//
// A workload is meant to have a process of its own: it leaves its base and its
// descriptors to the end of the process.
//
// # Files
//
//	activate.go  activating events
//	timers.go    adding, changing, deleting and firing timers
//	post.go      callbacks that other goroutines cause
//	pipes_*.go   bytes that are passed through pipes
//	idle.go      how an idle loop delays others
//	rng.go       numbers that are the same on both sides
package loop

import (
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/measure"
)

// repetitions returns how often work on n objects is done so that times of few
// objects add up to something that can be measured: total/n, at least once.
func repetitions(total, n int) int {
	return max(total/n, 1)
}

// perOperation returns the nanoseconds that one of n operations took.
func perOperation(name string, total time.Duration, n int) measure.Figure {
	return measure.Figure{Name: name, Value: float64(total.Nanoseconds()) / float64(n)}
}
