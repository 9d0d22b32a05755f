//go:build race

package poller

// raceDetector says that the race detector is on, under which more escapes to
// the heap.
const raceDetector = true
