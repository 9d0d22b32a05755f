//go:build unix

package poller_test

import (
	"testing"
	"testing/synctest"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/simnet"
)

func init() { poller.Simulate = simulate }

// simulate runs a test on a host of a simulated network.
func simulate(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		t.Cleanup(n.Close) // after all that the test cleans up
		n.AddHost("host").In(func() { test(t) })
	})
}
