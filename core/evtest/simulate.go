package evtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/simnet"
)

// A Simulation says how Simulate goes about it. The zero Simulation is a good one.
type Simulation struct {
	// Seeds is how many seeds are tried unless the flag -seeds says otherwise; zero
	// is 20.
	Seeds int
	// Faults, if it is not nil, is called with what the seed has drawn, and may change
	// it: what does not go with the scenario is set to zero, or everything to
	// something else.
	Faults func(*Faults)
	// Limit is how long, in the time of the world, the test waits for anything; zero
	// is an hour.
	Limit time.Duration
	// Free says that goroutines which are none of the world's take part, such as
	// handlers of net/http, whose order nothing determines: the same seed does not
	// have to give the same trace.
	Free bool
}

const (
	defaultSeeds = 20
	defaultLimit = time.Hour
	// Of so many seeds, the trace of one is compared with that of a second run.
	compareEvery = 16
)

// settings are the flags of tests that simulate.
var settings struct {
	seed    uint64
	seeds   int
	values  values
	without names
	trace   string
	sums    bool
	shrink  bool
}

func init() {
	flag.Uint64Var(&settings.seed, "seed", 0, "simulate the world of this `seed`, instead of those from 1 on")
	flag.IntVar(&settings.seeds, "seeds", 0, "simulate this many seeds, from that of -seed on")
	flag.Var(&settings.values, "world.set", "set what worlds draw: `name=value,...`")
	flag.Var(&settings.without, "world.without", "leave out these faults: `name,...`")
	flag.StringVar(&settings.trace, "world.trace", "", "write the traces of worlds to this `file`")
	flag.BoolVar(&settings.sums, "world.sums", false, "print the sum of each world's trace")
	flag.BoolVar(&settings.shrink, "world.shrink", true, "look for the smallest world of a seed that fails")
}

// values is a flag with numbers that have names.
type values map[string]int

func (v *values) String() string { return "" }

func (v *values) Set(s string) error {
	*v = make(values)
	for _, pair := range strings.Split(s, ",") {
		name, number, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("%q is not a name and a number", pair)
		}
		(*v)[name] = n
	}
	return nil
}

// names is a flag with a list of names.
type names []string

func (n *names) String() string     { return strings.Join(*n, ",") }
func (n *names) Set(s string) error { *n = strings.Split(s, ","); return nil }

// Simulate runs a scenario in one world after the other, each in a synctest bubble
// and a subtest of its own, which is called after its seed. The scenario makes hosts,
// runs programs on them, and checks what becomes of it. When it returns, nothing
// may be left: descriptors, pending events, goroutines.
//
// A seed that fails ends the test. The end of its trace is printed, and how to run it
// again; and, after some more tries, the smallest world in which it fails: with fewer
// faults, and with less of what was drawn with Draw.
//
// Tests whose source imports evtest have the flags -seed and -seeds, which say what is
// tried; -world.trace writes all lines of the traces to a file.
//
// The test must not run in parallel with others, as the simulated network takes
// the kernel's place for the whole process.
func Simulate(t *testing.T, s Simulation, scenario func(w *World)) {
	t.Helper()
	if s.Limit == 0 {
		s.Limit = defaultLimit
	}
	// Goroutines take turns in a world: a second processor would only be in the way.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	first, count := s.chosen()
	for i := range uint64(count) {
		seed := first + i
		if failed := s.run(t, seed, scenario); failed != nil {
			failed.shrink(t)
			return
		}
	}
}

// chosen returns which seeds are tried.
func (s *Simulation) chosen() (first uint64, count int) {
	first, count = settings.seed, settings.seeds
	if count == 0 {
		count = 1
		if first == 0 {
			count = s.Seeds
		}
	}
	if count == 0 {
		count = defaultSeeds
	}
	return max(first, 1), count
}

// run tries one seed, and returns its world if it has failed.
func (s *Simulation) run(t *testing.T, seed uint64, scenario func(w *World)) (failed *World) {
	t.Helper()
	w := s.newWorld(t.Name(), seed)
	passed := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		w.simulate(t, scenario)
		if s.Free || seed%compareEvery != 1 {
			return
		}
		again := s.newWorld(w.name, seed)
		again.simulate(t, scenario)
		if w.result != again.result {
			t.Errorf("the first run has %v, the second %v: compare what -world.trace writes", w.result, again.result)
		}
	})
	if passed {
		return nil
	}
	return w
}

// result is what two runs of a seed have in common.
type result struct {
	lines uint64
	sum   uint64
}

func (r result) String() string { return fmt.Sprintf("%d lines with the sum %016x", r.lines, r.sum) }

func (s *Simulation) newWorld(name string, seed uint64) *World {
	return &World{simulation: *s, name: name, seed: seed}
}

// simulate runs the scenario. It does not return if that fails.
func (w *World) simulate(t *testing.T, scenario func(w *World)) {
	synctest.Test(t, func(t *testing.T) {
		w.t = t
		w.begin()
		scenario(w)
	})
}

// begin puts the simulated network in the place of the kernel until the test ends.
func (w *World) begin() {
	cryptotest.SetGlobalRandom(w.t, w.seed)
	w.rand = w.random("user", "")
	w.network = simnet.New(w.seed)
	w.drawFaults()
	w.network.SetFaults(simnet.Faults(w.faults))
	trace := w.openTrace()
	w.t.Cleanup(func() {
		defer w.network.Close()
		w.end()
		w.result = result{w.network.Lines(), w.network.Sum()}
		if settings.sums && !w.simulation.Free {
			fmt.Printf("%s: %v\n", w.t.Name(), w.result)
		}
		if trace != nil {
			w.closeTrace(trace)
		}
		if w.t.Failed() {
			w.report()
		}
	})
}

func (w *World) openTrace() *os.File {
	if settings.trace == "" {
		return nil
	}
	f, err := os.OpenFile(settings.trace, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "# %s\n", w.t.Name()); err != nil {
		w.t.Fatal(err)
	}
	_ = w.network.TraceTo(f) // there was no writer before
	return f
}

func (w *World) closeTrace(f *os.File) {
	if err := errors.Join(w.network.TraceTo(nil), f.Close()); err != nil {
		w.t.Errorf("the trace is not whole: %v", err)
	}
}

// end ends all programs of the world, and sees that they have left nothing behind.
func (w *World) end() {
	for _, h := range w.hosts {
		for _, c := range h.checkers {
			if !w.t.Failed() {
				c.finish()
			}
		}
	}
	for _, h := range w.hosts {
		for _, l := range h.loops {
			if l.base == nil || w.t.Failed() {
				continue
			}
			if n := l.base.NumEvents(event.CountAdded); n > 0 {
				var list strings.Builder
				_ = l.base.DumpEvents(&list) // as far as it gets: what counts is that there are any
				w.t.Errorf("%s: %d events are pending at the end:\n%s", h.name, n, list.String())
			}
		}
	}
	for _, h := range w.hosts {
		h.end()
	}
	if w.t.Failed() {
		return
	}
	for _, h := range w.hosts {
		for _, line := range h.Descriptors() {
			w.t.Errorf("%s: open at the end: %s", h.name, line)
		}
	}
}
