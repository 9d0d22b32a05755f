//go:build !(linux || freebsd || netbsd || dragonfly)

package poller

// Rouse wakes the Go scheduler's monitor, as all system calls do here.
func Rouse() {}
