package sysio

import (
	"errors"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

type (
	rawInet4 = windows.RawSockaddrInet4
	rawInet6 = windows.RawSockaddrInet6
)

const (
	sizeofInet4 = int(unsafe.Sizeof(rawInet4{}))
	sizeofInet6 = int(unsafe.Sizeof(rawInet6{}))
)

// Messages is described in messages.go. Winsock moves one message at a time.
type Messages struct {
	vecs      []windows.WSABuf
	names     []windows.RawSockaddrAny
	sizes     []int32  // of names
	counts    []uint32 // bytes received
	truncated []bool
	zones     zones
}

// NewMessages makes room for n messages, at least one.
func NewMessages(n int) *Messages {
	return &Messages{
		vecs:      make([]windows.WSABuf, n),
		names:     make([]windows.RawSockaddrAny, n),
		sizes:     make([]int32, n),
		counts:    make([]uint32, n),
		truncated: make([]bool, n),
	}
}

// Len returns the number of messages that there is room for.
func (m *Messages) Len() int { return len(m.vecs) }

func (m *Messages) size(i int) int { return int(m.vecs[i].Len) }

func (m *Messages) name(i int) *rawInet6 { return (*rawInet6)(unsafe.Pointer(&m.names[i])) }

// SetRoom says where message i goes to when it arrives.
func (m *Messages) SetRoom(i int, p []byte) { m.setVec(i, p) }

func (m *Messages) setVec(i int, p []byte) {
	m.vecs[i] = windows.WSABuf{Buf: unsafe.SliceData(p), Len: uint32(len(p))}
}

// Received describes a message that has arrived.
func (m *Messages) Received(i int) Received {
	return Received{
		N:         int(m.counts[i]),
		Peer:      m.zones.getName(m.name(i), int(m.sizes[i])),
		Truncated: m.truncated[i],
	}
}

// bytes returns message i, or the room for it.
func (m *Messages) bytes(i int) []byte { return unsafe.Slice(m.vecs[i].Buf, m.size(i)) }

// put makes r what has arrived as message i, but for the local address.
func (m *Messages) put(i int, r Received) error {
	size, err := m.zones.putName(m.name(i), r.Peer)
	m.counts[i], m.sizes[i], m.truncated[i] = uint32(r.N), int32(size), r.Truncated
	return err
}

// addresses returns the peer that was given to Set.
func (m *Messages) addresses(i int) (peer netip.AddrPort, local netip.Addr) {
	return m.zones.getName(m.name(i), int(m.sizes[i])), netip.Addr{}
}

// Set makes p message i of those that are to be sent, to peer, unless that is
// zero. A local address to send from is an error here.
func (m *Messages) Set(i int, p []byte, peer netip.AddrPort, local netip.Addr) error {
	if local.IsValid() {
		return errors.ErrUnsupported
	}
	m.setVec(i, p)
	size, err := m.zones.putName(m.name(i), peer)
	m.sizes[i] = int32(size)
	return err
}

func (m *Messages) recv(fd int) (int, error)        { return m.recvEach(fd) }
func (m *Messages) send(fd, count int) (int, error) { return m.sendEach(fd, count) }

// recvmsg makes of a message that is too long what other systems do, and
// reports that no socket is bound at the peer by the same name as they.
func (m *Messages) recvmsg(fd, i int) error {
	m.sizes[i] = int32(unsafe.Sizeof(m.names[i]))
	m.counts[i] = 0
	var flags uint32
	err := windows.WSARecvFrom(windows.Handle(fd), &m.vecs[i], 1, &m.counts[i], &flags,
		&m.names[i], &m.sizes[i], nil, nil)
	m.truncated[i] = err == windows.WSAEMSGSIZE
	switch err {
	case windows.WSAEMSGSIZE:
		m.counts[i] = m.vecs[i].Len
		return nil
	case windows.WSAECONNRESET:
		return ErrRefused
	}
	return err
}

func (m *Messages) sendmsg(fd, i int) error {
	var name *windows.RawSockaddrAny
	if m.sizes[i] > 0 {
		name = &m.names[i]
	}
	var sent uint32
	return windows.WSASendTo(windows.Handle(fd), &m.vecs[i], 1, &sent, 0, name, m.sizes[i], nil, nil)
}
