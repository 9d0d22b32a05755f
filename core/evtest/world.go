package evtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/internal/simnet"
)

// A World is a simulated network with all that is connected to it, in place of the
// kernel's: hosts, and the programs on them, whose bases, sockets and timers are the
// ones of every day. Everything that happens in it follows from a seed. Simulate
// makes worlds.
//
// Time is that of the synctest bubble which the world is: it passes only while
// everything waits. So the test's goroutine lets it pass by waiting, with Await or
// Run, and what it does in between takes none. Methods may
// be called from any goroutine of the bubble unless they say otherwise; none of it may
// call synctest.Wait, which the world itself does all the time.
type World struct {
	t          *testing.T
	simulation Simulation
	network    *simnet.Network
	seed       uint64
	rand       *rand.Rand
	hosts      []*Host
	draws      []draw
	faults     Faults
	drawn      []string // the kinds of them that the seed has drawn
	always     []invariant
	broken     bool   // one of always does not hold
	name       string // of the test that simulates
	result     result // when the world has ended
}

// T is the test of the world.
func (w *World) T() *testing.T { return w.t }

// Seed is what the world follows from.
func (w *World) Seed() uint64 { return w.seed }

// Rand is a source of random numbers for what the test does, which follow from the
// seed. It is for one goroutine at a time, like all such sources.
func (w *World) Rand() *rand.Rand { return w.rand }

// Draw returns a number from least to most, which follows from the seed and from the
// name: how many clients there are, say, or how long their messages. When a seed
// fails, the world tries smaller ones, nearer to least.
func (w *World) Draw(name string, least, most int) int {
	d := draw{name: name, least: least, value: least + w.random("draw", name).IntN(most-least+1)}
	if v, ok := settings.values[name]; ok {
		d.value = min(max(v, least), most)
	}
	w.draws = append(w.draws, d)
	return d.value
}

// A draw is what Draw has returned.
type draw struct {
	name         string
	least, value int
}

// random returns a source of random numbers for one purpose, which does not depend on
// what is drawn for others.
func (w *World) random(kind, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(kind + " " + name))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// Now is the world's time, which is also what time.Now returns there.
func (w *World) Now() time.Time { return time.Now() }

// Run lets time pass, and all that happens meanwhile happen. Only the test's goroutine
// may call it.
func (w *World) Run(d time.Duration) {
	w.t.Helper()
	if err := w.network.Pass(d); err != nil {
		w.t.Fatal(err)
	}
}

// Await runs the world until done returns true. done is called while nothing else
// runs, so that it may look at everything. The test fails if that is not so within the
// limit of the Simulation; what says what for. Only the test's goroutine may call it.
func (w *World) Await(what string, done func() bool) {
	w.t.Helper()
	if err := w.network.Await(w.simulation.Limit, done); err != nil {
		w.t.Fatalf("wait for %s: %v", what, err)
	}
}

// Always has the world check something at each step: holds returns an error when it
// does not hold. It is called while nothing else runs, often, and so should be quick.
func (w *World) Always(what string, holds func() error) {
	w.always = append(w.always, invariant{what, holds})
	w.network.Inspect(w.inspect)
}

type invariant struct {
	what  string
	holds func() error
}

// inspect checks all that is to hold, and returns the first error, once.
func (w *World) inspect() error {
	if w.broken {
		return nil
	}
	for _, i := range w.always {
		if err := i.holds(); err != nil {
			w.broken = true
			w.t.Errorf("%s: %v", i.what, err)
			return fmt.Errorf("%s: %w", i.what, err)
		}
	}
	return nil
}

// At has fn called when d has passed. Nothing else runs meanwhile, so fn must not wait
// for anything: it is for changes of the world such as Cut, Stop or SetFaults, and for
// Post.
func (w *World) At(d time.Duration, fn func()) { w.network.At(d, fn) }

// Cut lets nothing pass between two hosts any more, in either direction, and Mend lets
// it pass again. Connections stay for as long as TCP does not give them up.
func (w *World) Cut(a, b *Host) {
	w.CutOneWay(a, b)
	w.CutOneWay(b, a)
}

// Mend undoes Cut and CutOneWay.
func (w *World) Mend(a, b *Host) {
	w.network.Mend(a.host, b.host)
	w.network.Mend(b.host, a.host)
}

// CutOneWay is Cut for what a host sends to another.
func (w *World) CutOneWay(from, to *Host) { w.network.Cut(from.host, to.host) }

// Note adds a line to the trace, for the reader of a failure. It must follow from the
// seed, like everything else.
func (w *World) Note(format string, args ...any) { w.network.Note(format, args...) }

// Lines returns how many lines the trace has so far: one for each call, event and
// callback, as a measure of how much has happened.
func (w *World) Lines() uint64 { return w.network.Lines() }

// Pause stops the whole world, as when a laptop sleeps: for all hosts alike, d passes
// at once.
func (w *World) Pause(d time.Duration) {
	for _, h := range w.hosts {
		h.Pause(d)
	}
}

// Reset resets the connection of a descriptor, as closing it does where SO_LINGER asks for
// that: the peer gets a RST behind what was sent before, and the descriptor fails with
// ECONNRESET. The error is that of a descriptor that is no stream, or not connected.
func (w *World) Reset(fd int) error { return w.network.Reset(fd) }
