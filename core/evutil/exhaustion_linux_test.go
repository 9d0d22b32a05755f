package evutil_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// TestRunningOutOfDescriptors lets each constructor have one descriptor more
// than the time before, until it succeeds: all its failures give an error and
// take no descriptor with them.
func TestRunningOutOfDescriptors(t *testing.T) {
	for _, test := range []struct {
		name string
		make func() (int, int, error)
	}{
		{"Socketpair", func() (int, int, error) {
			pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			return pair[0], pair[1], err
		}},
		{"LoopbackPair", func() (int, int, error) {
			pair, err := evutil.LoopbackPair()
			return pair[0], pair[1], err
		}},
		{"NotifyPipe", evutil.NotifyPipe},
	} {
		t.Run(test.name, func(t *testing.T) {
			leak.Check(t)
			for extra := range uint64(8) {
				a, b, err := withDescriptors(t, extra, test.make)
				if err == nil {
					evutil.CloseSocket(a)
					if b != a {
						evutil.CloseSocket(b)
					}
					if extra == 0 {
						t.Error("it made descriptors out of nothing")
					}
					return
				}
				if !errors.Is(err, unix.EMFILE) {
					t.Errorf("with %d descriptors: %v, want %v", extra, err, unix.EMFILE)
				}
				if a != evutil.InvalidSocket || b != evutil.InvalidSocket {
					t.Errorf("with %d descriptors: got %d and %d", extra, a, b)
				}
			}
			t.Error("it never succeeded")
		})
	}
}

// withDescriptors calls make when only n more descriptors can be opened.
func withDescriptors(t *testing.T, n uint64, make func() (int, int, error)) (int, int, error) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	limit := old
	limit.Cur = uint64(lowestFree(t)) + n
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip("cannot limit descriptors: ", err)
	}
	a, b, err := make()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	return a, b, err
}

// lowestFree returns the number that the next descriptor will have.
func lowestFree(t *testing.T) int {
	t.Helper()
	fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{Blocking: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := evutil.CloseSocket(fd); err != nil {
		t.Fatal(err)
	}
	return fd
}
