package poller

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen before it fails.
const patience = 20 * time.Second

// optionSets are the options under which a method works in another way. An
// empty list of methods stands for all.
var optionSets = []struct {
	name    string
	methods []string
	options Options
}{
	{"default", nil, Options{}},
	{"precise", []string{"epoll", "poll"}, Options{PreciseTimer: true}},
	{"precise without timerfd", []string{"epoll"}, Options{PreciseTimer: true, DisallowTimerFD: true}},
	{"own thread", []string{"epoll"}, Options{BlockThread: true}},
	{"changelist", []string{"epoll"}, Options{Changelist: true}},
	{"changelist on own thread", []string{"epoll"}, Options{Changelist: true, BlockThread: true, PreciseTimer: true}},
}

// eachPoller runs test with a new Poller of every method under all options
// that matter to it.
func eachPoller(t *testing.T, test func(t *testing.T, d *driver)) {
	for _, m := range Methods() {
		for _, set := range optionSets {
			if len(set.methods) > 0 && !slices.Contains(set.methods, m.Name) {
				continue
			}
			t.Run(m.Name+"/"+set.name, func(t *testing.T) {
				p, err := m.Open(set.options)
				if err != nil {
					t.Fatalf("open: %v", err)
				}
				t.Cleanup(func() {
					if err := p.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				})
				test(t, &driver{Poller: p, t: t, watched: make(map[int]Interest)})
			})
		}
	}
	if Simulate == nil {
		return
	}
	t.Run("simulated", func(t *testing.T) {
		Simulate(t, func(t *testing.T) {
			p, err := Methods()[0].Open(Options{})
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			t.Cleanup(func() {
				if err := p.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test(t, &driver{Poller: p, t: t, watched: make(map[int]Interest)})
		})
	})
}

// Simulate runs a test in a simulated network, whose poller is one more interface. It
// is set by a package that may import the network, which this one must not; on Windows
// it is nil, as the network is the same on all systems.
var Simulate func(t *testing.T, test func(t *testing.T))

// needsKernel skips a test of what a simulated network does not have.
func needsKernel(t testing.TB) {
	t.Helper()
	if Methods()[0].Name == "simulated" {
		t.Skip("no simulated network has this")
	}
}

// A driver uses a Poller the way a loop does: it remembers what is watched and
// flushes before it waits.
type driver struct {
	Poller
	t       *testing.T
	watched map[int]Interest
	events  []Event
}

// watch changes what is watched on fd.
func (d *driver) watch(fd int, in Interest) {
	d.t.Helper()
	if err := d.Update(fd, d.watched[fd], in); err != nil {
		d.t.Fatalf("update fd %d from %v to %v: %v", fd, d.watched[fd], in, err)
	}
	d.watched[fd] = in
}

// wait is Wait for a time that begins now: zero does not wait, and a negative
// one has no end.
func (d *driver) wait(timeout time.Duration, events []Event) ([]Event, error) {
	events, _, err := d.Wait(in(timeout), events)
	return events, err
}

func in(timeout time.Duration) Deadline {
	switch {
	case timeout < 0:
		return Never
	case timeout == 0:
		return Now
	default:
		return Deadline(Monotonic() + int64(timeout))
	}
}

// poll waits once and returns what is ready by descriptor, of what is watched.
func (d *driver) poll(timeout time.Duration) map[int]Interest {
	d.t.Helper()
	if err := d.Flush(); err != nil {
		d.t.Fatalf("flush: %v", err)
	}
	var err error
	d.events, err = d.wait(timeout, d.events[:0])
	if err != nil {
		d.t.Fatalf("wait: %v", err)
	}
	ready := make(map[int]Interest)
	for _, e := range d.events {
		if d.watched[e.FD] == 0 {
			d.t.Errorf("event %v on fd %d, which is not watched", e.Ready, e.FD)
			continue
		}
		if in := e.Ready & d.watched[e.FD]; in != 0 {
			ready[e.FD] |= in
		}
	}
	return ready
}

// expect waits until want is ready on fd, and nothing else anywhere.
func (d *driver) expect(fd int, want Interest) {
	d.t.Helper()
	d.expectAll(map[int]Interest{fd: want})
}

// expectAll waits until everything in want is ready, and nothing else.
func (d *driver) expectAll(want map[int]Interest) {
	d.t.Helper()
	ready := make(map[int]Interest)
	for start := time.Now(); !covers(ready, want); {
		left := patience - time.Since(start)
		if left < 0 {
			d.t.Fatalf("ready: %v, want %v", ready, want)
		}
		for fd, in := range d.poll(left) {
			ready[fd] |= in
		}
	}
	if !maps.Equal(ready, want) {
		d.t.Errorf("ready: %v, want %v", ready, want)
	}
}

// covers reports whether ready has all that is in want.
func covers(ready, want map[int]Interest) bool {
	for fd, in := range want {
		if ready[fd]&in != in {
			return false
		}
	}
	return true
}

// expectNothing checks that nothing is ready.
func (d *driver) expectNothing() {
	d.t.Helper()
	if ready := d.poll(0); len(ready) != 0 {
		d.t.Errorf("ready: %v, want nothing", ready)
	}
}
