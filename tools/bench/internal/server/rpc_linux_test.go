package server

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-libevent/libevent/tools/bench/internal/load"
)

func TestServersOfRPCAnswer(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(rpcServers)) {
		for _, lines := range []int{1, 100} {
			t.Run(name, func(t *testing.T) {
				t.Setenv("SERVER_TEST_NAME", name)
				figures, err := load.RPC([]string{os.Args[0], name}, lines, 5, 20*time.Millisecond)
				requireFigures(t, figures, err, "rate", "server CPU", "median", "99th percentile", "99.9th percentile",
					"allocations", "server busy", "load busy")
			})
		}
	}
}
