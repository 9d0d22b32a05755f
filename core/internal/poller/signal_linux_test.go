package poller

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A signal ends a system call that waits, which must not look like a failure.
func TestSignalDuringWaitIsNoError(t *testing.T) {
	tests := []struct {
		method  Method
		options Options
	}{
		{epollMethod, Options{BlockThread: true}},
		{pollMethod, Options{}},
		{selectMethod, Options{}},
	}
	for _, test := range tests {
		t.Run(test.method.Name, func(t *testing.T) {
			p, err := test.method.Open(test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			thread := make(chan int)
			result := make(chan error)
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				thread <- unix.Gettid()
				_, _, err := p.Wait(Never, nil)
				result <- err
			}()
			if err := interrupt(t, p, <-thread, result); err != nil {
				t.Errorf("wait: %v", err)
			}
		})
	}
}

// interrupt sends signals to a thread that waits until that has an end, and
// wakes p if signals do not suffice. SIGURG is the runtime's own, of which
// there may be any number.
func interrupt(t *testing.T, p Poller, thread int, result <-chan error) error {
	t.Helper()
	for range 1000 {
		if err := unix.Tgkill(os.Getpid(), thread, unix.SIGURG); err != nil {
			t.Fatalf("tgkill: %v", err)
		}
		select {
		case err := <-result:
			return err
		default:
			runtime.Gosched()
		}
	}
	if err := p.Wake(); err != nil {
		t.Fatalf("wake: %v", err)
	}
	return <-result
}
