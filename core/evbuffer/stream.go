package evbuffer

import "io"

// A Buffer is what Go's own readers and writers are, without an end of its own.
var _ interface {
	io.Reader
	io.Writer
	io.ReaderFrom
	io.WriterTo
	io.ByteReader
	io.ByteWriter
	io.StringWriter
} = (*Buffer)(nil)

// Read moves bytes from the front to p, as Remove does, except that an empty
// buffer is io.EOF, as for a bytes.Buffer.
func (b *Buffer) Read(p []byte) (int, error) {
	n, err := b.Remove(p)
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

// ReadByte removes the first byte and returns it, or io.EOF if there is none.
func (b *Buffer) ReadByte() (byte, error) {
	var p [1]byte
	_, err := b.Read(p[:])
	return p[0], err
}

// Write appends a copy of p, as Add does.
func (b *Buffer) Write(p []byte) (int, error) {
	if err := b.Add(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString appends the bytes of s, as AddString does.
func (b *Buffer) WriteString(s string) (int, error) {
	if err := b.AddString(s); err != nil {
		return 0, err
	}
	return len(s), nil
}

// WriteByte appends one byte.
func (b *Buffer) WriteByte(c byte) error { return b.Add([]byte{c}) }

// How much ReadFrom offers to its reader at a time, and how often in a row that
// may read nothing.
const (
	readFromSize = 32 << 10
	maxIdleReads = 100
)

// ReadFrom appends all that r has to give, up to its end. It returns the number
// of bytes and the first error other than io.EOF; a reader that keeps giving
// nothing is io.ErrNoProgress. If the back is frozen the error is ErrFrozen, and
// what was read last may be lost. The lock, if there is one, is not held while r
// reads.
func (b *Buffer) ReadFrom(r io.Reader) (int64, error) {
	if err := b.Add(nil); err != nil {
		return 0, err
	}
	total, left, err := b.readAll(r, newChunk(readFromSize))
	left.recycle() // but not if r or a callback panics: then it may be in use
	return total, err
}

// readAll reads into c and those that follow. It returns the chunk that is left.
func (b *Buffer) readAll(r io.Reader, c *chunk) (total int64, left *chunk, err error) {
	for idle := 0; idle < maxIdleReads; idle++ {
		n, err := r.Read(c.mem)
		if n < 0 || n > len(c.mem) {
			return total, c, opError("read from", ErrRange)
		}
		if n > 0 {
			var addErr error
			if c, addErr = b.addRead(c, n); addErr != nil {
				return total, c, addErr
			}
			total += int64(n)
			idle = 0
		}
		if err == io.EOF {
			return total, c, nil
		}
		if err != nil {
			return total, c, err
		}
	}
	return total, c, io.ErrNoProgress
}

// addRead appends n bytes that were read into c: the chunk itself if it is well
// filled, otherwise a copy. It returns a chunk for the next read.
func (b *Buffer) addRead(c *chunk, n int) (*chunk, error) {
	if n < len(c.mem)/2 {
		return c, b.Add(c.mem[:n])
	}
	defer b.enter().leave()
	if err := b.checkAdd("add", n); err != nil {
		return c, err
	}
	c.w = n
	b.append(c)
	b.changed(b.length-n, n, 0)
	return newChunk(readFromSize), nil
}

// WriteTo writes all data to w and removes what was written. It returns the
// number of bytes and the error of w, io.ErrShortWrite if that has none to give,
// or ErrFrozen if the front is frozen. The lock, if there is one, is held while
// w writes, and both ends are frozen: w must not change the buffer.
func (b *Buffer) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for {
		n, err := b.writeFirst(w)
		total += int64(n)
		if n == 0 || err != nil {
			return total, err
		}
	}
}

// writeFirst writes the first chunk.
func (b *Buffer) writeFirst(w io.Writer) (int, error) {
	const op = "write to"
	defer b.enter().leave()
	c := b.first
	switch {
	case b.frozen(Front):
		return 0, opError(op, ErrFrozen)
	case c == nil:
		return 0, nil
	}
	if err := c.load(); err != nil {
		return 0, opError(op, err)
	}
	size := c.len()
	n, err := b.writeFrozen(w, c)
	if n < 0 || n > size {
		return 0, opError(op, ErrRange)
	}
	b.drain(min(n, b.length))
	if n < size && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// writeFrozen has w write the data of c. What w does to the buffer nevertheless,
// such as freeing it, does not give the memory to others before it returns.
func (b *Buffer) writeFrozen(w io.Writer, c *chunk) (int, error) {
	const ends = frontFrozen | backFrozen
	before := b.flags & ends
	b.flags |= ends
	defer func() { b.flags = b.flags&^ends | before }()
	if o := c.owner; o != nil {
		o.retain()
		defer o.release()
		return w.Write(c.data())
	}
	reserved := c.reserved
	c.reserved = true
	n, err := w.Write(c.data())
	c.reserved = reserved
	return n, err
}
