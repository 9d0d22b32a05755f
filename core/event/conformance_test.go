package event_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/internal/simnet"
)

// The conformance suite is the specification of a base: every behaviour in
// the files conformance_*_test.go holds for every backend of the machine, in
// all its variants, without locks and with them. A behaviour that needs what a
// backend does not have says so and returns.

// A backend is a way to make a base.
type backend struct {
	method  string
	variant string
	flags   event.Flag
	locked  bool // locking is enabled
}

// backends lists all that this machine has, without the simulated network.
func backends() []backend {
	var all []backend
	for _, method := range event.SupportedMethods() {
		all = append(all, backend{method: method, variant: "plain"})
		if method != "epoll" {
			continue
		}
		all = append(all,
			backend{method: method, variant: "changelist", flags: event.EpollUseChangelist},
			backend{method: method, variant: "precise", flags: event.PreciseTimer},
			backend{method: method, variant: "precise without timerfd",
				flags: event.PreciseTimer | event.EpollDisallowTimerFD},
			backend{method: method, variant: "own thread", flags: event.LockThread})
	}
	for _, on := range slices.Clone(all) {
		on.variant += " with locks"
		on.locked = true
		all = append(all, on)
	}
	return all
}

// A behaviour is one test of the suite.
type behaviour struct {
	name string
	test func(t *testing.T, on backend)
}

// onEveryBackend runs the behaviours over the whole matrix. None may leave a
// goroutine or descriptor behind.
func onEveryBackend(t *testing.T, behaviours []behaviour) {
	all := backends()
	if canSimulate {
		all = append(all,
			backend{method: simulated, variant: "plain"},
			backend{method: simulated, variant: "plain with locks", locked: true})
	}
	runOn(t, all, behaviours)
}

// onEveryInterface is onEveryBackend without the simulated network, which knows no
// signals and no other descriptors than sockets.
func onEveryInterface(t *testing.T, behaviours []behaviour) {
	runOn(t, backends(), behaviours)
}

func runOn(t *testing.T, backends []backend, behaviours []behaviour) {
	for _, on := range backends {
		t.Run(on.method+"/"+on.variant, func(t *testing.T) {
			if on.locked {
				enableLocks(t)
			}
			for _, b := range behaviours {
				t.Run(b.name, func(t *testing.T) {
					evtest.Leaks(t)
					if on.method == simulated {
						simulate(t, func(t *testing.T) { b.test(t, on) })
						return
					}
					b.test(t, on)
				})
			}
		})
	}
}

// simulated is the method of bases on a simulated network, each test on its own.
const simulated = "simulated"

// simulate runs a test on a host of a simulated network.
func simulate(t *testing.T, test func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		t.Cleanup(n.Close) // after all that the test cleans up
		n.AddHost("host").In(func() { test(t) })
	})
}

// inSimulation reports whether the test runs in a simulated network.
func inSimulation() bool { return event.SupportedMethods()[0] == simulated }

// needsKernel skips a test in a simulated network, which does not have what it needs.
func needsKernel(t testing.TB, what string) {
	t.Helper()
	if inSimulation() {
		t.Skipf("a simulated network has no %s", what)
	}
}

// spend returns when more than d has passed, as a callback does that computes. In a
// simulated network time passes while everybody sleeps.
func spend(d time.Duration) {
	if inSimulation() {
		time.Sleep(d + 1)
		return
	}
	for start := time.Now(); time.Since(start) <= d; {
	}
}

// config returns a configuration that selects the backend, whatever the
// environment says.
func (on backend) config() *event.Config {
	others := slices.DeleteFunc(event.SupportedMethods(), func(m string) bool { return m == on.method })
	return &event.Config{AvoidMethods: others, Flags: on.flags | event.IgnoreEnv}
}

// base makes a base that is freed at the end of the test.
func (on backend) base(t testing.TB) *event.Base {
	t.Helper()
	return newBase(t, on.config())
}

func newBase(t testing.TB, cfg *event.Config) *event.Base {
	t.Helper()
	b, err := event.NewBaseWithConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Free)
	return b
}

// has reports whether the backend has a feature.
func (on backend) has(t testing.TB, f event.Feature) bool {
	t.Helper()
	b := newBase(t, on.config())
	defer b.Free()
	return b.Features()&f == f
}

// notUnder skips the test if the emulator of that name runs it, which cannot do
// what it needs.
func notUnder(t testing.TB, name, because string) {
	t.Helper()
	if emulator() == name {
		t.Skipf("under %s %s", name, because)
	}
}

