package evhttp

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/cond"
)

const (
	// filePiece is how much of a file is handed over at a time, and what is at
	// most in memory of one that cannot be sent from disk.
	filePiece = 256 << 10
	// smallFile is up to where a file is read rather than sent from disk, which
	// would be a system call of its own after that for the header.
	smallFile = 16 << 10
)

// SendReplyFile answers GET or HEAD with a file that has this info and type: with
// all of it, with the ranges that are asked for, or with 304, 412 or 416, as the
// request says. The file is closed when it was sent, or if there is an error. It
// goes out at the pace of the client, from disk where the system can do that; if
// it has become shorter meanwhile, the connection is closed. The errors are those
// of SendReply, and ErrNotServer.
func (r *Request) SendReplyFile(f *os.File, info fs.FileInfo, contentType string) error {
	const op = "send file"
	if err := r.may(sendNothing); err != nil {
		f.Close()
		return r.failed(op, err)
	}
	if r.conn.Server() == nil {
		f.Close()
		return r.failed(op, ErrNotServer)
	}
	now := r.conn.base.Now()
	v := cond.Validators{ETag: cond.FileETag(info.Size(), info.ModTime(), now), Modified: info.ModTime()}
	_ = r.header.Set("Last-Modified", string(cond.AppendDate(nil, v.Modified))) // a field that is valid
	_ = r.header.Set("ETag", v.ETag)                                            // a field that is valid
	p := preconditionsOf(r)
	switch p.Check(r.Method(), v, now) {
	case http.StatusNotModified:
		f.Close()
		return r.SendReply(http.StatusNotModified, "", nil)
	case http.StatusPreconditionFailed:
		f.Close()
		return r.SendError(http.StatusPreconditionFailed, "")
	}
	_ = r.header.Set("Accept-Ranges", "bytes") // a field that is valid
	field := joined(r, "Range")
	if field == "" || !p.RangeApplies(r.Method(), v, now) {
		return sendRanges(r, f, info.Size(), contentType, nil)
	}
	ranges, err := cond.ParseRange(field, info.Size(), 0)
	if errors.Is(err, cond.ErrUnsatisfiable) {
		f.Close()
		_ = r.header.Set("Content-Range", string(cond.AppendUnsatisfiedRange(nil, info.Size()))) // a field that is valid
		return r.SendError(http.StatusRequestedRangeNotSatisfiable, "")
	}
	return sendRanges(r, f, info.Size(), contentType, ranges)
}

// sendRanges sends ranges of a file, or all of it if there are none.
func sendRanges(r *Request, f *os.File, size int64, contentType string, ranges []cond.Range) error {
	b := newFileBody(r, f, size)
	switch len(ranges) {
	case 0:
		b.parts = []filePart{{body: cond.Range{Length: size}}}
		return b.start(http.StatusOK, contentType, size)
	case 1:
		b.parts = []filePart{{body: ranges[0]}}
		_ = r.header.Set("Content-Range", string(ranges[0].AppendContentRange(nil, size))) // a field that is valid
		return b.start(http.StatusPartialContent, contentType, ranges[0].Length)
	}
	framed := cond.NewRangeParts(ranges, size, contentType)
	for i, part := range ranges {
		b.parts = append(b.parts, filePart{framed.AppendHead(nil, i), part})
	}
	b.parts = append(b.parts, filePart{head: framed.AppendEnd(nil)})
	return b.start(http.StatusPartialContent, framed.ContentType(), framed.Length())
}

// preconditionsOf returns the fields that make a request conditional.
func preconditionsOf(r *Request) cond.Preconditions {
	return cond.Preconditions{
		IfMatch: joined(r, "If-Match"), IfNoneMatch: joined(r, "If-None-Match"),
		IfModifiedSince: joined(r, "If-Modified-Since"), IfUnmodifiedSince: joined(r, "If-Unmodified-Since"),
		IfRange: joined(r, "If-Range"),
	}
}

// joined returns the values of all fields of a name as one.
func joined(r *Request, name string) string {
	h := r.InputHeaders()
	if h.GetBytes(name) == nil {
		return ""
	}
	return strings.Join(slices.Collect(h.Values(name)), ", ")
}

// A fileBody sends parts of a file, a piece after the other at the pace of the
// client.
type fileBody struct {
	r      *Request
	f      *os.File
	fd     int
	parts  []filePart // that are still to be sent
	size   int64      // of the file, as it was announced
	refs   int        // the request's, and one of each segment that has the file
	before func(r *Request, err error)
}

