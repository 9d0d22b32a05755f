//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package poller

var methods = []Method{kqueueMethod, pollMethod, selectMethod}