// needsHighDescriptors is for tests that watch descriptors above a thousand.
func needsHighDescriptors(t testing.TB, on backend) {
	t.Helper()
	if on.method == "select" {
		notUnder(t, "qemu", "select ends the process at descriptor 1024")
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newEvent makes an event for a descriptor.
func newEvent(t testing.TB, b *event.Base, fd int, what event.What, cb event.Callback) *event.Event {
	t.Helper()
	ev, err := b.NewEvent(fd, what, cb)
	ok(t, err)
	return ev
}

// addEvent makes an event for a descriptor and adds it.
func addEvent(t testing.TB, b *event.Base, fd int, what event.What, cb event.Callback) *event.Event {
	t.Helper()
	ev := newEvent(t, b, fd, what, cb)
	ok(t, ev.Add())
	return ev
}

// addTimer makes a timer and starts it.
func addTimer(t testing.TB, b *event.Base, d time.Duration, cb event.Callback) *event.Event {
	t.Helper()
	ev := b.NewTimer(cb)
	ok(t, ev.AddTimeout(d))
	return ev
}

// patience is how long a loop may take before the test counts as failed. It
// is never waited for by a test that passes.
const patience = 20 * time.Second

// loop runs the loop and returns its status. A loop that does not end by
// itself fails the test instead of hanging it.
func loop(t testing.TB, b *event.Base, flags event.LoopFlag) event.Status {
	t.Helper()
	stuck := time.AfterFunc(patience, b.LoopBreak)
	status, err := b.Loop(flags)
	if !stuck.Stop() {
		t.Fatal("the loop did not end")
	}
	ok(t, err)
	return status
}

// dispatch runs the loop until it ends.
func dispatch(t testing.TB, b *event.Base) { t.Helper(); loop(t, b, 0) }

// runOnce waits until something becomes active and runs it.
func runOnce(t testing.TB, b *event.Base) { t.Helper(); loop(t, b, event.LoopOnce) }

// runReady runs what is ready without waiting.
func runReady(t testing.TB, b *event.Base) {
	t.Helper()
	loop(t, b, event.LoopOnce|event.LoopNonblock)
}

// inLoop runs fn as the loop, where the base's clock stands still.
func inLoop(t testing.TB, b *event.Base, fn func()) {
	t.Helper()
	ok(t, b.Once(-1, event.Timeout, 0, func(*event.Event, event.What) { fn() }))
	runReady(t, b)
}

// goes runs fn in a goroutine and returns a function that waits for its end.
func goes(t testing.TB, fn func()) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	wait = func() {
		t.Helper()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("the goroutine did not end")
		}
	}
	return wait
}

// calls remembers what an event's callback was told, call by call.
type calls []event.What

func (c *calls) note(_ *event.Event, what event.What) { *c = append(*c, what) }

func (c calls) want(t testing.TB, whats ...event.What) {
	t.Helper()
	if !slices.Equal(c, whats) {
		t.Fatalf("the callback was called with %v, want %v", c, calls(whats))
	}
}

// trace remembers the order of things.
type trace []string

func (tr *trace) add(s string) { *tr = append(*tr, s) }

// cb returns a callback that adds s.
func (tr *trace) cb(s string) event.Callback {
	return func(*event.Event, event.What) { tr.add(s) }
}

func (tr trace) want(t testing.TB, steps ...string) {
	t.Helper()
	if !slices.Equal(tr, steps) {
		t.Fatalf("happened %q, want %q", []string(tr), steps)
	}
}

// same fails the test unless got is want; what says of what.
func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// added returns the number of pending events.
func added(b *event.Base) int { return b.NumEvents(event.CountAdded) }

func ignore(*event.Event, event.What) {}

func TestBackendIsTheOneAskedFor(t *testing.T) {
	onEveryBackend(t, []behaviour{
		{"method", func(t *testing.T, on backend) {
			want := on.method
			if on.flags&event.EpollUseChangelist != 0 {
				want += " (with changelist)"
			}
			same(t, "method", on.base(t).Method(), want)
		}},
		{"features", func(t *testing.T, on backend) {
			if f, known := features[on.method]; known {
				same(t, "features", fmt.Sprintf("%b", on.base(t).Features()), fmt.Sprintf("%b", f))
			}
		}},
	})
}

// features says what the methods can do that do the same everywhere.
var features = map[string]event.Feature{
	"epoll":  event.FeatureET | event.FeatureO1 | event.FeatureEarlyClose,
	"kqueue": event.FeatureET | event.FeatureO1 | event.FeatureFDs,
	"select": event.FeatureFDs,
	"wepoll": event.FeatureO1 | event.FeatureEarlyClose,
	"win32":  0,
}
