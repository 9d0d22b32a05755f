package filepart

import "github.com/go-libevent/libevent/core/evbuffer"

// Add appends n bytes of a regular file, from start on, to a buffer, which gets the
// flag DrainsToFD. The descriptor must stay open until released, which may be nil,
// was called: when the bytes have been sent or dropped. It is not called if there is
// an error. Add is called by the goroutine that the buffer belongs to, as is released.
//
// The file is never mapped: reading a mapping of a file that another program has
// shortened ends the process by SIGBUS.
func Add(piece *evbuffer.Buffer, fd int, start, n int64, released func()) error {
	if err := piece.SetFlags(evbuffer.DrainsToFD); err != nil {
		return err
	}
	s, err := evbuffer.NewFileSegment(fd, start, n, evbuffer.DisableMmap|evbuffer.DisableLocking)
	if err != nil {
		return err
	}
	defer s.Free()
	if err := piece.AddFileSegment(s, 0, -1); err != nil {
		return err
	}
	if released != nil {
		s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { released() })
	}
	return nil
}
