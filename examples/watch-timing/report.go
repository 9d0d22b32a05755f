package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/core/event"
)

// report prints what the watchers measured.
func (t *timing) report(w io.Writer) {
	printHistogram(w, "waits for events", &t.waits)
	printHistogram(w, "waits beyond their timeouts", &t.late)
	printHistogram(w, "callbacks between two waits", &t.work)
}

// reportStats prints what the base measured.
func reportStats(w io.Writer, s event.Stats) {
	printHistogram(w, "single callbacks", &s.Histogram)
	// output.Err has the error.
	_, _ = fmt.Fprintf(w, "\n%d iterations: %v of waits, %v of %d callbacks, the slowest %v (fd %d, %v)\n",
		s.Iterations, s.PollTime, s.CallbackTime, s.Callbacks, s.Slowest.Duration, s.Slowest.FD, s.Slowest.What)
}

// printHistogram prints a line for each entry from the first to the last that
// is not zero.
func printHistogram(w io.Writer, title string, h *event.Histogram) {
	const width = 50
	_, _ = fmt.Fprintf(w, "\n%s:\n", title) // output.Err has the error
	most := slices.Max(h[:])
	if most == 0 {
		_, _ = fmt.Fprintln(w, "  none") // output.Err has the error
		return
	}
	first, last := 0, len(h)-1
	for h[first] == 0 {
		first++
	}
	for h[last] == 0 {
		last--
	}
	for i := first; i <= last; i++ {
		bar := strings.Repeat("#", int((h[i]*width+most-1)/most))
		_, _ = fmt.Fprintf(w, "  < %12v %8d %s\n", h.Bound(i), h[i], bar) // output.Err has the error
	}
}
