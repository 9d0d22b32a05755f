package sysio

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Neighbours of one size and for one peer can go through the kernel as one long
// message, which it cuts up at the end: what a small datagram costs is the way
// through the network stack. UDP_SEGMENT, as this is called, came with Linux
// 4.18. What does not know it, such as older kernels, emulators of processors,
// and sockets that are not UDP's, ignores it and sends the long message as it is;
// so it is tried out first.

const (
	// maxSegment is the longest message that is sent so: it must not need
	// fragments, and this much fits any link that IPv6 may use.
	maxSegment = 1280 - 40 - 8
	// maxSegments is how many messages the kernel takes as one, and maxRun how
	// many bytes.
	maxSegments = 64
	maxRun      = 65_000
)

// segments is the room for runs of messages that go as one.
type segments struct {
	headers  []mmsghdr
	controls []segmentSize
	state    segmentState
}

type segmentState uint8

const (
	segmentsForbidden segmentState = iota // not allowed
	segmentsUnknown                       // the kernel has yet to be asked
	segmentsWork
	segmentsFail
)

// A segmentSize is the control message that says where to cut.
type segmentSize struct {
	hdr  unix.Cmsghdr
	size uint16
}

// AllowSegments lets neighbours go as one message. All sockets must be UDP's.
func (m *Messages) AllowSegments() {
	if m.segments.state == segmentsForbidden {
		m.segments.state = segmentsUnknown
	}
}

// segmentable says whether messages can go as one.
func (m *Messages) segmentable(fd int) bool {
	s := &m.segments
	if s.state == segmentsUnknown {
		s.state = segmentsFail
		if _, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT); err == nil && segmentsArrive() {
			s.state = segmentsWork
			s.headers = make([]mmsghdr, len(m.headers))
			s.controls = make([]segmentSize, len(m.headers))
		}
	}
	return s.state == segmentsWork
}

// segmentsArrive says whether a message that is to be cut up arrives in parts. A
// socket sends one to itself, and reads no more than a part of it. The kernel may
// take a moment for that when there is much to do, but no more than patience.
var segmentsArrive = sync.OnceValue(func() bool {
	const part, whole = 8, 16
	patience := unix.NsecToTimeval(int64(20 * time.Millisecond))
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}) != nil ||
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience) != nil {
		return false
	}
	self, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	size := segmentControl(part)
	control := unsafe.Slice((*byte)(unsafe.Pointer(&size)), unsafe.Sizeof(size))
	if _, err := unix.SendmsgN(fd, make([]byte, whole), control, self, 0); err != nil {
		return false
	}
	room := make([]byte, whole)
	for range whole / part {
		if n, _, err := unix.Recvfrom(fd, room, 0); err != nil || n != part {
			return false
		}
	}
	return true
})

// segmentControl makes the control message for parts of this size.
func segmentControl(size int) segmentSize {
	c := segmentSize{size: uint16(size)}
	c.hdr.Level, c.hdr.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.hdr.SetLen(unix.CmsgLen(int(unsafe.Sizeof(c.size))))
	return c
}

// sendRuns is send with neighbours as one. It returns false if the system does
// not want that on the way that the first ones are to take; then nothing was
// sent.
func (m *Messages) sendRuns(fd, count int) (n int, ok bool, err error) {
	s := &m.segments
	runs := m.gather(count)
	sent, err := mmsg(unix.SYS_SENDMMSG, fd, s.headers[:runs], sendFlags)
	if err != nil && s.headers[0].hdr.Iovlen > 1 && refusesSegments(err) {
		s.state = segmentsFail
		return 0, false, nil
	}
	for i := range s.headers[:sent] {
		n += int(s.headers[i].hdr.Iovlen)
	}
	return n, true, err
}

// refusesSegments says whether an error may be about segments: devices without
// checksums in hardware do not take them, nor do links that are too narrow.
func refusesSegments(err error) bool {
	return err == unix.EIO || err == unix.EINVAL || err == unix.EMSGSIZE || err == unix.EOPNOTSUPP
}

// gather makes headers for runs of messages, and returns how many.
func (m *Messages) gather(count int) (runs int) {
	s := &m.segments
	for i := 0; i < count; runs++ {
		n := m.run(i, count)
		h := &s.headers[runs].hdr
		*h = m.headers[i].hdr
		if n > 1 {
			s.controls[runs] = segmentControl(m.size(i))
			h.SetIovlen(n)
			h.Control = (*byte)(unsafe.Pointer(&s.controls[runs]))
			h.SetControllen(int(unsafe.Sizeof(segmentSize{})))
		}
		i += n
	}
	return runs
}

// run returns how many messages, from the first one on, can go as one. All but
// the last must have the same size, and that may be shorter.
func (m *Messages) run(first, count int) int {
	size := m.size(first)
	if size == 0 || size > maxSegment || m.headers[first].hdr.Controllen != 0 {
		return 1
	}
	n := 1
	for i := first + 1; i < count && n < maxSegments && (n+1)*size <= maxRun; i++ {
		if m.size(i) > size || m.size(i) == 0 || !m.samePeer(first, i) {
			break
		}
		n++
		if m.size(i) < size {
			break
		}
	}
	return n
}

// samePeer says whether two messages are for the same peer, and nothing is
// special about the second one.
func (m *Messages) samePeer(i, j int) bool {
	a, b := &m.headers[i].hdr, &m.headers[j].hdr
	if b.Controllen != 0 || a.Namelen != b.Namelen {
		return false
	}
	switch a.Namelen {
	case 0:
		return true
	case sizeofInet4:
		return *(*rawInet4)(unsafe.Pointer(&m.names[i])) == *(*rawInet4)(unsafe.Pointer(&m.names[j]))
	default:
		return m.names[i] == m.names[j]
	}
}
