package pthreads_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/pthreads"
	"golang.org/x/sys/unix"
)

// allowedCPUs returns the processors that the calling thread may use.
func allowedCPUs(t *testing.T) []int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Error(err)
	}
	var cpus []int
	for cpu := range 1024 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

func TestLoopsAreConfinedToTheirCPUs(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		all := allowedCPUs(t)
		cpus := []int{all[len(all)-1], all[0]}
		before := confinedThreads(t, len(all))
		g := newGroup(t, &pthreads.GroupConfig{
			Loops: 3,
			CPUs:  cpus,
			Setup: func(i int, b *event.Base) error {
				want := fmt.Sprint([]int{cpus[i%len(cpus)]})
				if got := fmt.Sprint(allowedCPUs(t)); got != want {
					t.Errorf("Setup of loop %d runs on CPUs %s, want %s", i, got, want)
				}
				return nil
			},
		})
		got := make(chan []int)
		for i := range g.Len() {
			ok(t, g.Base(i).Post(func() { got <- allowedCPUs(t) }))
			if got, want := fmt.Sprint(wait(t, got)), fmt.Sprint([]int{cpus[i%len(cpus)]}); got != want {
				t.Errorf("loop %d runs on CPUs %s, want %s", i, got, want)
			}
		}
		stop(t, g)
		if n := evtest.Settled(func() int { return confinedThreads(t, len(all)) }, before); n > before {
			t.Errorf("%d threads are confined afterwards, %d were before", n, before)
		}
	})
}

// confinedThreads returns how many threads of the process may use fewer than
// all processors. It leaves out the first thread: if a loop had that, it stays,
// but the runtime never uses it again.
func confinedThreads(t *testing.T, all int) int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(files) == 0 {
		t.Skip("the system does not list threads")
	}
	n := 0
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(status), fmt.Sprintf("\nPid:\t%d\n", os.Getpid())) {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if mask, found := strings.CutPrefix(line, "Cpus_allowed:"); found && bits(mask) < all {
				n++
			}
		}
	}
	return n
}

// bits counts the bits of a hexadecimal number with commas.
func bits(hex string) int {
	n := 0
	for _, digit := range strings.TrimSpace(hex) {
		if v := strings.IndexRune("0123456789abcdef", digit); v > 0 {
			n += []int{0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4}[v]
		}
	}
	return n
}

func TestUnknownCPUIsAnError(t *testing.T) {
	for _, cpu := range []int{-1, 1023, 1 << 15, math.MaxInt} {
		evtest.Leaks(t)
		g, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: 2, CPUs: []int{cpu}})
		if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), fmt.Sprint("CPU ", cpu)) || g != nil {
			t.Errorf("CPU %d: %v, %v", cpu, g, err)
		}
	}
}
