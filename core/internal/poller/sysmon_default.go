//go:build !(linux || freebsd || netbsd || dragonfly)

package poller

// WakeSysmon wakes the Go scheduler's monitor, as all system calls do here.
func WakeSysmon() {}
