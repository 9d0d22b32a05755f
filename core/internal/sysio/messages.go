package sysio

import (
	"net/netip"
)

// Messages is room for datagrams, and for the addresses that belong to them, in
// the form that the system wants. It serves any number of sockets, one after
// the other. Each platform has its own, with these methods:
//
//	NewMessages(n int) *Messages   // for n messages, at least one
//	Len() int                      // n
//	SetRoom(i int, p []byte)       // where message i goes when it arrives
//	Received(i int) Received       // what has arrived
//	Set(i int, p []byte, peer netip.AddrPort, local netip.Addr) error
//	                               // message i that is to be sent
//	AllowSegments()                // lets the kernel take several as one
//
// For another system there are besides:
//
//	bytes(i int) []byte            // message i, or the room for it
//	put(i int, r Received) error   // what has arrived there
//	addresses(i int) (netip.AddrPort, netip.Addr)  // of Set
//
// Messages that are received and messages that are sent need one each.
//
// An IPv4 address at an IPv6 socket is mapped into IPv6, in both directions.

// A Received says what RecvMessages has got.
type Received struct {
	N         int            // bytes
	Peer      netip.AddrPort // the sender
	Local     netip.Addr     // its destination, if the socket tells (TellLocal)
	Truncated bool           // for want of room
}

// A QueuedError is one that the network has reported about a message.
type QueuedError struct {
	Err  error          // of the system
	Peer netip.AddrPort // where the message was sent
	From netip.Addr     // the host that has reported it, or zero
	MTU  int            // how long a packet may be, if Err is ErrTooLong
}

// RecvMessages receives up to m.Len() messages. The error is ErrAgain if there
// is none. With any other error, n messages have still arrived.
func RecvMessages(fd int, m *Messages) (n int, err error) {
	if system() != nil {
		return m.recvEach(fd)
	}
	n, err = m.recv(fd)
	acquire()
	return n, err
}

// SendMessages sends the first count messages, and returns how many of them it
// has sent. If there is an error, which is ErrAgain if there is no room, it is
// about the first message and nothing was sent.
func SendMessages(fd int, m *Messages, count int) (n int, err error) {
	if system() != nil {
		return m.sendEach(fd, count)
	}
	release()
	return m.send(fd, count)
}

// recvEach does the work of recv message by message.
func (m *Messages) recvEach(fd int) (n int, err error) {
	for n < m.Len() {
		err := m.recvOne(fd, n)
		if err == ErrAgain && n > 0 {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (m *Messages) recvOne(fd, i int) error {
	_, err := retry(OpRecvmsg, fd, m.size(i), func(s System, _ int) (struct{}, error) {
		if s != nil {
			return struct{}{}, m.recvOther(s, fd, i)
		}
		return struct{}{}, m.recvmsg(fd, i)
	})
	return err
}

// sendEach does the work of send message by message.
func (m *Messages) sendEach(fd, count int) (n int, err error) {
	for n < count {
		err := m.sendOne(fd, n)
		if err != nil && n > 0 { // the next call will meet it again
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (m *Messages) sendOne(fd, i int) error {
	_, err := retry(OpSendmsg, fd, m.size(i), func(s System, _ int) (struct{}, error) {
		if s != nil {
			return struct{}{}, m.sendOther(s, fd, i)
		}
		return struct{}{}, m.sendmsg(fd, i)
	})
	return err
}

// zones remembers the last IPv6 zone: to ask the system about each message
// would cost more than the message.
type zones struct {
	id   uint32
	name string
}

func (z *zones) zone(id uint32) string {
	if id != z.id {
		z.id, z.name = id, ScopeZone(id)
	}
	return z.name
}

func (z *zones) scope(name string) (uint32, error) {
	if name == z.name {
		return z.id, nil
	}
	id, err := ScopeID(name)
	if err == nil {
		z.id, z.name = id, name
	}
	return id, err
}
