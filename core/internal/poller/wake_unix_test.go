//go:build unix

package poller

import (
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

func TestWakerIsReadableUntilDrained(t *testing.T) {
	w := openWaker(t)
	if readable(t, w.fd()) {
		t.Fatal("readable before a wake")
	}
	for range 3 {
		for range 1000 {
			if err := w.wake(); err != nil {
				t.Fatal(err)
			}
		}
		if !readable(t, w.fd()) {
			t.Fatal("not readable after a wake")
		}
		w.drain()
		if readable(t, w.fd()) {
			t.Fatal("readable after a drain")
		}
	}
}

func TestManyWakesAreOneMessage(t *testing.T) {
	w := openWaker(t)
	for range 1000 {
		if err := w.wake(); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 2*sysio.WakeMessageLen)
	n := readFD(t, w.fd(), got)
	if n != sysio.WakeMessageLen {
		t.Errorf("read %v, want one message of %d bytes", got[:n], sysio.WakeMessageLen)
	}
}

func TestWakerDrainedForNothing(t *testing.T) {
	w := openWaker(t)
	w.drain()
	if err := w.wake(); err != nil {
		t.Fatal(err)
	}
	if !readable(t, w.fd()) {
		t.Error("not readable after a wake")
	}
}

// A descriptor that has got the number of a closed waker's must not be
// written to.
func TestWakerDoesNothingOnceClosed(t *testing.T) {
	w := openWaker(t)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	var readers, writers []int
	for range 2 {
		r, w := pipePair(t)
		readers, writers = append(readers, r), append(writers, w)
	}
	if err := w.wake(); err != nil {
		t.Errorf("wake after close: %v", err)
	}
	for i, r := range readers {
		if readable(t, r) {
			t.Errorf("a wake after close wrote to fd %d", writers[i])
		}
	}
	if err := w.close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func openWaker(t *testing.T) *waker {
	t.Helper()
	w, err := newWaker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close() })
	return w
}

func readable(t *testing.T, fd int) bool {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}
