package simulation_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
)

// TestFilters runs the streams of TestSockets with filters over them, and filters over
// those: ones that make more of the bytes or fewer, keep some back until they are
// flushed, need whole pieces, or fail at some byte. What goes in above the filters of
// one end comes out above those of the other.
func TestFilters(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Limit: 6 * time.Hour}, func(w *evtest.World) {
		s := &streamScenario{world: w, layered: true}
		s.run(w.Draw("links", 1, 5))
	})
}
