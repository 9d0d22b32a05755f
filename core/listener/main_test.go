package listener_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
)

// TestMain fails if the tests leave descriptors open, where the system can tell.
// Children end with others than they began with, as is their purpose.
func TestMain(m *testing.M) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // the runtime keeps descriptors for it
		l.Close()
	}
	before := openDescriptors()
	code := m.Run()
	if after := openDescriptors(); code == 0 && after != before && !isChild() {
		fmt.Printf("%d descriptors before the tests, %d after them\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// openDescriptors returns the number of open descriptors, or -1 if the system
// does not tell. Wine has the folder, but it tells of Wine's own.
func openDescriptors() int {
	if runtime.GOOS == "windows" {
		return -1
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(fds)
}
