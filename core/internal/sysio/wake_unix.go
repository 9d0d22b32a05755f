//go:build unix

package sysio

import "golang.org/x/sys/unix"

// wakeMessage is a number for an eventfd, which must not be zero in either order of
// bytes, and any bytes for a pipe.
var wakeMessage = [8]byte{1}

// signal never writes half a message: a pipe takes it as a whole.
func signal(w int) error {
	_, err := unix.Write(w, wakeMessage[:])
	return err
}

func drain(r int, p []byte) (int, error) { return atLeastZero(unix.Read(r, p)) }
