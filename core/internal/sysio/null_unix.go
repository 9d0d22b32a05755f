//go:build unix

package sysio

import "golang.org/x/sys/unix"

// PutNull makes fd a descriptor of the null device, in place of what it is one for,
// so that its number is not free in between.
func PutNull(fd int) error {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	return dup2(null, fd)
}
