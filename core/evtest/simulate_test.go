package evtest_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"github.com/go-libevent/libevent/core/listener"
)

// broken names the test whose scenario is to fail, in a process of its own.
const broken = "LIBEVENT_EVTEST_BROKEN"

// fails runs the scenario in another process, where it must fail, and returns what is
// printed. In that process it runs the scenario and returns "".
func fails(t *testing.T, s evtest.Simulation, scenario func(w *evtest.World)) string {
	t.Helper()
	if os.Getenv(broken) == t.Name() {
		evtest.Simulate(t, s, scenario)
		return ""
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-seeds", "4")
	cmd.Env = append(os.Environ(), broken+"="+t.Name())
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		t.Fatalf("the scenario does not fail:\n%s", out)
	case !errors.As(err, &failed):
		t.Skipf("cannot start another process: %v", err)
	}
	return string(out)
}

// contains checks that what was printed of a failure has each of the parts.
func contains(t *testing.T, out string, parts ...string) {
	t.Helper()
	if out == "" {
		return // the process in which the scenario fails
	}
	for _, part := range parts {
		if !regexp.MustCompile(part).MatchString(out) {
			t.Errorf("%q is missing in:\n%s", part, out)
		}
	}
}

// steady is a simulation in which nothing goes wrong by itself.
var steady = evtest.Simulation{Seeds: 3, Faults: func(f *evtest.Faults) { *f = evtest.Faults{} }}

// single is steady with one seed, for scenarios in which nothing is left to chance.
var single = evtest.Simulation{Seeds: 1, Faults: steady.Faults}

func TestAFailingSeedSaysHowToRunItAgain(t *testing.T) {
	out := fails(t, evtest.Simulation{}, func(w *evtest.World) {
		w.Note("the scenario begins")
		if w.Seed() == 3 {
			w.T().Error("a mistake")
		}
	})
	contains(t, out, "a mistake", "seed 3 has failed", "the scenario begins", `-run '\^`+t.Name()+`\$' -seed 3`)
}

func TestAFailingSeedIsShrunk(t *testing.T) {
	out := fails(t, evtest.Simulation{Faults: func(f *evtest.Faults) { f.Latency = time.Millisecond }}, func(w *evtest.World) {
		clients := w.Draw("clients", 1, 1000)
		w.Draw("bytes of each", 0, 1000)
		if clients >= 5 {
			w.T().Errorf("%d are too many", clients)
		}
	})
	contains(t, out, "smaller worlds were tried; the smallest that fails:", "clients: 5\n", "bytes of each: 0\n", "5 are too many",
		`-world.set .clients=5,bytes of each=0.`)
}

func TestWhatIsLeftAtTheEndFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		leave func(w *evtest.World, h *evtest.Host)
		want  string
	}{
		{"a descriptor", func(w *evtest.World, h *evtest.Host) {
			if _, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); err != nil {
				w.T().Error(err)
			}
		}, "host: open at the end: fd 0: stream"},
		{"an event", func(w *evtest.World, h *evtest.Host) {
			_ = h.Base().NewTimer(func(*event.Event, event.What) {}).AddTimeout(time.Hour)
		}, "host: 1 events are pending at the end"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			out := fails(t, single, func(w *evtest.World) {
				h := w.Host("host")
				h.Do(func() { tt.leave(w, h) })
			})
			contains(t, out, tt.want)
		})
	}
}

func TestAPanicOnALoopFailsTheSeed(t *testing.T) {
	out := fails(t, single, func(w *evtest.World) {
		h := w.Host("host")
		h.Do(func() {
			_ = h.Base().NewTimer(func(*event.Event, event.What) { panic("mistake") }).AddTimeout(time.Second)
		})
		w.Await("nothing", func() bool { return false })
	})
	contains(t, out, "host: panic: mistake", "seed 1 has failed", `1\.000000 host +call +timeout`)
}

func TestAwaitFailsWhenItIsInVain(t *testing.T) {
	s := single
	s.Limit = time.Minute
	out := fails(t, s, func(w *evtest.World) {
		w.Host("host").Base()
		w.Await("a miracle", func() bool { return false })
	})
	contains(t, out, "wait for a miracle: not within 1m0s", "a loop of host waits for 0 descriptors")
}

func TestAlwaysIsCheckedAtEachStep(t *testing.T) {
	out := fails(t, single, func(w *evtest.World) {
		h := w.Host("host")
		n := 0
		w.Always("the number", func() error {
			if n > 2 {
				return errors.New("more than 2")
			}
			return nil
		})
		h.Do(func() {
			tick := h.Base().NewTicker(func(*event.Event, event.What) { n++ })
			_ = tick.AddTimeout(time.Second)
		})
		w.Await("the end", func() bool { return n > 100 })
	})
	contains(t, out, "the number: more than 2", `3\.000000 host +call +timeout`)
}

func TestALoopThatNeverWaitsFails(t *testing.T) {
	out := fails(t, single, func(w *evtest.World) {
		h := w.Host("host")
		var again func()
		again = func() { _ = h.Base().Post(again) }
		h.Do(again)
		w.Await("nothing", func() bool { return false })
	})
	contains(t, out, "loops have run [0-9]+ times without time going on; the last one is that of host")
}

