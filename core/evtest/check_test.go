package evtest_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

var (
	errBusy    = errors.New("busy")
	errPatient = errors.New("timed out")
)

// A program is one whose behaviour checkers look at. What is wrong with it is what they
// must say; nothing is, if that is empty.
type program struct {
	name  string
	run   func(w *evtest.World, h *evtest.Host)
	wrong string
}

// after has fn run on the loop of the host when d has passed.
func after(w *evtest.World, h *evtest.Host, d time.Duration, fn func()) {
	h.Do(func() { once(w, h, d, fn) })
}

// once is after for a function of the loop.
func once(w *evtest.World, h *evtest.Host, d time.Duration, fn func()) {
	if err := h.Base().Once(-1, event.Timeout, d, func(*event.Event, event.What) { fn() }); err != nil {
		w.T().Error(err)
	}
}

// transfer sends 10000 bytes, of which change makes what arrives.
func transfer(change func(p []byte) []byte) func(w *evtest.World, h *evtest.Host) {
	return func(w *evtest.World, _ *evtest.Host) {
		b := w.Bytes("stream")
		p := change(b.Take(10000))
		for len(p) > 0 {
			n := min(len(p), w.Draw("piece", 1, 3000))
			if !b.Check(p[:n]) {
				return
			}
			p = p[n:]
		}
		b.End()
	}
}

// requests begins one for a, which is allowed to fail with errBusy at any time and
// with errPatient after a second.
func requests(fn func(w *evtest.World, h *evtest.Host, a *evtest.Request)) func(w *evtest.World, h *evtest.Host) {
	return func(w *evtest.World, h *evtest.Host) {
		r := h.Requests("lookups")
		r.Allow(errBusy)
		r.AllowAfter(time.Second, errPatient)
		fn(w, h, r.Begin("a"))
	}
}

