package evtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// How much of the trace is printed, and how long a smaller world is looked for.
const (
	reportLines = 60
	shrinkTime  = time.Minute
)

// report prints what a reader of a failure wants to know.
func (w *World) report() {
	var s strings.Builder
	fmt.Fprintf(&s, "seed %d has failed; its last lines:\n%s", w.seed, w.network.Last(reportLines))
	fmt.Fprintf(&s, "faults: %v\n", w.faults)
	for _, d := range w.draws {
		fmt.Fprintf(&s, "%s: %d\n", d.name, d.value)
	}
	fmt.Fprintf(&s, "to run it again: go test -run '%s' -seed %d", w.pattern(), w.seed)
	for _, arg := range w.size().flags() {
		if strings.Contains(arg, " ") {
			arg = "'" + arg + "'"
		}
		s.WriteString(" " + arg)
	}
	w.t.Log(s.String())
}

// pattern is what selects the test that simulates.
func (w *World) pattern() string {
	var parts []string
	for _, part := range strings.Split(w.name, "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	return strings.Join(parts, "/")
}

// A size is how much of a world there is.
type size struct {
	values  []draw
	without []string
}

// size returns that of the world.
func (w *World) size() size {
	s := size{without: slices.Clone(settings.without)}
	for _, d := range w.draws {
		if _, ok := settings.values[d.name]; ok {
			s.values = append(s.values, d)
		}
	}
	return s
}

// flags returns what makes a world of this size.
func (s size) flags() (args []string) {
	if len(s.values) > 0 {
		var pairs []string
		for _, d := range s.values {
			pairs = append(pairs, fmt.Sprintf("%s=%d", d.name, d.value))
		}
		args = append(args, "-world.set", strings.Join(pairs, ","))
	}
	if len(s.without) > 0 {
		args = append(args, "-world.without", strings.Join(s.without, ","))
	}
	return args
}

// shrink looks for the smallest world in which the seed still fails, each tried in a
// process of its own, and prints its report.
func (w *World) shrink(t *testing.T) {
	t.Helper()
	if !settings.shrink || len(settings.values) > 0 || len(settings.without) > 0 {
		return
	}
	s := &shrinker{world: w, end: time.Now().Add(shrinkTime)}
	for _, name := range w.drawn {
		smaller := s.size
		smaller.without = append(slices.Clone(smaller.without), name)
		s.try(smaller)
	}
	for _, d := range w.draws {
		s.lessen(d)
	}
	if s.report == "" {
		t.Logf("%d smaller worlds were tried: none fails", s.tries)
		return
	}
	t.Logf("%d smaller worlds were tried; the smallest that fails:\n%s", s.tries, s.report)
}

// A shrinker is the search for a smaller world.
type shrinker struct {
	world  *World
	end    time.Time
	size   size
	tries  int
	report string // of the smallest so far
}

// lessen looks for the smallest value of a draw.
func (s *shrinker) lessen(d draw) {
	for low := d.least; low < d.value; {
		middle := low + (d.value-low)/2
		smaller := s.size
		smaller.values = append(slices.Clone(smaller.values), draw{d.name, d.least, middle})
		if s.try(smaller) {
			d.value = middle
			s.size.values = s.size.values[:len(s.size.values)-1]
			continue
		}
		low = middle + 1
	}
	if d.value < s.original(d.name) {
		s.size.values = append(s.size.values, d)
	}
}

// original returns what the seed has drawn.
func (s *shrinker) original(name string) int {
	i := slices.IndexFunc(s.world.draws, func(d draw) bool { return d.name == name })
	return s.world.draws[i].value
}

// try runs the seed in a world of another size, and keeps that if it fails.
func (s *shrinker) try(smaller size) bool {
	if time.Now().After(s.end) {
		return false
	}
	s.tries++
	args := []string{"-test.run", s.world.pattern(), "-seed", fmt.Sprint(s.world.seed), "-world.shrink=false"}
	args = append(args, smaller.flags()...)
	output, err := exec.Command(os.Args[0], args...).CombinedOutput()
	var failed *exec.ExitError
	if !errors.As(err, &failed) { // it passes, or cannot be started here
		return false
	}
	s.size, s.report = smaller, string(output)
	return true
}
