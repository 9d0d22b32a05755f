//go:build dragonfly || freebsd || netbsd

package sysio

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Numbers of options for TCP keep-alive.
const (
	KeepIdle     = unix.TCP_KEEPIDLE
	KeepInterval = unix.TCP_KEEPINTVL
	KeepCount    = unix.TCP_KEEPCNT
)

// ReusePort is described at the other systems. On FreeBSD it is SO_REUSEPORT_LB, as
// its SO_REUSEPORT does not spread the load; that of NetBSD does not either.
var ReusePort = map[string]int{"dragonfly": 0x200, "freebsd": 0x10000}[runtime.GOOS]

var platformOptions = map[optionNumber]OptionName{
	{unix.SOL_SOCKET, ReusePort}:     OptReusePort,
	{unix.IPPROTO_TCP, KeepIdle}:     OptKeepIdle,
	{unix.IPPROTO_TCP, KeepInterval}: OptKeepInterval,
	{unix.IPPROTO_TCP, KeepCount}:    OptKeepCount,
}
