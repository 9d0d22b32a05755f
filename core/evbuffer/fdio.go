package evbuffer

import (
	"io"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// ReadFD reads from a descriptor, in one system call, and appends what comes:
// up to most bytes, or as many as MaxRead allows if most is negative or more. It
// reads straight into the memory of the buffer, and does not ask before how much
// there is.
//
// It returns io.EOF at the end of the stream or file. If there is nothing to
// read, the error is that of the system, bare, for which evutil.IsRetriable is
// true. Descriptors should be non-blocking; most systems do not wait for a
// socket even if it is not.
// Other errors name the call and the descriptor. If the back is frozen the
// error is ErrFrozen (evbuffer_read).
func (b *Buffer) ReadFD(fd, most int) (int, error) {
	defer b.enter().leave()
	limit := b.readLimit()
	if most >= 0 {
		limit = min(limit, most)
	}
	if err := b.checkAdd("read", limit); err != nil {
		return 0, err
	}
	if limit == 0 {
		return 0, nil
	}
	before := b.length
	n, err := b.read(fd, limit)
	b.changed(before, n, 0)
	return n, err
}

// maxReadChunks is how many new chunks one ReadFD fills at most.
const maxReadChunks = 16

// read reads into the free space of the last chunk and, from where that is
// full, into new chunks.
func (b *Buffer) read(fd, limit int) (int, error) {
	room := b.room()
	switch {
	case len(room) >= limit:
		n, err := b.readInto(fd, [][]byte{room[:limit]})
		b.filled(n)
		return n, err
	case len(room) == 0 && limit <= maxClassSize:
		c := b.grow(limit)
		n, err := b.readInto(fd, [][]byte{c.mem[:limit]})
		b.appendFilled(c, n)
		return n, err
	default:
		return b.readMany(fd, limit, room)
	}
}

func (b *Buffer) readMany(fd, limit int, room []byte) (int, error) {
	var vecs [1 + maxReadChunks][]byte
	var fresh [maxReadChunks]*chunk
	into := vecs[:0]
	if len(room) > 0 {
		into = append(into, room)
		limit -= len(room)
	}
	count := 0
	for ; limit > 0 && count < maxReadChunks; count++ {
		size := min(limit, maxClassSize)
		fresh[count] = b.grow(size)
		into = append(into, fresh[count].mem[:size])
		limit -= size
	}
	n, err := b.readInto(fd, into)
	left := n
	if len(room) > 0 {
		left -= min(left, len(room))
		b.filled(n - left)
	}
	for _, c := range fresh[:count] {
		part := min(left, maxClassSize)
		b.appendFilled(c, part)
		left -= part
	}
	return n, err
}

// filled makes the first n bytes of the free space of the last chunk data.
func (b *Buffer) filled(n int) {
	b.last.w += n
	b.length += n
}

// maxTrim is the most data that ReadFD copies out of a chunk that is far too
// large for it. Copying more takes longer than fetching other memory for the
// next read does.
const maxTrim = 2048

// appendFilled appends a new chunk with n bytes of data, or gives it back if
// there are none. It also gives back a large one with little data, and appends
// a smaller one: then the large one serves the next read while the processor
// still has it at hand, and a thousand connections with a short message each
// need little memory.
func (b *Buffer) appendFilled(c *chunk, n int) {
	if n == 0 {
		c.recycle()
		return
	}
	if size := b.growth(n); n <= maxTrim && c.isFarTooLargeFor(size) {
		small := newChunk(size)
		copy(small.mem, c.mem[:n])
		c.recycle()
		c = small
	}
	c.w = n
	b.append(c)
}

// readInto reads from a socket or, if it is none, from whatever it is.
func (b *Buffer) readInto(fd int, vecs [][]byte) (n int, err error) {
	call := "recv"
	if b.flags&notSocket == 0 {
		n, err = sysio.Recv(fd, vecs)
		if err == sysio.ErrNotSocket {
			b.flags |= notSocket
		}
	}
	if b.flags&notSocket != 0 {
		call = "read"
		n, err = sysio.Read(fd, vecs)
	}
	switch {
	case err == nil && n == 0:
		return 0, io.EOF
	case err == nil, err == sysio.ErrAgain:
		return n, err
	}
	return 0, fdError(call, fd, err)
}

// WriteFD writes data from the front to a descriptor and removes what was
// written, as WriteFDAtMost without a limit does (evbuffer_write).
func (b *Buffer) WriteFD(fd int) (int, error) { return b.WriteFDAtMost(fd, -1) }

// WriteFDAtMost writes up to most bytes, or any number if most is negative, from
// the front to a descriptor, in one system call, and removes what was written.
// That may be less than there is, even if the descriptor would take more: call
// it again. Parts of files go out by sendfile if they can.
//
// If there is no room, the error is that of the system, bare, for which
// evutil.IsRetriable is true. Descriptors should be non-blocking; most systems
// do not wait for a socket even if it is not, unless it is sent a file. Other
// errors name the call and the descriptor; a file that has become shorter is
// io.ErrUnexpectedEOF. If the front is frozen the error is ErrFrozen. Writing
// nothing is no error, unlike in C (evbuffer_write_atmost).
func (b *Buffer) WriteFDAtMost(fd, most int) (int, error) {
	defer b.enter().leave()
	if b.frozen(Front) {
		return 0, opError("write", ErrFrozen)
	}
	if most < 0 || most > b.length {
		most = b.length
	}
	if most == 0 {
		return 0, nil
	}
	n, err := b.write(fd, most)
	b.drain(n)
	return n, err
}

func (b *Buffer) write(fd, limit int) (int, error) {
	if c := b.first; c.onDisk() {
		n, err := c.sendfile(fd, limit)
		if !sysio.CannotSendfile(err) {
			return n, err
		}
		c.owner.(*FileSegment).giveUpSendfile()
		if err := c.load(); err != nil {
			return 0, opError("write", err)
		}
	}
	if b.first.len() >= limit || b.first.next == nil || b.first.next.onDisk() {
		return b.writeFrom(fd, [][]byte{b.first.data()[:min(limit, b.first.len())]})
	}
	return b.gatherAndWrite(fd, limit)
}

// sendfile sends up to limit bytes of a part of a file that is on disk.
func (c *chunk) sendfile(fd, limit int) (int, error) {
	s := c.owner.(*FileSegment)
	n, err := sysio.Sendfile(fd, s.fd, s.offset+int64(c.r), min(limit, c.len()))
	switch {
	case err == nil && n == 0:
		return 0, fdError("sendfile", fd, io.ErrUnexpectedEOF)
	case err == nil, err == sysio.ErrAgain, sysio.CannotSendfile(err):
		return n, err
	}
	return 0, fdError("sendfile", fd, err)
}

// gatherAndWrite writes several chunks at once, up to one that is on disk.
func (b *Buffer) gatherAndWrite(fd, limit int) (int, error) {
	var vecs [sysio.MaxVectors][]byte
	count := 0
	for c := b.first; c != nil && limit > 0 && count < len(vecs) && !c.onDisk(); c = c.next {
		vecs[count] = c.data()[:min(limit, c.len())]
		limit -= len(vecs[count])
		count++
	}
	return b.writeFrom(fd, vecs[:count])
}

// writeFrom writes to a socket or, if it is none, to whatever it is.
func (b *Buffer) writeFrom(fd int, vecs [][]byte) (n int, err error) {
	call := "send"
	if b.flags&notSocket == 0 {
		n, err = sysio.Send(fd, vecs)
		if err == sysio.ErrNotSocket {
			b.flags |= notSocket
		}
	}
	if b.flags&notSocket != 0 {
		call = "write"
		n, err = sysio.Write(fd, vecs)
	}
	if err == nil || err == sysio.ErrAgain {
		return n, err
	}
	return 0, fdError(call, fd, err)
}
