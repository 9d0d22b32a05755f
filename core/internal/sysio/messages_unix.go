//go:build unix && !linux

package sysio

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Messages is described in messages.go. Here it is moved message by message, by
// x/sys, which has some memory allocated for each address.
type Messages struct {
	data     [][]byte
	received []Received
	peers    []Sockaddr // to send to, or nil
}

// NewMessages makes room for n messages, at least one.
func NewMessages(n int) *Messages {
	return &Messages{
		data:     make([][]byte, n),
		received: make([]Received, n),
		peers:    make([]Sockaddr, n),
	}
}

// Len returns the number of messages that there is room for.
func (m *Messages) Len() int { return len(m.data) }

func (m *Messages) size(i int) int { return len(m.data[i]) }

// SetRoom says where message i goes to when it arrives.
func (m *Messages) SetRoom(i int, p []byte) { m.data[i] = p }

// Received describes a message that has arrived.
func (m *Messages) Received(i int) Received { return m.received[i] }

// bytes returns message i, or the room for it.
func (m *Messages) bytes(i int) []byte { return m.data[i] }

// put makes r what has arrived as message i.
func (m *Messages) put(i int, r Received) error {
	m.received[i] = r
	return nil
}

// addresses returns the peer that was given to Set.
func (m *Messages) addresses(i int) (peer netip.AddrPort, local netip.Addr) {
	peer, _ = SockaddrToAddrPort(m.peers[i]) // zero for none
	return peer, netip.Addr{}
}

// Set makes p message i of those that are to be sent, to peer, unless that is
// zero. A local address to send from is an error here.
func (m *Messages) Set(i int, p []byte, peer netip.AddrPort, local netip.Addr) (err error) {
	if local.IsValid() {
		return errors.ErrUnsupported
	}
	m.data[i], m.peers[i] = p, nil
	if peer.IsValid() {
		m.peers[i], err = AddrPortToSockaddr(peer)
	}
	return err
}

func (m *Messages) recv(fd int) (int, error)        { return m.recvEach(fd) }
func (m *Messages) send(fd, count int) (int, error) { return m.sendEach(fd, count) }

func (m *Messages) recvmsg(fd, i int) error {
	n, _, flags, from, err := unix.Recvmsg(fd, m.data[i], nil, unix.MSG_DONTWAIT)
	if err != nil {
		return err
	}
	peer, _ := SockaddrToAddrPort(from) // zero for another kind of socket
	m.received[i] = Received{N: n, Peer: peer, Truncated: flags&unix.MSG_TRUNC != 0}
	return nil
}

func (m *Messages) sendmsg(fd, i int) error {
	_, err := unix.SendmsgN(fd, m.data[i], nil, m.peers[i], unix.MSG_DONTWAIT)
	return err
}
