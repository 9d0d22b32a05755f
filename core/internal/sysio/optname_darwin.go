package sysio

import "golang.org/x/sys/unix"

// Numbers of options for TCP keep-alive. The first has a name of its own here.
const (
	KeepIdle     = unix.TCP_KEEPALIVE
	KeepInterval = unix.TCP_KEEPINTVL
	KeepCount    = unix.TCP_KEEPCNT
)

// ReusePort is 0, for SO_REUSEPORT does not spread the load.
const ReusePort = 0

var platformOptions = map[optionNumber]OptionName{
	{unix.IPPROTO_TCP, KeepIdle}:     OptKeepIdle,
	{unix.IPPROTO_TCP, KeepInterval}: OptKeepInterval,
	{unix.IPPROTO_TCP, KeepCount}:    OptKeepCount,
}
