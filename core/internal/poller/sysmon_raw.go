//go:build linux || freebsd || netbsd || dragonfly

package poller

import "golang.org/x/sys/unix"

// WakeSysmon wakes the Go scheduler's monitor if it sleeps. That goes to sleep when
// there is nothing to do, and raw system calls do not wake it; but without it
// the scheduler does not look for goroutines that wait for the network, or interrupts those that
// do not yield, while a loop keeps the only processor busy. Any other system call
// wakes it.
func WakeSysmon() { _, _, _ = unix.Syscall(unix.SYS_GETPID, 0, 0, 0) }
