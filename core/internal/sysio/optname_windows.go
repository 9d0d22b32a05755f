package sysio

import "golang.org/x/sys/windows"

// Numbers of options for TCP keep-alive.
const (
	KeepIdle     = windows.TCP_KEEPIDLE
	KeepInterval = windows.TCP_KEEPINTVL
	KeepCount    = windows.TCP_KEEPCNT
)

// ReusePort is 0: there is no option that spreads the load.
const ReusePort = 0

var platformOptions = map[optionNumber]OptionName{
	{windows.IPPROTO_TCP, KeepIdle}:     OptKeepIdle,
	{windows.IPPROTO_TCP, KeepInterval}: OptKeepInterval,
	{windows.IPPROTO_TCP, KeepCount}:    OptKeepCount,
}
