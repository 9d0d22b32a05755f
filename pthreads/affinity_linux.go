package pthreads

import (
	"os"

	"golang.org/x/sys/unix"
)

// maxCPUs is more than any kernel has.
const maxCPUs = 1 << 16

// setAffinity confines the calling thread to one processor.
func setAffinity(cpu int) error {
	if cpu < 0 || cpu >= maxCPUs {
		return unix.EINVAL
	}
	set := unix.NewCPUSet(cpu + 1)
	set.Set(cpu)
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinityDynamic(0, set))
}
