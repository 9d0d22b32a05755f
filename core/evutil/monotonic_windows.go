package evutil

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32        = windows.NewLazySystemDLL("kernel32.dll")
	procQPCounter   = kernel32.NewProc("QueryPerformanceCounter")
	procQPFrequency = kernel32.NewProc("QueryPerformanceFrequency")
)

// preciseClock reads the performance counter, which ticks about every 100 ns.
func preciseClock() time.Duration {
	ticks, perSecond := queryPerformance(procQPCounter), counterFrequency()
	seconds, rest := ticks/perSecond, ticks%perSecond
	return time.Duration(seconds)*time.Second + time.Duration(rest)*time.Second/time.Duration(perSecond)
}

// counterFrequency is fixed when the system starts.
var counterFrequency = sync.OnceValue(func() int64 { return queryPerformance(procQPFrequency) })

// queryPerformance calls one of the two functions. They cannot fail on any
// Windows that Go runs on.
func queryPerformance(proc *windows.LazyProc) int64 {
	var n int64
	_, _, _ = proc.Call(uintptr(unsafe.Pointer(&n))) // n is written before Call returns
	return n
}
