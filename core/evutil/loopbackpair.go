package evutil

import (
	"fmt"
	"net/netip"
	"syscall"
)

// LoopbackPair returns two TCP sockets that are connected to each other by
// way of 127.0.0.1, non-blocking and close-on-exec. It works wherever the
// loopback interface is up and not firewalled. The caller closes the sockets
// with [CloseSocket].
//
// Another program could connect to the port in the instant between listen and
// accept. That is noticed: the pair is then given up with an error that wraps
// [syscall.ECONNABORTED]. The call blocks for the time it takes to connect
// (evutil_ersatz_socketpair_).
func LoopbackPair() ([2]int, error) {
	pair, err := connectLoopback()
	if err != nil {
		return noPair, fmt.Errorf("loopback socket pair: %w", err)
	}
	return pair, nil
}

func connectLoopback() ([2]int, error) {
	listener, err := listenLoopback()
	if err != nil {
		return noPair, err
	}
	defer func() { _ = CloseSocket(listener) }() // it is closed in any case

	connector, err := dialLoopback(listener)
	if err != nil {
		return noPair, err
	}
	acceptor, err := acceptFrom(listener, connector)
	if err != nil {
		_ = CloseSocket(connector) // it is closed in any case
		return noPair, err
	}

	pair := [2]int{connector, acceptor}
	for _, fd := range pair {
		if err := SetNonblock(fd); err != nil {
			closePair(pair)
			return noPair, err
		}
	}
	return pair, nil
}

// listenLoopback returns a listener at a port of the system's choice.
func listenLoopback() (int, error) {
	fd, err := sysSocket(syscall.AF_INET, syscall.SOCK_STREAM)
	if err != nil {
		return InvalidSocket, fmt.Errorf("socket: %w", err)
	}
	if err := bindLoopback(fd); err != nil {
		_ = CloseSocket(fd) // it is closed in any case
		return InvalidSocket, err
	}
	return fd, nil
}

func bindLoopback(fd int) error {
	anyPort := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	sa, err := AddrPortToSockaddr(anyPort)
	if err != nil {
		return err
	}
	if err := sysBind(fd, sa); err != nil {
		return fdError("bind", fd, err)
	}
	if err := sysListen(fd); err != nil {
		return fdError("listen", fd, err)
	}
	return nil
}

// dialLoopback returns a socket that is connected to the listener. It blocks
// meanwhile, as that is how a connect reports that it was refused.
func dialLoopback(listener int) (int, error) {
	sa, err := sysGetsockname(listener)
	if err != nil {
		return InvalidSocket, fdError("getsockname", listener, err)
	}
	fd, err := sysSocket(syscall.AF_INET, syscall.SOCK_STREAM)
	if err != nil {
		return InvalidSocket, fmt.Errorf("socket: %w", err)
	}
	// An interrupted connect goes on by itself; accepting waits for it.
	if err := sysConnect(fd, sa); err != nil && !IsConnectRetriable(err) {
		_ = CloseSocket(fd) // it is closed in any case
		return InvalidSocket, fdError("connect", fd, err)
	}
	return fd, nil
}

// acceptFrom accepts one connection, which must be that of connector.
func acceptFrom(listener, connector int) (int, error) {
	fd, err := sysAccept(listener)
	if err != nil {
		return InvalidSocket, fdError("accept", listener, err)
	}
	if err := checkPeer(fd, connector); err != nil {
		_ = CloseSocket(fd) // it is closed in any case
		return InvalidSocket, err
	}
	return fd, nil
}

// checkPeer fails if the two sockets are not connected to each other.
func checkPeer(acceptor, connector int) error {
	peer, err := sockaddrOf(acceptor, "getpeername", sysGetpeername)
	if err != nil {
		return err
	}
	local, err := sockaddrOf(connector, "getsockname", sysGetsockname)
	if err != nil {
		return err
	}
	if peer != local {
		return fmt.Errorf("a stranger at %v connected: %w", peer, syscall.ECONNABORTED)
	}
	return nil
}

func sockaddrOf(fd int, op string, get func(int) (Sockaddr, error)) (netip.AddrPort, error) {
	sa, err := get(fd)
	if err != nil {
		return netip.AddrPort{}, fdError(op, fd, err)
	}
	return SockaddrToAddrPort(sa)
}
