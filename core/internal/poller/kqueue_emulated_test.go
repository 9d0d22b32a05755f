//go:build linux && kqueue_emulation

package poller

import (
	"os"
	"slices"
	"testing"

	emulation "github.com/go-libevent/libevent/core/internal/kqueue"
)

// The tests of a build with the emulation are worth something only if they run the
// poller on the system that was asked for.
func TestKqueueIsThatOfTheSystemAskedFor(t *testing.T) {
	if Methods()[0].Name != "kqueue" {
		t.Errorf("the first method is %s", Methods()[0].Name)
	}
	if want := os.Getenv("KQUEUE_SYSTEM"); want != "" && want != kqueueSystem.Name {
		t.Errorf("the system is %s, want %s", kqueueSystem.Name, want)
	}
	byPipe := slices.Contains([]string{"netbsd", "openbsd"}, kqueueSystem.Name)
	if _, refused := openUserEvent(t); refused != byPipe {
		t.Errorf("%s refuses user events: %v", kqueueSystem.Name, refused)
	}
}

func openUserEvent(t *testing.T) (err error, refused bool) {
	t.Helper()
	kq, err := kqueueOpen()
	if err != nil {
		t.Fatal(err)
	}
	defer kqueueClose(kq)
	_, err = emulation.Kevent(kq, []emulation.Event{{Filter: emulation.User, Flags: emulation.Add}}, nil, 0)
	return err, err != nil
}

// Whatever a signal interrupts, no readiness, edge, wake-up or timeout is lost.
func TestKqueueLosesNothingByInterruptions(t *testing.T) {
	for _, every := range []int{2, 3} {
		emulation.Interrupt(every)
		defer emulation.Interrupt(0)
		d := openDriver(t)
		defer d.Close()
		playInterrupted(t, d)
	}
}

// The number of a queue that was closed may be that of another one.
func TestKqueueIsNotWokenOnceClosed(t *testing.T) {
	closed := openDriver(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	next := openDriver(t)
	if got, want := next.Poller.(*kqueue).fd, closed.Poller.(*kqueue).fd; got != want {
		t.Fatalf("the number of the next queue is %d, want %d", got, want)
	}
	closed.wake()
	if n, err := keventNow(next.Poller.(*kqueue).fd, make([]kevent, 1)); n != 0 || err != nil {
		t.Errorf("the next queue has %d events, %v", n, err)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
}

func openDriver(t *testing.T) *driver {
	t.Helper()
	p, err := openKqueue(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &driver{Poller: p, t: t, watched: make(map[int]Interest)}
}
