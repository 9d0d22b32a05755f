//go:build unix && !linux && !darwin

package evutil

import "golang.org/x/sys/unix"

func sysNotifyPipe() (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC)
	return p[0], p[1], err
}
