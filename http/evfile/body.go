package evfile

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"syscall"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/cond"
	"github.com/go-libevent/libevent/http/internal/filepart"
)

// A body yields parts of a file, as an evhttp.BodySource.
type body struct {
	f      fs.File
	fd     int    // or -1
	parts  []part // that are still to be sent
	size   int64  // of the file, as it was announced
	refs   int32  // the answer's, and one of each segment that has the file
	failed bool   // reading has
}

// A part is a text, and then a part of the file.
type part struct {
	head []byte
	body cond.Range
}

// send answers with the body, which has this type and length.
func (b *body) send(r *evhttp.Request, code int, contentType string, length int64) error {
	h := r.OutputHeaders()
	_ = h.Set("Content-Length", strconv.FormatInt(length, 10)) // a field that is valid
	if err := h.Set("Content-Type", contentType); err != nil {
		b.release()
		return err
	}
	return r.SendReplySource(code, "", b)
}

// Close implements evhttp.BodySource.
func (b *body) Close(err error) {
	if err != nil && b.unreadable(err) {
		logFile(nameOf(b.f), err)
	}
	b.release()
}

// unreadable reports whether it is the file that an error comes from, and not the
// connection.
func (b *body) unreadable(err error) bool {
	if b.failed || errors.Is(err, syscall.EIO) {
		return true
	}
	info, statErr := b.f.Stat()
	return statErr != nil || info.Size() < b.size
}

// release closes the file when neither the answer nor a segment uses it.
func (b *body) release() {
	if b.refs--; b.refs == 0 {
		closeFile(b.f)
	}
}

// Next implements evhttp.BodySource.
func (b *body) Next(piece *evbuffer.Buffer) error {
	if err := piece.SetFlags(evbuffer.DrainsToFD); err != nil {
		return err
	}
	for len(b.parts) > 0 && piece.Len() < maxPiece {
		if err := b.next(piece); err != nil {
			return err
		}
	}
	if len(b.parts) == 0 {
		return io.EOF
	}
	return nil
}

// next moves the next part, or as much of it as there is room for, to a piece.
func (b *body) next(piece *evbuffer.Buffer) error {
	p := &b.parts[0]
	if err := piece.Add(p.head); err != nil {
		return err
	}
	p.head = nil
	n := min(p.body.Length, int64(max(maxPiece-piece.Len(), 1)))
	if n > 0 {
		if err := b.add(piece, p.body.Start, n); err != nil {
			return err
		}
	}
	p.body.Start += n
	if p.body.Length -= n; p.body.Length == 0 {
		b.parts = b.parts[1:]
	}
	return nil
}

// add adds some of the file to a piece: as it is on disk, or if it is little or not a
// file of the system, read into memory.
func (b *body) add(piece *evbuffer.Buffer, start, n int64) error {
	if n <= maxRead || b.fd < 0 {
		return b.read(piece, start, int(n))
	}
	if err := filepart.Add(piece, b.fd, start, n, b.release); err != nil {
		return err
	}
	b.refs++
	return nil
}

// read reads some of the file into a piece.
func (b *body) read(piece *evbuffer.Buffer, start int64, n int) error {
	var room [1][]byte
	if _, err := piece.Reserve(n, room[:]); err != nil {
		return err
	}
	room[0] = room[0][:n]
	switch got, err := readerAt(b.f).ReadAt(room[0], start); {
	case got == n: // perhaps with io.EOF
		return piece.Commit(room[:])
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF // it was shortened
	default:
		b.failed = true
		return err
	}
}
