package pthreads

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
	"golang.org/x/sys/unix"
)

func newInheriting(t *testing.T) evthread.Lock {
	t.Helper()
	cbs, err := inheritingLocks()
	if err != nil {
		t.Skip(err)
	}
	l, err := cbs.Alloc(evthread.Recursive)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestThreadIDIsTheKernels(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if threadID() != uint64(unix.Gettid()) {
		t.Errorf("%d, want %d", threadID(), unix.Gettid())
	}
}

func TestFutexWordNamesTheHolder(t *testing.T) {
	l := newInheriting(t)
	word := &l.(*mutex).gate.(*piFutex).word
	must(t, l.Lock(0))
	if got := word.Load(); got != uint32(unix.Gettid()) {
		t.Errorf("held: word %#x, want %#x", got, unix.Gettid())
	}
	must(t, l.Unlock(0))
	if got := word.Load(); got != 0 {
		t.Errorf("free: word %#x, want 0", got)
	}
}

func TestWaitingInACircleFails(t *testing.T) {
	a, b := newInheriting(t), newInheriting(t)
	aHeld, bHeld, results := make(chan struct{}, 1), make(chan struct{}, 1), make(chan error)
	both := func(first, second evthread.Lock, held, otherHeld chan struct{}) {
		must(t, first.Lock(0))
		held <- struct{}{}
		<-otherHeld
		err := second.Lock(0)
		if err == nil {
			must(t, second.Unlock(0))
		}
		must(t, first.Unlock(0))
		results <- err
	}
	go both(a, b, aHeld, bHeld)
	go both(b, a, bHeld, aHeld)
	if first, second := <-results, <-results; (first == nil) == (second == nil) ||
		!errors.Is(errors.Join(first, second), unix.EDEADLK) {
		t.Errorf("got %v and %v, want EDEADLK once", first, second)
	}
}

// TestHolderInheritsPriority lets a real-time thread wait for a normal one.
func TestHolderInheritsPriority(t *testing.T) {
	l := newInheriting(t)
	must(t, l.Lock(0))
	if p := priority(t); p < 0 {
		t.Skipf("the test itself runs at real-time priority %d", p)
	}
	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with its priority
		err := unix.SchedSetAttr(0, &unix.SchedAttr{
			Size:     unix.SizeofSchedAttr,
			Policy:   unix.SCHED_FIFO,
			Priority: 1,
		}, 0)
		started <- err
		if err != nil {
			return
		}
		must(t, l.Lock(0))
		must(t, l.Unlock(0))
	}()
	if err := <-started; err != nil {
		must(t, l.Unlock(0))
		<-done
		t.Skipf("may not use real-time priorities: %v", err)
	}
	for giveUp := time.Now().Add(time.Minute); priority(t) >= 0; runtime.Gosched() {
		if time.Now().After(giveUp) {
			t.Error("the holder did not inherit the priority of the one who waits")
			break
		}
	}
	must(t, l.Unlock(0))
	if p := priority(t); p < 0 {
		t.Errorf("priority %d after Unlock", p)
	}
	<-done
}

// priority returns the effective priority of the calling thread, which is
// negative for real-time ones.
func priority(t *testing.T) int {
	t.Helper()
	stat, err := os.ReadFile("/proc/thread-self/stat")
	if err != nil {
		t.Skip(err)
	}
	// The fields after the command name, which is in parentheses, start with
	// the third of proc_pid_stat(5); the priority is the 18th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	p, err := strconv.Atoi(string(fields[18-3]))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
