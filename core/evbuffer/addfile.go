package evbuffer

import "github.com/go-libevent/libevent/core/event"

// AddFileSegment appends length bytes of the segment, from offset within it; a
// negative length means the rest. Unless they can be sent from disk later, they
// are brought into memory now. The error is ErrRange if there are no such
// bytes, ErrFrozen if the back is frozen, ErrSegmentFreed if s was freed, event.ErrNil
// if it is nil, or that of the system. Even then s remains the caller's, unlike
// in C (evbuffer_add_file_segment).
func (b *Buffer) AddFileSegment(s *FileSegment, offset, length int64) error {
	const op = "add file segment"
	if s == nil {
		return opError(op, event.ErrNil)
	}
	if err := s.retainPart(offset, length); err != nil {
		return opError(op, err)
	}
	if length < 0 {
		length = int64(s.length) - offset
	}
	defer b.enter().leave()
	c, err := b.newPart(op, s, int(offset), int(length))
	if c == nil {
		s.release()
		return err
	}
	b.addBorrowed(c)
	return nil
}

// newPart returns a chunk with n bytes of a segment from offset, or nil if there
// is nothing to add.
func (b *Buffer) newPart(op string, s *FileSegment, offset, n int) (*chunk, error) {
	if err := b.checkAdd(op, n); err != nil || n == 0 {
		return nil, err
	}
	c := newHeader()
	c.r, c.w, c.owner = offset, offset+n, s
	if b.flags&drainsToFD == 0 || !s.sendable() {
		if err := c.load(); err != nil {
			c.recycleHeader()
			return nil, opError(op, err)
		}
	}
	return c, nil
}

// AddFile appends length bytes of the file fd from offset on; a negative length
// means up to the end of the file. From a buffer with DrainsToFD they go out by
// sendfile, otherwise the file is mapped, or else read. The descriptor belongs
// to the buffer from now on, and is closed when the data is gone or, if there is
// an error, at once. The errors are those of NewFileSegment and AddFileSegment
// (evbuffer_add_file).
func (b *Buffer) AddFile(fd int, offset, length int64) error {
	s, err := NewFileSegment(fd, offset, length, CloseOnFree)
	if err != nil {
		return err
	}
	defer s.Free()
	return b.AddFileSegment(s, 0, -1)
}
