package simnet

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A goroutine in a call of In belongs to that host for as long, whoever else is in one.
func TestGoroutinesBelongToTheirHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		a, b := n.AddHost("a"), n.AddHost("b")
		done := make(chan struct{})
		opens := func(h *Host) {
			t.Helper()
			before := len(h.Open())
			fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{})
			if err != nil || len(h.Open()) != before+1 {
				t.Errorf("a socket of %s: %v", h.Name(), err)
			}
			_ = sysio.Close(fd)
		}
		go a.In(func() {
			defer close(done)
			opens(a)
			time.Sleep(time.Second) // meanwhile the others are in b, and out again
			opens(a)
		})
		b.In(func() {
			time.Sleep(time.Millisecond)
			opens(b)
			a.In(func() { opens(a) })
			opens(b)
		})
		<-done
		if _, err := sysio.Socket(syscall.AF_INET, sysio.Mode{}); err != errNoHost {
			t.Errorf("a socket of no host: %v, want %v", err, errNoHost)
		}
	})
}
