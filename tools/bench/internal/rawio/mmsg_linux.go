package rawio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of the kernel.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

// Batch holds datagrams that are received, or sent, with one system call.
type Batch struct {
	headers   []mmsghdr
	iovecs    []unix.Iovec
	addresses []unix.RawSockaddrInet4
	buffers   [][]byte
}

// NewBatch returns a batch of up to n datagrams of up to size bytes.
func NewBatch(n, size int) *Batch {
	b := &Batch{
		headers:   make([]mmsghdr, n),
		iovecs:    make([]unix.Iovec, n),
		addresses: make([]unix.RawSockaddrInet4, n),
		buffers:   make([][]byte, n),
	}
	for i := range n {
		b.buffers[i] = make([]byte, size)
		b.iovecs[i].Base = &b.buffers[i][0]
		b.headers[i].hdr.Iov = &b.iovecs[i]
		b.headers[i].hdr.SetIovlen(1)
	}
	return b
}

// Len returns how many datagrams there can be.
func (b *Batch) Len() int { return len(b.buffers) }

// Buffer returns the buffer of datagram i, with all of its length.
func (b *Batch) Buffer(i int) []byte { return b.buffers[i] }

// Received returns datagram i of those that Receive has got.
func (b *Batch) Received(i int) []byte { return b.buffers[i][:b.headers[i].len] }

// SetLen sets the length of datagram i, which will be sent.
func (b *Batch) SetLen(i, n int) { b.iovecs[i].SetLen(n) }

// Receive waits for at least one datagram, gets what there is, and keeps the
// addresses of those who have sent it. Other goroutines run while it waits.
func (b *Batch) Receive(fd int) (int, unix.Errno) {
	for i := range b.headers {
		b.iovecs[i].SetLen(len(b.buffers[i]))
		b.headers[i].hdr.Name = (*byte)(unsafe.Pointer(&b.addresses[i]))
		b.headers[i].hdr.Namelen = unix.SizeofSockaddrInet4
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])),
		uintptr(len(b.headers)), unix.MSG_WAITFORONE, 0, 0)
	return result(n, errno)
}

// Reply sends the first n datagrams to where they came from.
func (b *Batch) Reply(fd, n int) unix.Errno { return b.send(fd, n) }

// Send sends the first n datagrams through a connected socket.
func (b *Batch) Send(fd, n int) unix.Errno {
	for i := range n {
		b.headers[i].hdr.Name, b.headers[i].hdr.Namelen = nil, 0
	}
	return b.send(fd, n)
}

// send sends all of the first n datagrams, one after the other where the kernel
// does not take them at once.
func (b *Batch) send(fd, n int) unix.Errno {
	for sent := 0; sent < n; {
		r, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[sent])),
			uintptr(n-sent), 0, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return errno
		}
		sent += max(int(r), 0) // -1 if there was an error
	}
	return 0
}
