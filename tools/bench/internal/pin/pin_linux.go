package pin

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// setSize is the number of processors that a unix.CPUSet can hold.
const setSize = 1024

// CPUs returns the last n processors that this process may use, since the first
// ones serve most interrupts. The error wraps ErrTooFew if there are fewer.
func CPUs(n int) ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	var cpus []int
	for cpu := range setSize {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) < n {
		return nil, fmt.Errorf("%w: %d of %d", ErrTooFew, len(cpus), n)
	}
	return cpus[len(cpus)-n:], nil
}

// Self confines the calling goroutine, which from now on has a thread of its
// own, to the given processors.
func Self(cpus []int) error {
	runtime.LockOSThread()
	set := setOf(cpus)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("sched_setaffinity %v: %w", cpus, err)
	}
	return nil
}

func setOf(cpus []int) unix.CPUSet {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return set
}

// Exec replaces the calling process by a program that is confined to the given
// processors from its first instruction, so that a Go program counts no others.
// It returns only when it fails.
func Exec(cpus []int, program string, args ...string) error {
	// Affinity belongs to a thread; the one that calls execve survives it.
	if err := Self(cpus); err != nil {
		return err
	}
	argv := append([]string{program}, args...)
	return fmt.Errorf("exec %s: %w", program, syscall.Exec(program, argv, os.Environ()))
}