func TestTimePassesOnlyWhileAllWait(t *testing.T) {
	evtest.Simulate(t, steady, func(w *evtest.World) {
		h := w.Host("host")
		start := w.Now()
		var at []time.Duration
		h.Do(func() {
			for _, d := range []time.Duration{time.Hour, time.Second, 90 * time.Second} {
				_ = h.Base().NewTimer(func(*event.Event, event.What) { at = append(at, w.Now().Sub(start)) }).AddTimeout(d)
			}
		})
		w.Run(2 * time.Hour)
		if len(at) != 3 || at[0] != time.Second || at[1] != 90*time.Second || at[2] != time.Hour {
			w.T().Errorf("timers have run at %v", at)
		}
		if d := w.Now().Sub(start); d != 2*time.Hour {
			w.T().Errorf("%v have passed", d)
		}
	})
}

func TestThePausedHostIsLate(t *testing.T) {
	evtest.Simulate(t, steady, func(w *evtest.World) {
		slow, other := w.Host("slow"), w.Host("other")
		start := w.Now()
		at := map[string]time.Duration{}
		for _, h := range []*evtest.Host{slow, other} {
			h.Do(func() {
				_ = h.Base().NewTimer(func(*event.Event, event.What) { at[h.Name()] = w.Now().Sub(start) }).AddTimeout(time.Second)
			})
		}
		slow.Pause(time.Minute)
		w.Run(time.Hour)
		if at["slow"] != time.Minute || at["other"] != time.Second {
			w.T().Errorf("timers have run at %v", at)
		}
	})
}

// attempt begins to connect and tells how that ends.
func attempt(w *evtest.World, from *evtest.Host, to netip.AddrPort) (outcome *error) {
	outcome = new(error)
	*outcome = errUnknown
	from.Do(func() {
		b, err := bufferevent.NewSocket(from.Base(), -1, bufferevent.CloseOnFree)
		if err != nil {
			w.T().Error(err)
			return
		}
		b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			*outcome = b.Err()
			b.Free()
		})
		if err := b.Connect(to); err != nil {
			w.T().Error(err)
		}
	})
	return outcome
}

var errUnknown = errors.New("not known yet")

// accept has a host accept connections and close them.
func accept(w *evtest.World, h *evtest.Host) (l *listener.Listener) {
	h.Do(func() {
		var err error
		l, err = listener.NewBind(h.Base(), h.AddrPort(7), listener.CloseOnFree, listener.DefaultBacklog,
			func(_ *listener.Listener, fd int, _ netip.AddrPort) { _ = evutil.CloseSocket(fd) })
		if err != nil {
			w.T().Error(err)
		}
	})
	return l
}

func TestWhatBecomesOfConnecting(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *evtest.World, server, client *evtest.Host)
		port   uint16
		want   func(error) bool
	}{
		{"a listener accepts", func(*evtest.World, *evtest.Host, *evtest.Host) {}, 7, func(err error) bool { return err == nil }},
		{"no listener", func(*evtest.World, *evtest.Host, *evtest.Host) {}, 8, evutil.IsConnectRefused},
		{"a cut", func(w *evtest.World, s, c *evtest.Host) { w.Cut(s, c) }, 7, isTimeout},
		{"a cut on the way back", func(w *evtest.World, s, c *evtest.Host) { w.CutOneWay(s, c) }, 7, isTimeout},
		{"a cut that is mended", func(w *evtest.World, s, c *evtest.Host) {
			w.Cut(s, c)
			w.At(10*time.Second, func() { w.Mend(s, c) })
		}, 7, func(err error) bool { return err == nil }},
		{"a host that was stopped", func(_ *evtest.World, s, _ *evtest.Host) { s.Stop() }, 7, isTimeout},
		{"a host that was started again", func(_ *evtest.World, s, _ *evtest.Host) { s.Stop(); s.Start() }, 7, evutil.IsConnectRefused},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			evtest.Simulate(t, steady, func(w *evtest.World) {
				server, client := w.Host("server"), w.Host("client")
				l := accept(w, server)
				tt.change(w, server, client)
				outcome := attempt(w, client, server.AddrPort(tt.port))
				w.Await("an outcome", func() bool { return *outcome != errUnknown })
				if !tt.want(*outcome) {
					w.T().Errorf("connecting ends with %v", *outcome)
				}
				server.Do(l.Free)
			})
		})
	}
}

// isTimeout knows the system's error: Windows' has no Timeout that says so.
func isTimeout(err error) bool { return errors.Is(err, sysio.ErrTimedOut) }

func TestADescriptorOfTheKernelIsRefused(t *testing.T) {
	if _, err := os.Stdin.Stat(); err != nil {
		t.Skip(err)
	}
	evtest.Simulate(t, single, func(w *evtest.World) {
		h := w.Host("host")
		h.Do(func() {
			_, err := h.Base().NewEvent(0, event.Read, func(*event.Event, event.What) {})
			if err != nil {
				w.T().Errorf("new event: %v", err)
			}
			err = evutil.SetNonblock(0)
			if err == nil || !strings.Contains(err.Error(), "descriptor 0 is one of the kernel") {
				w.T().Errorf("a descriptor of the kernel: %v", err)
			}
		})
	})
}
