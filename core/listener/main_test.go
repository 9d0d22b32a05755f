package listener_test

import (
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/evtest"
)

// TestMain fails if the tests leave descriptors open, where the system can tell.
// Children end with others than they began with, as is their purpose.
func TestMain(m *testing.M) {
	if isChild() {
		os.Exit(m.Run())
	}
	os.Exit(evtest.Run(m))
}
