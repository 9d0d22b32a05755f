package event_test

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
)

// TestSignalToThread sends signals to the thread that the loop runs on, so that
// they interrupt the system call that it is in.
func TestSignalToThread(t *testing.T) {
	onEveryInterface(t, []behaviour{
		{"that runs", func(t *testing.T, on backend) {
			surviveSignals(t)
			b := on.base(t)
			n := 0
			addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
				n++
				if n == 100 {
					ok(t, ev.Del())
					return
				}
				ok(t, unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGUSR1))
			})
			raise(t, syscall.SIGUSR1)
			dispatch(t, b)
		}},
		{"that waits", func(t *testing.T, on backend) {
			surviveSignals(t)
			b := on.base(t)
			n := 0
			waits := make(chan int, 1)
			b.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
				if _, limited := info.Timeout(); limited {
					return
				}
				select {
				case waits <- unix.Gettid():
				default:
				}
			})
			addSignal(t, b, syscall.SIGUSR1, func(ev *event.Event, _ event.What) {
				n++
				if n == 100 {
					ok(t, ev.Del())
					close(waits)
				}
			})
			done := goes(t, func() {
				for thread := range waits {
					if unix.Tgkill(os.Getpid(), thread, syscall.SIGUSR1) != nil {
						unix.Kill(os.Getpid(), syscall.SIGUSR1) // the thread has ended
					}
				}
			})
			dispatch(t, b)
			done()
		}},
	})
}

// The numbers that C libraries use for their threads are refused, because Go
// leaves them alone; all other real-time signals arrive.
func TestRealTimeSignals(t *testing.T) {
	notUnder(t, "qemu", "some numbers are the emulator's own")
	b := newBase(t, nil)
	for sig := syscall.Signal(32); sig <= 64; sig++ {
		if sig <= 34 {
			_, err := b.NewSignal(sig, ignore)
			wantError(t, "reserved signal", err, syscall.EINVAL)
			continue
		}
		var c calls
		ev := addSignal(t, b, sig, c.note)
		raise(t, sig)
		runOnce(t, b)
		c.want(t, event.Signal)
		ok(t, ev.Del())
	}
}
