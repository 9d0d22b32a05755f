package evutil

import (
	"os"
	"syscall"
	"testing"
)

// TestMain makes the runtime and Winsock open what they keep open, so that
// tests can count descriptors.
func TestMain(m *testing.M) {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	if fd, err := sysSocket(syscall.AF_INET, syscall.SOCK_STREAM); err == nil {
		CloseSocket(fd)
	}
	os.Exit(m.Run())
}

// closeLater closes a descriptor at the end of the test.
func closeLater(t *testing.T, fds ...int) {
	t.Helper()
	t.Cleanup(func() {
		for _, fd := range fds {
			if err := CloseSocket(fd); err != nil {
				t.Error(err)
			}
		}
	})
}

// newSocket returns a blocking TCP socket that lives as long as the test.
func newSocket(t *testing.T) int {
	t.Helper()
	fd, err := sysSocket(syscall.AF_INET, syscall.SOCK_STREAM)
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, fd)
	return fd
}

func option(t *testing.T, fd, level, option int) int {
	t.Helper()
	value, err := sysGetsockopt(fd, level, option)
	if err != nil {
		t.Fatalf("getsockopt %d fd %d: %v", option, fd, err)
	}
	return value
}
