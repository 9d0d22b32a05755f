//go:build (linux && !386 && !s390x) || freebsd || dragonfly

package sysio

import (
	"testing"
)

func TestAcceptDoesNotAllocate(t *testing.T) {
	const runs = 20
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			listener, addr := newListener(t, at)
			for range runs + 1 {
				connectTo(t, addr)
			}
			n := testing.AllocsPerRun(runs, func() {
				fd, _, err := Accept(listener, Mode{})
				ok(t, err)
				CloseSocket(fd)
			})
			want(t, "allocations for a connection", n, 0)
			n = testing.AllocsPerRun(runs, func() { Accept(listener, Mode{}) })
			want(t, "allocations for none", n, 0)
		})
	}
}
