//go:build unix

package pthreads_test

import "golang.org/x/sys/unix"

func readSocket(fd int, p []byte) (int, error)  { return unix.Read(fd, p) }
func writeSocket(fd int, p []byte) (int, error) { return unix.Write(fd, p) }
