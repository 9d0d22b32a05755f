package simnet_test

import "golang.org/x/sys/unix"

func init() {
	options["reuseport"] = [2]int{unix.SOL_SOCKET, unix.SO_REUSEPORT}
	options["keepcnt"] = [2]int{unix.IPPROTO_TCP, unix.TCP_KEEPCNT}
	options["keepintvl"] = [2]int{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL}
}
