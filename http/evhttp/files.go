package evhttp

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A FileServer answers requests with the files of a folder. Its Serve is for
// [Server.HandlePattern] or [Server.SetGenericCallback]:
//
//	files, err := evhttp.NewFileServer("public")
//	...
//	files.Listings = true
//	server.SetGenericCallback(files.Serve)
//
// Ranges, conditions and HEAD are answered as RFC 9110 has it; the kernel sends
// files itself, where it can. A path cannot leave the folder, by ".." or by a
// symbolic link that leads out of it; links that stay in it are followed. What is
// neither a file nor a folder is not found. Names that begin with a dot are not
// found, either, unless Hidden is set.
//
// Files are opened on the loop, which waits for the disk. A FileServer belongs to
// the goroutine of its loop.
type FileServer struct {
	// Index is the name of the file that stands for its folder: "index.html" if
	// nothing else was set; "-" is none.
	Index string
	// Listings makes pages of the folders that have no such file. Otherwise there
	// is 404.
	Listings bool
	// Hidden serves names that begin with a dot, too.
	Hidden bool
	// MaxListing is how many entries a page has at most: 10,000 if it is 0.
	MaxListing int

	root *os.Root
}

const defaultMaxListing = 10_000

// NewFileServer makes one for a folder. The error is that of the system.
func NewFileServer(dir string) (*FileServer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &FileServer{Index: "index.html", root: root}, nil
}

// Close closes the folder. What is being sent still is.
func (f *FileServer) Close() error { return f.root.Close() }

// Serve answers a request with the file of its path. If a pattern has led here
// that has a wildcard {path...}, what that stands for is the path.
func (f *FileServer) Serve(r *Request) {
	if r.method&(MethodGet|MethodHead) == 0 {
		r.header.Set("Allow", "GET, HEAD")
		r.SendError(405, "")
		return
	}
	name, ok := f.name(r)
	if !ok {
		r.SendError(404, "")
		return
	}
	if err := f.serve(r, name); err != nil {
		r.header.Clear()
		r.SendError(statusOfFile(err), "")
	}
}

// statusOfFile returns what to answer if a file could not be opened.
func statusOfFile(err error) int {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return 403
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoFile):
		return 404
	case isShortage(err):
		return 503
	}
	// A link that leads out of the folder, a name that the system cannot have.
	return 404
}

var errNoFile = errors.New("not a file to be served")

// name returns the name of the file below the folder, "." for the folder, with a
// slash at its end if the path has one.
func (f *FileServer) name(r *Request) (name string, ok bool) {
	name = r.match.Value("path")
	if p := r.match.pattern; p == nil || !slices.Contains(p.names, "path") {
		name = URIDecode(string(pathOf(r)), false)
		if !strings.HasPrefix(name, "/") {
			return "", false
		}
		name = name[1:]
	}
	folder := name == "" || strings.HasSuffix(name, "/")
	if name = strings.TrimSuffix(name, "/"); name == "" {
		return "./", true
	}
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	if !f.Hidden && (name[0] == '.' || strings.Contains(name, "/.")) {
		return "", false
	}
	if folder {
		name += "/"
	}
	return name, true
}

// serve answers with a file or folder.
func (f *FileServer) serve(r *Request, name string) error {
	clean := strings.TrimSuffix(name, "/")
	info, err := f.root.Stat(clean)
	switch {
	case err != nil:
		return err
	case info.IsDir() && clean == name:
		addSlash(r)
		return nil
	case info.IsDir():
		return f.serveFolder(r, clean)
	case clean != name || !info.Mode().IsRegular():
		return errNoFile
	}
	return f.serveFile(r, clean)
}

// serveFolder answers with the file that stands for a folder, or with a listing.
func (f *FileServer) serveFolder(r *Request, name string) error {
	if f.Index != "-" {
		err := f.serveFile(r, path.Join(name, f.Index))
		if err == nil || !f.Listings || statusOfFile(err) != 404 {
			return err
		}
	}
	if !f.Listings {
		return errNoFile
	}
	entries, err := f.list(name)
	if err != nil {
		return err
	}
	title := URIDecode(string(pathOf(r)), false)
	r.header.Set("Content-Type", "text/html; charset=utf-8")
	r.SendReplyBytes(200, "", AppendListing(nil, title, entries))
	return nil
}

func (f *FileServer) list(name string) ([]ListingEntry, error) {
	dir, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	most := f.MaxListing
	if most <= 0 {
		most = defaultMaxListing
	}
	found, err := dir.ReadDir(most)
	if len(found) == 0 && err != nil && err != io.EOF {
		return nil, err
	}
	var entries []ListingEntry
	for _, e := range found {
		// Links count as what they lead to, if that is in the folder.
		info, err := f.root.Stat(path.Join(name, e.Name()))
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() || !f.Hidden && e.Name()[0] == '.' {
			continue
		}
		entry := ListingEntryOf(info)
		entry.Name = e.Name()
		entries = append(entries, entry)
	}
	return entries, nil
}

