package pthreads_test

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/pthreads"
	"golang.org/x/sys/windows"
)

var procSetThreadAffinityMask = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadAffinityMask")

func TestLoopsAreConfinedToTheirCPUs(t *testing.T) {
	evtest.Leaks(t)
	newGroup(t, &pthreads.GroupConfig{
		Loops: 2,
		CPUs:  []int{0},
		Setup: func(i int, _ *event.Base) error {
			// The way to ask for the mask is to set it.
			previous, _, err := procSetThreadAffinityMask.Call(uintptr(windows.CurrentThread()), 1)
			if previous != 1 {
				t.Errorf("loop %d has the affinity mask %#x, %v", i, previous, err)
			}
			return nil
		},
	})
}

func TestUnknownCPUIsAnError(t *testing.T) {
	for _, cpu := range []int{-1, 64} {
		g, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: 2, CPUs: []int{cpu}})
		if !errors.Is(err, windows.ERROR_INVALID_PARAMETER) || g != nil {
			t.Errorf("CPU %d: %v, %v", cpu, g, err)
		}
	}
}
