package evfile

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/internal/cond"
)

// Send answers GET or HEAD with a file that has this info and type: with all of
// it, with the ranges that are asked for, or with 304, 412 or 416, as the request
// says (RFC 9110, sections 13 and 14). Conditions need the time of the last change: a
// file without, as those of embed.FS, has no validators. The file is closed when it was
// sent, or if there is an error. It goes out at the pace of the client, from disk where
// the system can do that; if it has become shorter meanwhile, the connection is closed
// and that is logged. A file that is not an [os.File] is read a piece at a time, and
// must be an io.ReaderAt or an io.Seeker. The errors are those of
// [evhttp.Request.SendReply], evhttp.ErrNotServer, and [errors.ErrUnsupported] for a
// file that is neither.
func Send(r *evhttp.Request, f fs.File, info fs.FileInfo, contentType string) error {
	base := r.Base()
	if base == nil {
		err := fmt.Errorf("evfile: send %s: %w", nameOf(f), evhttp.ErrDone)
		closeFile(f)
		return err
	}
	if readerAt(f) == nil {
		err := fmt.Errorf("evfile: send %s: it has no positions: %w", nameOf(f), errors.ErrUnsupported)
		closeFile(f)
		return err
	}
	h, now := r.OutputHeaders(), base.Now()
	v := cond.Validators{Modified: info.ModTime()}
	if !v.Modified.IsZero() {
		v.ETag = cond.FileETag(info.Size(), v.Modified, now)
		_ = h.Set("Last-Modified", string(cond.AppendDate(nil, v.Modified))) // a field that is valid
		_ = h.Set("ETag", v.ETag)                                            // a field that is valid
	}
	p := preconditionsOf(r)
	switch p.Check(r.Method(), v, now) {
	case http.StatusNotModified:
		closeFile(f)
		return r.SendReply(http.StatusNotModified, "", nil)
	case http.StatusPreconditionFailed:
		closeFile(f)
		return r.SendError(http.StatusPreconditionFailed, "")
	}
	_ = h.Set("Accept-Ranges", "bytes") // a field that is valid
	field := joined(r, "Range")
	if field == "" || !p.RangeApplies(r.Method(), v, now) {
		return sendRanges(r, f, info.Size(), contentType, nil)
	}
	ranges, err := cond.ParseRange(field, info.Size(), 0)
	if errors.Is(err, cond.ErrUnsatisfiable) {
		closeFile(f)
		_ = h.Set("Content-Range", string(cond.AppendUnsatisfiedRange(nil, info.Size()))) // a field that is valid
		return r.SendError(http.StatusRequestedRangeNotSatisfiable, "")
	}
	return sendRanges(r, f, info.Size(), contentType, ranges)
}

// sendRanges sends ranges of a file, or all of it if there are none.
func sendRanges(r *evhttp.Request, f fs.File, size int64, contentType string, ranges []cond.Range) error {
	b := &body{f: f, fd: descriptor(f), size: size, refs: 1}
	switch len(ranges) {
	case 0:
		b.parts = []part{{body: cond.Range{Length: size}}}
		return b.send(r, http.StatusOK, contentType, size)
	case 1:
		b.parts = []part{{body: ranges[0]}}
		_ = r.OutputHeaders().Set("Content-Range", string(ranges[0].AppendContentRange(nil, size))) // a field that is valid
		return b.send(r, http.StatusPartialContent, contentType, ranges[0].Length)
	}
	framed := cond.NewRangeParts(ranges, size, contentType)
	for i, piece := range ranges {
		b.parts = append(b.parts, part{framed.AppendHead(nil, i), piece})
	}
	b.parts = append(b.parts, part{head: framed.AppendEnd(nil)})
	return b.send(r, http.StatusPartialContent, framed.ContentType(), framed.Length())
}

// preconditionsOf returns the fields that make a request conditional.
func preconditionsOf(r *evhttp.Request) cond.Preconditions {
	return cond.Preconditions{
		IfMatch: joined(r, "If-Match"), IfNoneMatch: joined(r, "If-None-Match"),
		IfModifiedSince: joined(r, "If-Modified-Since"), IfUnmodifiedSince: joined(r, "If-Unmodified-Since"),
		IfRange: joined(r, "If-Range"),
	}
}

// joined returns the values of all fields of a name as one.
func joined(r *evhttp.Request, name string) string {
	h := r.InputHeaders()
	if h.GetBytes(name) == nil {
		return ""
	}
	return strings.Join(slices.Collect(h.Values(name)), ", ")
}
