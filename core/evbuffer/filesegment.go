package evbuffer

import (
	"io"
	"math"
	"sync"

	"github.com/go-libevent/libevent/core/internal/evlog"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A SegmentFlag changes how a file segment is made and used.
type SegmentFlag uint

const (
	// CloseOnFree closes the descriptor when the segment is gone
	// (EVBUF_FS_CLOSE_ON_FREE).
	CloseOnFree SegmentFlag = 1 << iota
	// DisableMmap reads the file into memory where it would be mapped. It is
	// for files that may become shorter in the meantime, because touching
	// mapped memory that has no file behind it is fatal
	// (EVBUF_FS_DISABLE_MMAP).
	DisableMmap
	// DisableSendfile brings the file into memory even if it could be sent
	// from disk (EVBUF_FS_DISABLE_SENDFILE).
	DisableSendfile
	// DisableLocking leaves out the lock of the segment. Then it must not be
	// used, nor be in a buffer that is used, by more than one goroutine at a
	// time (EVBUF_FS_DISABLE_LOCKING).
	DisableLocking
)

// A SegmentCleanup is called when a file segment is gone, exactly once, after
// its descriptor was closed if it is to be (evbuffer_file_segment_cleanup_cb).
type SegmentCleanup func(s *FileSegment, flags SegmentFlag)

// A FileSegment is a part of a file that buffers can refer to, any number of
// times, without ever copying it. From a buffer with DrainsToFD it goes out by
// sendfile. Other uses need it in memory: it is mapped or, failing that, read.
//
// The file must stay open and as long as it is until the segment is gone: after
// Free, when no buffer refers to it any more (struct evbuffer_file_segment).
type FileSegment struct {
	fd     int
	offset int64
	length int
	flags  SegmentFlag

	// mu guards what follows, unless DisableLocking.
	mu       sync.Mutex
	refs     int // of chunks, and one of the user until Free
	freed    bool
	unsent   bool   // sendfile turned out to be impossible
	contents []byte // nil while on disk
	mapping  sysio.Mapping
	mapped   bool // contents is mapping's data
	cleanup  SegmentCleanup
}

// NewFileSegment makes a segment of length bytes of the file fd from offset on;
// a negative length means up to the end of the file. The caller owns it and
// must call Free. The error is ErrRange for a negative offset or one behind the
// end, ErrFlag for an unknown flag, or that of the system. With CloseOnFree the
// descriptor belongs to NewFileSegment from the call on, which has closed it if it
// fails; otherwise it is the caller's (evbuffer_file_segment_new, which never closes
// it).
func NewFileSegment(fd int, offset, length int64, flags SegmentFlag) (*FileSegment, error) {
	s, err := newFileSegment(fd, offset, length, flags)
	if err != nil && fd >= 0 && flags&CloseOnFree != 0 {
		_ = sysio.Close(fd) // why there is no segment is what the caller has to know
	}
	return s, err
}

func newFileSegment(fd int, offset, length int64, flags SegmentFlag) (*FileSegment, error) {
	const op = "new file segment"
	if flags&^(CloseOnFree|DisableMmap|DisableSendfile|DisableLocking) != 0 {
		return nil, opError(op, ErrFlag)
	}
	if length < 0 {
		size, err := sysio.Size(fd)
		if err != nil {
			return nil, opError(op, fdError("fstat", fd, err))
		}
		length = size - offset
	}
	if offset < 0 || length < 0 || length > math.MaxInt || offset > math.MaxInt64-length {
		return nil, opError(op, ErrRange)
	}
	return &FileSegment{fd: fd, offset: offset, length: int(length), flags: flags, refs: 1}, nil
}

// FD returns the descriptor of the file.
func (s *FileSegment) FD() int { return s.fd }

// Len returns the length of the segment in bytes.
func (s *FileSegment) Len() int { return s.length }

// SetCleanup sets the function to call when the segment is gone, in place of
// any that was set before. Nil removes it
// (evbuffer_file_segment_add_cleanup_cb).
func (s *FileSegment) SetCleanup(fn SegmentCleanup) {
	s.lock()
	defer s.unlock()
	s.cleanup = fn
}

// Free says that the caller has no more use for the segment. Buffers that refer
// to it keep it alive. Calling it again does nothing
// (evbuffer_file_segment_free).
func (s *FileSegment) Free() {
	s.lock()
	again := s.freed
	s.freed = true
	s.unlock()
	if !again {
		s.release()
	}
}

func (s *FileSegment) lock() {
	if s.flags&DisableLocking == 0 {
		s.mu.Lock()
	}
}

func (s *FileSegment) unlock() {
	if s.flags&DisableLocking == 0 {
		s.mu.Unlock()
	}
}

func (s *FileSegment) retain() {
	s.lock()
	s.refs++
	s.unlock()
}

func (s *FileSegment) release() {
	s.lock()
	s.refs--
	last := s.refs == 0
	s.unlock()
	if last {
		s.destroy()
	}
}

// destroy gives back what the segment has. There is no other reference to it any more.
func (s *FileSegment) destroy() {
	if s.mapped {
		if err := s.mapping.Unmap(); err != nil {
			evlog.Logf(evlog.Warn, "evbuffer: munmap file segment: %v", err)
		}
	}
	s.contents = nil
	if s.flags&CloseOnFree != 0 {
		if err := sysio.Close(s.fd); err != nil {
			evlog.Logf(evlog.Warn, "evbuffer: close fd %d: %v", s.fd, err)
		}
	}
	if s.cleanup != nil {
		s.cleanup(s, s.flags)
	}
}

// load brings the segment into memory, if it is not there yet, and returns it.
func (s *FileSegment) load() ([]byte, error) {
	s.lock()
	defer s.unlock()
	if s.contents != nil {
		return s.contents, nil
	}
	if s.flags&DisableMmap == 0 && s.mmap() == nil {
		return s.contents, nil
	}
	return s.contents, s.read()
}

// mmap maps the segment, after making sure that the file is that long.
func (s *FileSegment) mmap() error {
	size, err := sysio.Size(s.fd)
	if err != nil {
		return err
	}
	if size-s.offset < int64(s.length) {
		return io.ErrUnexpectedEOF
	}
	m, err := sysio.Map(s.fd, s.offset, s.length)
	if err != nil {
		return err
	}
	s.mapping, s.mapped, s.contents = m, true, m.Data
	return nil
}

// readStep is how much memory a segment has at first when it is read. More
// comes with the data, for the file may be much shorter than the segment.
const readStep = 1 << 20

// read reads the segment.
func (s *FileSegment) read() error {
	p := make([]byte, min(s.length, readStep))
	for done := 0; done < s.length; {
		if done == len(p) {
			p = append(p, make([]byte, min(s.length-done, done))...)
		}
		n, err := sysio.Pread(s.fd, p[done:], s.offset+int64(done))
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fdError("pread", s.fd, err)
		}
		done += n
	}
	s.contents = p
	return nil
}

// sendable reports whether sendfile may serve the segment.
func (s *FileSegment) sendable() bool {
	s.lock()
	defer s.unlock()
	return sysio.CanSendfile && s.flags&DisableSendfile == 0 && !s.unsent
}

// giveUpSendfile makes sure that it is not tried again.
func (s *FileSegment) giveUpSendfile() {
	s.lock()
	defer s.unlock()
	s.unsent = true
}

// retainPart is retain for a chunk with length bytes of the segment from offset
// on. It fails if there are no such bytes, or the segment is not the user's any
// more.
func (s *FileSegment) retainPart(offset, length int64) error {
	s.lock()
	defer s.unlock()
	switch {
	case s.freed:
		return ErrSegmentFreed
	case offset < 0 || offset > int64(s.length) || length > int64(s.length)-offset:
		return ErrRange
	}
	s.refs++
	return nil
}
