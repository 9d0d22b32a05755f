//go:build unix

package sysio

import "golang.org/x/sys/unix"

// Sockaddr is the system's form of a socket address.
type Sockaddr = unix.Sockaddr

func connect(fd int, sa Sockaddr) error { return unix.Connect(fd, sa) }

func isInProgress(err error) bool { return err == unix.EINPROGRESS }

func shutdownWrite(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

func closeSocket(fd int) error { return unix.Close(fd) }

// UnixSockaddr returns the address of a Unix socket.
func UnixSockaddr(name string) Sockaddr { return &unix.SockaddrUnix{Name: name} }