// A filePart is a text, and then a part of the file.
type filePart struct {
	head []byte
	body cond.Range
}

func newFileBody(r *Request, f *os.File, size int64) *fileBody {
	b := &fileBody{r: r, f: f, fd: int(f.Fd()), size: size, refs: 1, before: r.onError}
	r.onError, r.outlasts = b.failed, true
	return b
}

// start begins the answer, whose body has this type and length.
func (b *fileBody) start(code int, contentType string, length int64) error {
	r := b.r
	_ = r.header.Set("Content-Length", strconv.FormatInt(length, 10)) // a field that is valid
	err := r.header.Set("Content-Type", contentType)
	if err == nil {
		err = r.SendReplyStart(code, "")
	}
	if err != nil {
		r.onError = b.before
		b.release()
		return err
	}
	b.send()
	return nil
}

// failed is called when the request ends before all was sent.
func (b *fileBody) failed(r *Request, err error) {
	if b.unreadable(err) {
		logFile(b.f.Name(), err)
	}
	b.release()
	if b.before != nil {
		b.before(r, err)
	}
}

// unreadable reports whether it is the file that an error comes from, and not the
// connection.
func (b *fileBody) unreadable(err error) bool {
	if errors.Is(err, syscall.EIO) {
		return true
	}
	info, statErr := b.f.Stat()
	return statErr != nil || info.Size() < b.size
}

// release closes the file when nobody has a use for it any more.
func (b *fileBody) release() {
	if b.refs--; b.refs == 0 {
		b.f.Close()
	}
}

// send sends the next piece, and comes again when that has left.
func (b *fileBody) send() {
	r := b.r
	if r.method == MethodHead {
		b.parts = nil
	}
	var piece evbuffer.Buffer
	err := piece.SetFlags(evbuffer.DrainsToFD)
	for err == nil && len(b.parts) > 0 && piece.Len() < filePiece {
		err = b.next(&piece)
	}
	switch {
	case err != nil:
	case len(b.parts) > 0:
		err = r.SendReplyChunkFunc(&piece, b.send)
	default:
		if err = r.SendReplyChunk(&piece); err == nil {
			r.onError = b.before
			b.release()
			_ = r.SendReplyEnd() // fails only when the request is over, or the answer was cut off
			return
		}
	}
	if err != nil {
		piece.Free()
		b.giveUp(err)
	}
}

// giveUp cuts the answer off, because there is not as much of the file as was
// announced.
func (b *fileBody) giveUp(err error) {
	if r := b.r; r.ex != nil {
		r.cause = err
		r.ex.cancel(r)
	}
}

// next moves the next part, or as much of it as there is room for, to a piece.
func (b *fileBody) next(piece *evbuffer.Buffer) error {
	part := &b.parts[0]
	if err := piece.Add(part.head); err != nil {
		return err
	}
	part.head = nil
	n := min(part.body.Length, int64(max(filePiece-piece.Len(), 1)))
	if n > 0 {
		if err := b.add(piece, part.body.Start, n); err != nil {
			return err
		}
	}
	part.body.Start += n
	if part.body.Length -= n; part.body.Length == 0 {
		b.parts = b.parts[1:]
	}
	return nil
}

// add adds some of the file to a piece: as it is on disk, or if it is little, read
// into memory.
func (b *fileBody) add(piece *evbuffer.Buffer, start, n int64) error {
	if n <= smallFile {
		return b.read(piece, start, int(n))
	}
	// A mapping would be the end of us if somebody shortened the file.
	s, err := evbuffer.NewFileSegment(b.fd, start, n, evbuffer.DisableMmap|evbuffer.DisableLocking)
	if err != nil {
		return err
	}
	b.refs++
	s.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { b.release() })
	defer s.Free()
	return piece.AddFileSegment(s, 0, -1)
}

// read reads some of the file into a piece.
func (b *fileBody) read(piece *evbuffer.Buffer, start int64, n int) error {
	var room [1][]byte
	if _, err := piece.Reserve(n, room[:]); err != nil {
		return err
	}
	room[0] = room[0][:n]
	if _, err := b.f.ReadAt(room[0], start); err != nil {
		return err
	}
	return piece.Commit(room[:])
}
