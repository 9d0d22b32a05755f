package sysio

import "golang.org/x/sys/windows"

func socketpair(family, kind, proto int) ([2]int, error) {
	inetOrUnix := family == windows.AF_INET || family == windows.AF_UNIX
	if !inetOrUnix || kind != windows.SOCK_STREAM || proto != 0 {
		return [2]int{}, windows.WSAEAFNOSUPPORT
	}
	return LoopbackPair()
}
