//go:build !windows

package evhttp

import "syscall"

var (
	// brokenPipes are what writing fails with to a peer that has ended its stream
	// before, and refuses more.
	brokenPipes = []error{syscall.EPIPE}
	// resets are what it fails with otherwise to a peer that refuses more.
	resets = []error{syscall.ECONNRESET}
)
