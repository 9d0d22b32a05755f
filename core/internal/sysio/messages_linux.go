package sysio

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

type (
	rawInet4 = unix.RawSockaddrInet4
	rawInet6 = unix.RawSockaddrInet6
)

const (
	sizeofInet4 = unix.SizeofSockaddrInet4
	sizeofInet6 = unix.SizeofSockaddrInet6
)

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32 // bytes that have come or gone
}

// Messages is described in messages.go. The headers point into the other
// slices, which never move.
type Messages struct {
	headers  []mmsghdr
	vecs     []unix.Iovec
	names    []rawInet6
	controls []control
	used     int  // headers that the kernel may have written to
	single   bool // the kernel lacks the calls for many messages
	segments segments
	zones    zones
}

// NewMessages makes room for n messages, at least one.
func NewMessages(n int) *Messages {
	m := &Messages{
		headers:  make([]mmsghdr, n),
		vecs:     make([]unix.Iovec, n),
		names:    make([]rawInet6, n),
		controls: make([]control, n),
		used:     n,
	}
	for i := range m.headers {
		h := &m.headers[i].hdr
		h.Iov = &m.vecs[i]
		h.SetIovlen(1)
	}
	return m
}

// Len returns the number of messages that there is room for.
func (m *Messages) Len() int { return len(m.headers) }

func (m *Messages) size(i int) int { return int(m.vecs[i].Len) }

// SetRoom says where message i goes to when it arrives.
func (m *Messages) SetRoom(i int, p []byte) { m.setVec(i, p) }

func (m *Messages) setVec(i int, p []byte) {
	m.vecs[i].Base = unsafe.SliceData(p)
	m.vecs[i].SetLen(len(p))
}

// Received describes a message that has arrived.
func (m *Messages) Received(i int) Received {
	h := &m.headers[i]
	return Received{
		N:         int(h.n),
		Peer:      m.zones.getName(&m.names[i], int(h.hdr.Namelen)),
		Local:     m.zones.getLocal(m.controls[i].bytes(int(h.hdr.Controllen))),
		Truncated: h.hdr.Flags&unix.MSG_TRUNC != 0,
	}
}

// bytes returns message i, or the room for it.
func (m *Messages) bytes(i int) []byte { return unsafe.Slice(m.vecs[i].Base, m.size(i)) }

// put makes r what has arrived as message i.
func (m *Messages) put(i int, r Received) error {
	h := &m.headers[i]
	m.used = max(m.used, i+1)
	h.n, h.hdr.Flags = uint32(r.N), 0
	if r.Truncated {
		h.hdr.Flags = unix.MSG_TRUNC
	}
	size, err := m.zones.putName(&m.names[i], r.Peer)
	if err != nil {
		return err
	}
	h.hdr.Namelen = uint32(size)
	size, err = m.zones.putLocal(&m.controls[i], r.Local)
	h.hdr.SetControllen(size)
	return err
}

// addresses returns those that were given to Set.
func (m *Messages) addresses(i int) (peer netip.AddrPort, local netip.Addr) {
	h := &m.headers[i].hdr
	return m.zones.getName(&m.names[i], int(h.Namelen)), m.zones.getLocal(m.controls[i].bytes(int(h.Controllen)))
}

// Set makes p message i of those that are to be sent, to peer, unless that is
// zero, and from local, unless that is zero.
func (m *Messages) Set(i int, p []byte, peer netip.AddrPort, local netip.Addr) error {
	m.setVec(i, p)
	h := &m.headers[i].hdr
	size, err := m.zones.putName(&m.names[i], peer)
	if err != nil {
		return err
	}
	h.Name, h.Namelen = nil, uint32(size)
	if size > 0 {
		h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
	}
	size, err = m.zones.putLocal(&m.controls[i], local)
	if err != nil {
		return err
	}
	h.Control = nil
	h.SetControllen(size)
	if size > 0 {
		h.Control = (*byte)(unsafe.Pointer(&m.controls[i]))
	}
	return nil
}

// The system calls are not entered through the runtime, because they never wait.

func (m *Messages) recv(fd int) (int, error) {
	m.offerRoom()
	if m.single {
		n, err := m.recvEach(fd)
		m.used = min(n+1, len(m.headers))
		return n, err
	}
	n, err := m.mmsg(OpRecvmmsg, unix.SYS_RECVMMSG, fd, len(m.headers), recvFlags)
	if err == unix.ENOSYS {
		m.single = true
		return m.recv(fd)
	}
	m.used = min(n+1, len(m.headers)) // the kernel may have begun with one more
	return n, err
}

// offerRoom repeats what the kernel has overwritten.
func (m *Messages) offerRoom() {
	for i := range m.headers[:m.used] {
		h := &m.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&m.names[i]))
		h.Namelen = sizeofInet6
		h.Control = (*byte)(unsafe.Pointer(&m.controls[i]))
		h.SetControllen(len(m.controls[i]) * 8)
	}
}

func (m *Messages) send(fd, count int) (int, error) {
	if m.single {
		return m.sendEach(fd, count)
	}
	n, err := m.mmsg(OpSendmmsg, unix.SYS_SENDMMSG, fd, count, sendFlags)
	if err == unix.ENOSYS {
		m.single = true
		return m.sendEach(fd, count)
	}
	return n, err
}

// mmsg makes one of the calls for many messages.
func (m *Messages) mmsg(op Op, trap uintptr, fd, count int, flags uintptr) (int, error) {
	return retry(op, fd, count, func(_ System, limit int) (int, error) {
		if op == OpSendmmsg && limit > 1 && m.segmentable(fd) {
			if n, ok, err := m.sendRuns(fd, limit); ok {
				return n, err
			}
		}
		return mmsg(trap, fd, m.headers[:limit], flags)
	})
}

func mmsg(trap uintptr, fd int, headers []mmsghdr, flags uintptr) (int, error) {
	n, _, errno := unix.RawSyscall6(trap, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(headers))), uintptr(len(headers)), flags, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func (m *Messages) recvmsg(fd, i int) error {
	h := &m.headers[i]
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h.hdr)), recvFlags)
	if errno != 0 {
		return errno
	}
	h.n = uint32(n)
	return nil
}

func (m *Messages) sendmsg(fd, i int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&m.headers[i].hdr)), sendFlags)
	if errno != 0 {
		return errno
	}
	return nil
}
