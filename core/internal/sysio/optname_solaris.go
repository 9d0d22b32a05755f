package sysio

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// The numbers of the options for TCP keep-alive are others on Solaris, since 11.4,
// than on illumos, whose package unix has.
var KeepIdle, KeepInterval, KeepCount = func() (idle, interval, count int) {
	if runtime.GOOS == "illumos" {
		return unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT
	}
	return 0x1d, 0x1e, 0x1f
}()

// ReusePort is 0: there is no option that spreads the load.
const ReusePort = 0

var platformOptions = map[optionNumber]OptionName{
	{unix.IPPROTO_TCP, KeepIdle}:     OptKeepIdle,
	{unix.IPPROTO_TCP, KeepInterval}: OptKeepInterval,
	{unix.IPPROTO_TCP, KeepCount}:    OptKeepCount,
}
