package pthreads

import (
	"math/bits"
	"os"

	"golang.org/x/sys/windows"
)

var procSetThreadAffinityMask = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadAffinityMask")

// setAffinity confines the calling thread to one processor of its group, which
// has as many as a word has bits.
func setAffinity(cpu int) error {
	if cpu < 0 || cpu >= bits.UintSize {
		return windows.ERROR_INVALID_PARAMETER
	}
	previous, _, err := procSetThreadAffinityMask.Call(uintptr(windows.CurrentThread()), 1<<cpu)
	if previous == 0 {
		return os.NewSyscallError("SetThreadAffinityMask", err)
	}
	return nil
}
