package poller

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// Whatever the kernel interrupts, no readiness, edge, wake-up or timeout is
// lost. strace makes every other call of a kind fail with EINTR, in a process
// of its own.
func TestNothingIsLostByInterruptions(t *testing.T) {
	if os.Getenv("POLLER_TEST_CHILD") != "" {
		eachPoller(t, func(t *testing.T, d *driver) { playInterrupted(t, d) })
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
			t.Fatal(err)
		}
		t.Skip("needs strace: ", err)
	}
	for _, calls := range []string{"epoll_pwait", "epoll_pwait2", "epoll_ctl", "ppoll", "pselect6", "timerfd_settime", "read", "write"} {
		t.Run(calls, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-o", "/dev/null",
				"-e", "trace="+calls, "-e", "inject="+calls+":error=EINTR:when=2+2",
				os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), "POLLER_TEST_CHILD=1")
			out, err := cmd.CombinedOutput()
			switch {
			case errors.Is(err, syscall.ENOEXEC), strings.Contains(string(out), "PTRACE_TRACEME"),
				strings.Contains(string(out), "Exec format error"):
				t.Skipf("strace does not run here: %s", out)
			case err != nil:
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func playInterrupted(t *testing.T, d *driver) {
	a, b := socketPair(t)
	edge := d.Method().Features & FeatureET
	in := Read
	if edge != 0 {
		in |= Edge
	}
	d.watch(a, in)
	for range 10 {
		result := make(chan map[int]Interest)
		go func() { result <- d.pollUntilReady() }()
		time.Sleep(time.Millisecond) // usually, the other one waits by now
		if _, err := sysio.Write(b, [][]byte{[]byte("x")}); err != nil {
			t.Fatal(err)
		}
		if ready := <-result; ready[a]&Read == 0 {
			t.Fatalf("ready: %v, want fd %d", ready, a)
		}
		if _, err := sysio.Read(a, [][]byte{make([]byte, 8)}); err != nil && err != sysio.ErrAgain {
			t.Fatal(err)
		}
		d.exchangeWakes(1, func() {})
		d.expectTimeout(2 * time.Millisecond)
	}
}

// pollUntilReady waits for ever, again and again until something is ready.
func (d *driver) pollUntilReady() map[int]Interest {
	for {
		if ready := d.poll(-1); len(ready) > 0 {
			return ready
		}
	}
}

// expectTimeout waits until the timeout has passed, however often.
func (d *driver) expectTimeout(timeout time.Duration) {
	for end := in(timeout); Monotonic() < int64(end); {
		if _, _, err := d.Wait(end, d.events[:0]); err != nil {
			d.t.Fatal(err)
		}
	}
}
