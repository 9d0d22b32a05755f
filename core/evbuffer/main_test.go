package evbuffer_test

import (
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/internal/leak"
)

// TestMain fails if the tests leave descriptors open, where the system can tell.
func TestMain(m *testing.M) { os.Exit(leak.Run(m)) }
