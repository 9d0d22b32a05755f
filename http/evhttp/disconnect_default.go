//go:build !windows

package evhttp

import "syscall"

// errBrokenPipe is what writing fails with to a peer that has ended its stream before,
// and refuses more.
const errBrokenPipe = syscall.EPIPE

// resets are what it fails with otherwise to a peer that refuses more.
var resets = []error{syscall.ECONNRESET}
