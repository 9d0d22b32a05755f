package sysio

import (
	"os"
	"syscall"
)

// LoopbackPair makes two TCP sockets that are connected to each other by way of
// 127.0.0.1, non-blocking and close-on-exec. It waits for as long as it takes to
// connect. The error names the call that has failed.
func LoopbackPair() ([2]int, error) {
	if s := system(); s != nil {
		pair, err := retry(OpSocket, InvalidSocket, 0, func(System, int) ([2]int, error) { return s.LoopbackPair() })
		if err != nil {
			return noPair, err
		}
		return pair, nil
	}
	listener, err := listenLoopback()
	if err != nil {
		return noPair, err
	}
	defer func() { _ = CloseSocket(listener) }() // nothing has been sent

	connector, err := dialLoopback(listener)
	if err != nil {
		return noPair, err
	}
	acceptor, err := acceptFrom(listener, connector)
	if err != nil {
		_ = CloseSocket(connector) // the error that counts is the first
		return noPair, err
	}
	pair := [2]int{connector, acceptor}
	for _, fd := range pair {
		if err := SetNonblock(fd); err != nil {
			closePair(pair)
			return noPair, os.NewSyscallError("set non-blocking", err)
		}
	}
	return pair, nil
}

// listenLoopback returns a listener at a port of the system's choice.
func listenLoopback() (int, error) {
	fd, err := Socket(syscall.AF_INET, Mode{Blocking: acceptBlocks})
	if err != nil {
		return InvalidSocket, os.NewSyscallError("socket", err)
	}
	if err := bindLoopback(fd); err != nil {
		_ = CloseSocket(fd) // the error that counts is the first
		return InvalidSocket, err
	}
	return fd, nil
}

func bindLoopback(fd int) error {
	if err := Bind(fd, &sockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	return os.NewSyscallError("listen", Listen(fd, -1))
}

// dialLoopback returns a socket that is connected to the listener. It blocks
// meanwhile, as that is how a connect reports that it was refused.
func dialLoopback(listener int) (int, error) {
	sa, err := Sockname(listener)
	if err != nil {
		return InvalidSocket, os.NewSyscallError("getsockname", err)
	}
	fd, err := Socket(syscall.AF_INET, Mode{Blocking: true})
	if err != nil {
		return InvalidSocket, os.NewSyscallError("socket", err)
	}
	// An interrupted connect goes on by itself; accepting waits for it.
	if err := Connect(fd, sa); err != nil && err != ErrInterrupted {
		_ = CloseSocket(fd) // the error that counts is the first
		return InvalidSocket, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// acceptFrom accepts the connection that connector has made. Others, which any
// program on the machine may make, are closed.
func acceptFrom(listener, connector int) (int, error) {
	want, err := Sockname(connector)
	if err != nil {
		return InvalidSocket, os.NewSyscallError("getsockname", err)
	}
	local, err := SockaddrToAddrPort(want)
	if err != nil {
		return InvalidSocket, err
	}
	for {
		fd, peer, err := acceptWait(listener)
		if err != nil {
			return InvalidSocket, os.NewSyscallError("accept", err)
		}
		if peer == local {
			return fd, nil
		}
		_ = CloseSocket(fd) // nothing has been sent
	}
}
