package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time that a process has used, in user mode and in
// the kernel, to the nanosecond.
func CPU(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var t unix.Timespec
	clock := int32(^pid)<<3 | schedulerClock // as clock_getcpuclockid makes it
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("clock_gettime of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// Resident returns the bytes of memory that a process has resident.
func Resident(pid int) (int64, error) {
	// Unlike statm, this file is exact.
	name := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Rss:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("%s: no Rss", name)
}