// serveFile answers with a file.
func (f *FileServer) serveFile(r *Request, name string) error {
	file, err := f.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoFile
	}
	if err != nil {
		file.Close()
		return err
	}
	if err := r.SendReplyFile(file, info, ContentTypeOf(name)); err != nil && r.ex != nil && r.sending == sendNothing {
		return err
	}
	return nil
}

// SendReplyFile answers GET or HEAD with a file, or the parts of it that the
// client wants, or that it has the file already. The file is closed when it was
// sent, or if there is an error: those of SendReply and of the system. info is
// that of the file, whose length must not change meanwhile; nothing for the type
// leaves it to the server.
func (r *Request) SendReplyFile(file *os.File, info fs.FileInfo, contentType string) error {
	if err := r.mayAnswer(); err != nil {
		file.Close()
		return r.failed("send file", err)
	}
	now, size := r.conn.base.Now(), info.Size()
	v := Validators{ETag: FileETag(size, info.ModTime(), now), Modified: info.ModTime()}
	r.header.Set("Last-Modified", string(AppendDate(nil, v.Modified)))
	r.header.Set("ETag", v.ETag)
	r.header.Set("Accept-Ranges", "bytes")
	conditions := r.preconditions()
	if code := conditions.Check(r.Method(), v, now); code != 0 {
		file.Close()
		if code == 304 {
			return r.SendReply(304, "", nil)
		}
		return r.SendError(code, "")
	}
	if contentType != "" {
		r.header.Set("Content-Type", contentType)
	}
	ranges, err := []Range(nil), error(nil)
	if field, ok := r.InputHeaders().Find("Range"); ok && conditions.RangeApplies(r.Method(), v, now) {
		ranges, err = ParseRange(field, size, 0)
	}
	switch {
	case errors.Is(err, ErrUnsatisfiable):
		file.Close()
		r.header.Set("Content-Range", string(AppendUnsatisfiedRange(nil, size)))
		return r.SendError(416, "")
	case len(ranges) == 0:
		return r.sendFile(200, file, Range{0, size})
	case len(ranges) == 1:
		r.header.Set("Content-Range", string(ranges[0].AppendContentRange(nil, size)))
		return r.sendFile(206, file, ranges[0])
	}
	parts := NewRangeParts(ranges, size, contentType)
	r.header.Set("Content-Type", parts.ContentType())
	return r.sendRanges(file, ranges, parts)
}

// preconditions returns the fields of the request that make it conditional.
func (r *Request) preconditions() Preconditions {
	f := r.InputHeaders()
	joined := func(name string) string {
		all := ""
		for v := range f.Values(name) {
			if all != "" {
				all += ", "
			}
			all += v
		}
		return all
	}
	return Preconditions{
		IfMatch: joined("If-Match"), IfNoneMatch: joined("If-None-Match"),
		IfModifiedSince: f.Get("If-Modified-Since"), IfUnmodifiedSince: f.Get("If-Unmodified-Since"),
		IfRange: f.Get("If-Range"),
	}
}

// sendFile answers with one part of a file, or all of it.
func (r *Request) sendFile(code int, file *os.File, part Range) error {
	if r.method == MethodHead || part.Length == 0 {
		file.Close()
		r.header.Set("Content-Length", strconv.FormatInt(part.Length, 10))
		return r.SendReply(code, "", nil)
	}
	if err := addFile(&r.output, file, part.Start, part.Length); err != nil {
		return err
	}
	return r.SendReply(code, "", nil)
}

// sendRanges answers with several parts.
func (r *Request) sendRanges(file *os.File, ranges []Range, parts *RangeParts) error {
	segment, err := newSegment(file, 0, -1)
	if err != nil {
		return err
	}
	defer segment.Free()
	var head []byte
	for i, part := range ranges {
		head = parts.AppendHead(head[:0], i)
		if err = r.output.Add(head); err == nil {
			err = r.output.AddFileSegment(segment, part.Start, part.Length)
		}
		if err != nil {
			return err
		}
	}
	r.output.Add(parts.AppendEnd(head[:0]))
	return r.SendReply(206, "", nil)
}

// addFile adds a part of a file to a buffer, which closes the file when it has
// gone, or now if there is an error.
func addFile(b *evbuffer.Buffer, file *os.File, offset, length int64) error {
	segment, err := newSegment(file, offset, length)
	if err != nil {
		return err
	}
	defer segment.Free()
	return b.AddFileSegment(segment, 0, -1)
}

// newSegment makes a part of a file ready to be sent. The file is closed with it,
// or now if there is an error.
func newSegment(file *os.File, offset, length int64) (*evbuffer.FileSegment, error) {
	segment, err := evbuffer.NewFileSegment(int(file.Fd()), offset, length, 0)
	if err != nil {
		file.Close()
		return nil, err
	}
	segment.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { file.Close() })
	return segment, nil
}
