package evtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/internal/simnet"
)

// Faults says how often and how much goes wrong in a World, by itself; the zero Faults
// is a perfect network without any delay. What is called a rate is a probability from
// 0 to 1. Nothing of it concerns connections within a host.
type Faults struct {
	// Latency is how long a packet takes from one host to another, and Jitter how
	// much longer it may take.
	Latency, Jitter time.Duration
	// Bandwidth is how many bytes a second pass in one direction between two hosts;
	// zero is as many as there are.
	Bandwidth int
	// Split is the rate of pieces of a stream that are cut at some byte, rather than
	// arriving in one piece.
	Split float64
	// Delay is the rate of segments of TCP that are lost and sent again, and hold up
	// what follows.
	Delay float64
	// SmallBuffers is the rate of sockets whose buffers take a few bytes or kilobytes
	// only.
	SmallBuffers float64

	// Refuse is the rate of connections that are refused though a socket listens,
	// Vanish that of attempts to connect which are not answered, and Reset that of
	// segments instead of which the connection is reset.
	Refuse, Vanish, Reset float64

	// Lose, Duplicate, Reorder and Corrupt are rates of datagrams.
	Lose, Duplicate, Reorder, Corrupt float64

	// Interrupt and Again are rates of calls that fail as interrupted, or as if they
	// would have to wait. NoDescriptors and NoBuffers are those of calls that fail for
	// want of a descriptor, or of memory.
	Interrupt, Again, NoDescriptors, NoBuffers float64

	// Hold is the rate of iterations of loops before which their process gets no
	// processor, for HoldTime at most: callbacks seem slow.
	Hold     float64
	HoldTime time.Duration
	// LateTimers is how late waits may end.
	LateTimers time.Duration
	// ResetDropsData has a reset take what has arrived and was not read, as on some
	// systems, instead of leaving it to be read first.
	ResetDropsData bool
	// FewEvents has a wait report a part of the events that there are.
	FewEvents bool
}

// Faults returns what goes wrong at present.
func (w *World) Faults() Faults { return w.faults }

// SetFaults says what goes wrong from now on.
func (w *World) SetFaults(f Faults) {
	w.faults = f
	w.network.SetFaults(simnet.Faults(f))
}

// A fault is a kind of them that a seed draws: with which probability it is there, and
// how bad it is then.
type fault struct {
	name        string
	probability float64
	draw        func(f *Faults, r *rand.Rand)
}

// kinds are the faults by their names, each with what it needs.
var kinds = []fault{
	{"Latency", 0.8, func(f *Faults, r *rand.Rand) { f.Latency = duration(r, 10*time.Microsecond, 200*time.Millisecond) }},
	{"Jitter", 0.5, func(f *Faults, r *rand.Rand) { f.Jitter = duration(r, 10*time.Microsecond, 400*time.Millisecond) }},
	{"Bandwidth", 0.3, func(f *Faults, r *rand.Rand) { f.Bandwidth = int(spread(r, 20e3, 20e6)) }},
	{"Split", 0.5, func(f *Faults, r *rand.Rand) { f.Split = spread(r, 0.01, 1) }},
	{"Delay", 0.3, func(f *Faults, r *rand.Rand) { f.Delay = spread(r, 0.001, 0.1) }},
	{"SmallBuffers", 0.3, func(f *Faults, r *rand.Rand) { f.SmallBuffers = spread(r, 0.1, 1) }},
	{"Refuse", 0.15, func(f *Faults, r *rand.Rand) { f.Refuse = spread(r, 0.01, 0.3) }},
	{"Vanish", 0.15, func(f *Faults, r *rand.Rand) { f.Vanish = spread(r, 0.01, 0.3) }},
	{"Reset", 0.2, func(f *Faults, r *rand.Rand) { f.Reset = spread(r, 0.001, 0.05) }},
	{"Lose", 0.4, func(f *Faults, r *rand.Rand) { f.Lose = spread(r, 0.01, 0.3) }},
	{"Duplicate", 0.3, func(f *Faults, r *rand.Rand) { f.Duplicate = spread(r, 0.01, 0.3) }},
	{"Reorder", 0.3, func(f *Faults, r *rand.Rand) { f.Reorder = spread(r, 0.01, 0.5) }},
	{"Corrupt", 0.2, func(f *Faults, r *rand.Rand) { f.Corrupt = spread(r, 0.001, 0.1) }},
	{"Interrupt", 0.3, func(f *Faults, r *rand.Rand) { f.Interrupt = spread(r, 0.01, 0.3) }},
	{"Again", 0.3, func(f *Faults, r *rand.Rand) { f.Again = spread(r, 0.01, 0.3) }},
	{"NoDescriptors", 0.1, func(f *Faults, r *rand.Rand) { f.NoDescriptors = spread(r, 0.001, 0.1) }},
	{"NoBuffers", 0.1, func(f *Faults, r *rand.Rand) { f.NoBuffers = spread(r, 0.001, 0.1) }},
	{"Hold", 0.2, func(f *Faults, r *rand.Rand) {
		f.Hold, f.HoldTime = spread(r, 0.001, 0.02), duration(r, time.Millisecond, 3*time.Second)
	}},
	{"LateTimers", 0.3, func(f *Faults, r *rand.Rand) { f.LateTimers = duration(r, time.Microsecond, 20*time.Millisecond) }},
	{"ResetDropsData", 0.3, func(f *Faults, _ *rand.Rand) { f.ResetDropsData = true }},
	{"FewEvents", 0.3, func(f *Faults, _ *rand.Rand) { f.FewEvents = true }},
}

// perfect is the rate of worlds in which nothing goes wrong.
const perfect = 0.1

// spread returns a number between two, of which each order of magnitude is as likely
// as the others.
func spread(r *rand.Rand, least, most float64) float64 {
	return least * math.Pow(most/least, r.Float64())
}

func duration(r *rand.Rand, least, most time.Duration) time.Duration {
	return time.Duration(spread(r, float64(least), float64(most)))
}

// drawFaults draws the faults of the world.
func (w *World) drawFaults() {
	if w.random("faults", "perfect").Float64() >= perfect {
		for _, k := range kinds {
			r := w.random("faults", k.name)
			if r.Float64() < k.probability && !slices.Contains(settings.without, k.name) {
				k.draw(&w.faults, r)
				w.drawn = append(w.drawn, k.name)
			}
		}
	}
	if w.simulation.Faults != nil {
		w.simulation.Faults(&w.faults)
	}
	if w.faults == (Faults{}) {
		w.drawn = nil
	}
}

// String returns the faults that there are.
func (f Faults) String() string {
	s := fmt.Sprintf("%+v", struct{ Faults faultFields }{faultFields(f)})
	var kept []string
	for _, field := range strings.Fields(strings.Trim(s[len("{Faults:"):], "{}")) {
		if _, value, _ := strings.Cut(field, ":"); value != "0" && value != "0s" && value != "false" {
			kept = append(kept, field)
		}
	}
	if len(kept) == 0 {
		return "none"
	}
	return strings.Join(kept, " ")
}

// faultFields is Faults without its String.
type faultFields Faults