var programs = []program{
	{"bytes that arrive", transfer(func(p []byte) []byte { return p }), ""},
	{"a byte that changes", transfer(func(p []byte) []byte { p[5000] ^= 1; return p }), "stream: byte 5000 is wrong"},
	{"bytes that are lost", transfer(func(p []byte) []byte { return append(p[:5000:5000], p[5008:]...) }),
		"stream: byte 5000 is wrong: 8 bytes before were lost or come later"},
	{"bytes that come twice", transfer(func(p []byte) []byte { return append(p[:5000:5000], p[4000:]...) }),
		"stream: byte 5000 is wrong: it has come before, at 4000"},
	{"bytes that nobody sent", transfer(func(p []byte) []byte { return append(p, 1) }), "stream: byte 10000 was invented"},
	{"an end that comes early", transfer(func(p []byte) []byte { return p[:9999] }), "stream: the end has come at 9999, and 1 bytes were lost"},
	{"bytes that are copied", func(w *evtest.World, _ *evtest.Host) {
		b := w.Bytes("copied")
		if n, err := io.Copy(b, io.LimitReader(b, 100000)); n != 100000 || err != nil || b.Arrived() != b.Taken() {
			w.T().Error(n, err, b.Arrived(), b.Taken())
		}
	}, ""},

	{"a request that is answered", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) { a.Answered() }), ""},
	{"a request that fails", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) { a.Failed(errBusy) }), ""},
	{"a request that fails in time", requests(func(w *evtest.World, _ *evtest.Host, a *evtest.Request) {
		w.Run(time.Second)
		a.Failed(errPatient)
	}), ""},
	{"a request that fails too soon", requests(func(w *evtest.World, _ *evtest.Host, a *evtest.Request) {
		w.Run(time.Second - 1)
		a.Failed(errPatient)
	}), "client: lookups: request 1 (a) has failed: timed out has failed with an error for which there is no reason"},
	{"a request that fails without error", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) { a.Failed(nil) }),
		"for which there is no reason: <nil>"},
	{"a request with two ends", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) {
		a.Failed(errBusy)
		a.Answered()
	}), "client: lookups: request 1 (a) has failed: busy, and now it was answered"},
	{"a request that is answered after all", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) {
		a.Cancelled()
		a.Answered()
	}), "request 1 (a) was cancelled, and now it was answered"},
	{"a request without an end", requests(func(w *evtest.World, _ *evtest.Host, _ *evtest.Request) { w.Run(time.Minute) }),
		"request 1 (a), which began 1m0s before the end, was not answered and has not failed"},
	{"a request of a host that stops", requests(func(_ *evtest.World, h *evtest.Host, _ *evtest.Request) { h.Stop() }), ""},
	{"a refusal", requests(func(w *evtest.World, h *evtest.Host, a *evtest.Request) {
		c := &echoClient{world: w, failed: a.Failed}
		h.Do(func() { c.start(h.Base(), h.AddrPort(7)) })
		w.Await("the refusal", func() bool { return c.ended })
	}), ""},
	{"a refusal without one", requests(func(_ *evtest.World, _ *evtest.Host, a *evtest.Request) { a.Failed(syscall.ECONNREFUSED) }),
		"for which there is no reason: connection refused"},

	{"callbacks one by one", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 1")
		c.Enter("read")()
		c.Ended("read")
		leave := c.Enter("write")
		c.Freed()
		leave()
	}, ""},
	{"a callback in the middle of one", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 2")
		defer c.Enter("read")()
		defer c.Enter("write")()
	}, "client: stream 2: write has come in the middle of read"},
	{"a callback that may come in the middle of one", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 3").AllowReentrant()
		defer c.Enter("read")()
		defer c.Enter("write")()
	}, ""},
	{"a callback after the end", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 4")
		c.Ended("read")
		c.Enter("read")()
	}, "client: stream 4: read has come after its end"},
	{"a callback after the end of all", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 5")
		c.Ended()
		c.Enter("write")()
	}, "client: stream 5: write has come after its end"},
	{"a callback of what is free", func(_ *evtest.World, h *evtest.Host) {
		c := h.Callbacks("stream 6")
		c.Freed()
		c.Enter("read")()
	}, "client: stream 6: read has come after the object was freed"},
	{"a callback that does not return", func(_ *evtest.World, h *evtest.Host) { h.Callbacks("stream 7").Enter("read") },
		"client: stream 7: read has not returned"},

	{"a timer in time", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("one", time.Second)
		after(w, h, time.Second, t.Fired)
		w.Await("the timer", func() bool { return !t.Pending() })
	}, ""},
	{"a timer that is early", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("early", time.Second)
		after(w, h, time.Second-1, t.Fired)
		w.Run(time.Minute)
	}, "client: timers: early has come 1ns early"},
	{"a timer that is late", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("late", time.Second)
		after(w, h, time.Second+1, t.Fired)
		w.Run(time.Minute)
	}, "client: timers: late has come 1ns late, and the world explains only 0s"},
	{"a timer of a host that pauses", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("one", 2*time.Second)
		after(w, h, 2*time.Second, t.Fired)
		w.Run(time.Second)
		h.Pause(time.Minute)
		w.Run(2 * time.Minute)
		if t.Pending() {
			w.T().Error("the timer has not come")
		}
	}, ""},
	{"a timer that is later than the pause", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("paused", time.Second)
		after(w, h, time.Minute+2, t.Fired)
		h.Pause(time.Minute + 1)
		w.Run(2 * time.Minute)
	}, "paused has come 59.000000002s late, and the world explains only 59.000000001s"},
	{"a timer of a slow host", func(w *evtest.World, h *evtest.Host) {
		w.SetFaults(evtest.Faults{Hold: 0.5, HoldTime: time.Second, LateTimers: time.Second})
		timers := h.Timers("timers")
		for range 100 {
			var t *evtest.Timer
			h.Do(func() {
				t = timers.Start("one", 3*time.Second)
				once(w, h, 3*time.Second, t.Fired)
			})
			w.Await("the timer", func() bool { return !t.Pending() })
		}
	}, ""},
	{"a timer that comes twice", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("twice", 0)
		t.Fired()
		t.Fired()
	}, "client: timers: twice has come though it has come before"},
	{"a timer that comes once more", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("one", 0)
		t.Fired()
		t.Restart(0)
		t.Fired()
	}, ""},
	{"a timer that was stopped", func(w *evtest.World, h *evtest.Host) {
		t := h.Timers("timers").Start("stopped", 0)
		t.Stop()
		t.Fired()
	}, "client: timers: stopped has come though it was stopped"},
	{"a timer that never comes", func(w *evtest.World, h *evtest.Host) {
		h.Timers("timers").Start("lost", time.Minute)
		w.Run(time.Hour)
	}, "client: timers: lost was due 59m0s before the end, and has not come"},

	{"a limit", func(w *evtest.World, h *evtest.Host) {
		n := 0
		w.AtMost("small queue", 10, func() int { return n })
		h.Do(func() { n = 10 })
	}, ""},
	{"more than a limit", func(w *evtest.World, h *evtest.Host) {
		n := 0
		w.AtMost("large queue", 10, func() int { return n })
		h.Do(func() { n = 11 })
		w.Run(time.Second)
	}, "large queue: 11, and the limit is 10"},
	{"what fails and does not end", func(w *evtest.World, h *evtest.Host) {
		w.At(time.Second, func() { w.Failf("%s is wrong", "everything") })
		w.Await("nothing", func() bool { return w.Now().Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) > time.Minute })
	}, "wait for nothing: everything is wrong"},
}

// runPrograms simulates those that are right, or those that are wrong.
func runPrograms(t *testing.T, right bool) {
	for _, p := range programs {
		if (p.wrong == "") != right {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			s := evtest.Simulation{Seeds: 1, Faults: func(f *evtest.Faults) { *f = evtest.Faults{} }}
			evtest.Simulate(t, s, func(w *evtest.World) { p.run(w, w.Host("client")) })
		})
	}
}

func TestCheckersFindNothingWrong(t *testing.T) { runPrograms(t, true) }

const wrongPrograms = "EVTEST_WRONG_PROGRAMS"

// The other tests would fail of those that are wrong, so they are simulated in
// another process, of which this looks at what it prints.
func TestCheckersFindWhatIsWrong(t *testing.T) {
	if os.Getenv(wrongPrograms) != "" {
		runPrograms(t, false)
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestCheckersFindWhatIsWrong$", "-world.shrink=false")
	cmd.Env = append(os.Environ(), wrongPrograms+"=1")
	out, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if !errors.As(err, &status) {
		t.Skipf("cannot start another process: %v", err)
	}
	for _, p := range programs {
		if p.wrong != "" && !strings.Contains(string(out), p.wrong) {
			t.Errorf("%s: not found: %q", p.name, p.wrong)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
