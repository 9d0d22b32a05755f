package evnethttp

import (
	"io"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/filepart"
)

// ReadFrom implements io.ReaderFrom, for io.Copy: the kernel sends files without
// bringing them here, unless the stream is of TLS.
func (w *exchange) ReadFrom(src io.Reader) (n int64, err error) {
	file, most := regularFile(src)
	if file == nil {
		return io.Copy(writerOnly{w}, src)
	}
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	_, typed := w.header["Content-Type"]
	if most <= handlerBuffer || w.method == http.MethodHead || !w.begun && !typed {
		return io.Copy(writerOnly{w}, src)
	}
	for n < most {
		part := min(handlerFile, most-n)
		if err := w.mayWrite(int(part)); err != nil {
			return n, err
		}
		if err := w.sendFile(file, part); err != nil {
			return n, err
		}
		n += part
		if limited, ok := src.(*io.LimitedReader); ok {
			limited.N -= part
		}
	}
	return n, nil
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }

// An openFile is an *os.File, or what that becomes within io.Copy.
type openFile interface {
	fs.File
	io.Seeker
	syscall.Conn
}

// regularFile returns the file that src reads, and how many bytes are left of it,
// if it is a regular one.
func regularFile(src io.Reader) (file openFile, left int64) {
	most := int64(-1)
	if limited, ok := src.(*io.LimitedReader); ok {
		src, most = limited.R, limited.N
	}
	file, ok := src.(openFile)
	if !ok {
		return nil, 0
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0
	}
	left = max(info.Size()-at, 0)
	if most >= 0 {
		left = min(left, most)
	}
	return file, left
}

// sendFile sends the next n bytes of a file, and waits until they have left, since
// the file is the handler's.
func (w *exchange) sendFile(file openFile, n int64) error {
	if err := w.flush(false); err != nil {
		return err
	}
	at, err := file.Seek(n, io.SeekCurrent)
	if err != nil {
		return err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	sent := error(nil)
	err = raw.Control(func(fd uintptr) { // which stays open meanwhile
		var piece evbuffer.Buffer
		if sent = filepart.Add(&piece, int(fd), at-n, n, nil); sent != nil {
			return
		}
		if sent = w.out.WriteBuffer(&piece); sent == nil {
			sent = w.out.Flush()
		}
		_ = piece.Free() // owned by no other object
	})
	if err != nil {
		return err
	}
	return w.note(sent)
}
