package simulation_test

import (
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
)

// TestSockets runs streams over sockets and pairs, whose ends do whatever can be done
// to a bufferevent. What comes out at one end is what has gone in at the other; the end
// of the stream, failures and timeouts come for a reason that there is; watermarks,
// limits and the contract of callbacks are kept; and once the network is well again,
// all comes to its end.
func TestSockets(t *testing.T) {
	evtest.Simulate(t, evtest.Simulation{Limit: 6 * time.Hour}, func(w *evtest.World) {
		s := &streamScenario{world: w}
		s.run(w.Draw("links", 1, 6))
	})
}
