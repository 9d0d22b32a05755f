//go:build linux || freebsd || netbsd || dragonfly

package evutil

import "golang.org/x/sys/unix"

const tcpKeepIdle = unix.TCP_KEEPIDLE
