package poller

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nestedEpoll returns an epoll descriptor that no other may watch: as many of
// them watch each other as the kernel allows.
func nestedEpoll(t *testing.T) int {
	t.Helper()
	const most = 5 // EP_MAX_NESTS and one
	inner := -1
	for range most {
		fd, err := epollCreate()
		if err != nil {
			t.Fatal(err)
		}
		if inner >= 0 {
			if err := epollControl(fd, inner, 0, Read); err != nil {
				t.Fatal(err)
			}
			inner := inner
			t.Cleanup(func() { unix.Close(inner) })
		}
		inner = fd
	}
	return inner
}

func TestRefusalByTheRuntimeIsAnErrorAndClosesTheDescriptor(t *testing.T) {
	for _, o := range []Options{{}, {PreciseTimer: true}} {
		fd := nestedEpoll(t)
		_, err := newEpollWaiter(fd, o)
		if !errors.Is(err, os.ErrNoDeadline) {
			t.Errorf("%+v: %v, want %v", o, err, os.ErrNoDeadline)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("%+v: the descriptor is open: %v", o, err)
		}
	}
}

// A loop whose descriptor the runtime's poller refuses blocks its thread.
func TestEpollWithoutTheRuntimesPoller(t *testing.T) {
	for _, o := range []Options{{}, {PreciseTimer: true}, {Changelist: true}} {
		created := 0
		p, err := openEpollOn(func() (int, error) {
			if created++; created == 1 {
				return nestedEpoll(t), nil
			}
			return epollCreate()
		}, o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		d := &driver{Poller: p, t: t, watched: make(map[int]Interest)}
		a, b := socketPair(t)
		d.watch(a, Read)
		d.expectFullWait(time.Millisecond)
		writeFD(t, b, []byte("data"))
		d.expect(a, Read)
		d.watch(a, 0)
		d.wake()
		d.poll(-1)
		if created != 2 {
			t.Errorf("%d descriptors were created, want 2", created)
		}
	}
}

func TestEpollErrorsOfCreationComeBack(t *testing.T) {
	_, err := openEpollOn(func() (int, error) { return -1, unix.EMFILE }, Options{})
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("%v, want %v", err, unix.EMFILE)
	}
}
