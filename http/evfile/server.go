package evfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/http/evuri"
)

// A Server answers GET and HEAD with the files of a folder: whole, or the ranges
// that are asked for, or not at all where the client has them already.
// [Server.Serve] is the [evhttp.Handler]:
//
//	files, err := evfile.NewServer("/srv/www")
//	files.Listing = true
//	server.SetGenericCallback(files.Serve)
//
// A folder is shown by its index.html, or as a list. Nothing outside of the folder
// can be reached, by whatever path or link; a path with empty or dotted elements,
// or a slash that is escaped, leads nowhere. Only files and folders are served: no
// devices, sockets or pipes.
//
// Files are looked up on the loop, which waits for the disk. What is sent of them
// is in memory a piece at a time at most, and not at all where the system can send
// from disk. If a file that is being sent is shortened, the answer is cut off. What
// cannot be read is logged with [event.Logger]. The fields must not change while a
// request is answered.
type Server struct {
	// Prefix is what the path of a request has before the name of a file:
	// "/files/", for instance. Other paths are not found. By default it is "/". If
	// a pattern with the wildcard {path...} has led here, that is the name, and
	// Prefix does not count.
	Prefix string
	// Index is the name of the file that stands for its folder; by default that
	// is "index.html".
	Index string
	// Listing shows folders that have no index as a list of what is served of them;
	// otherwise they are not found. A folder that cannot be read to the end is 500.
	Listing bool
	// MaxListed is how many entries of a folder are listed, the page says if there
	// are more; 0 stands for DefaultMaxListed.
	MaxListed int
	// Hidden serves what has a name that begins with a dot, and lists it.
	Hidden bool

	files files
}

// NewServer makes a server of the files in a folder. The error is that of
// [os.OpenRoot].
func NewServer(folder string) (*Server, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("evfile: serve files: %w", err)
	}
	return newServer(systemFolder{root}), nil
}

// NewServerFS makes a server of the files in a file system, such as those of package
// embed. What is sent of them is read into memory, a piece at a time, by the loop: it
// waits while the file system does. Files must be such as Send takes. A [os.DirFS] leads
// where its links do. The error is event.ErrNil if there is no file system.
func NewServerFS(fsys fs.FS) (*Server, error) {
	if fsys == nil {
		return nil, fmt.Errorf("evfile: serve files: %w", event.ErrNil)
	}
	return newServer(tree{fsys}), nil
}

func newServer(f files) *Server { return &Server{Prefix: "/", Index: "index.html", files: f} }

// Close closes the folder of NewServer. What is being sent is not affected; other
// requests get 404 from now on. A server of a file system goes on as before.
func (s *Server) Close() error { return s.files.close() }

// Serve answers a request.
func (s *Server) Serve(r *evhttp.Request) {
	if m := r.Command(); m != evhttp.MethodGet && m != evhttp.MethodHead {
		_ = r.OutputHeaders().Set("Allow", "GET, HEAD") // a field that is valid
		sendError(r, http.StatusMethodNotAllowed)
		return
	}
	name, ok := s.requested(r)
	if !ok {
		sendError(r, http.StatusNotFound)
		return
	}
	f, info, err := s.open(name)
	switch ends := strings.HasSuffix(r.Path(), "/"); {
	case err != nil:
		s.refuse(r, name, err)
	case info.IsDir() && !ends:
		closeFile(f)
		_ = r.SendSlashRedirect() // fails only when the request is over
	case info.IsDir():
		s.serveFolder(r, name, f)
	case ends:
		closeFile(f)
		sendError(r, http.StatusNotFound)
	default:
		sendFile(r, f, info)
	}
}

// requested returns the name of the file that a request is for, relative to the
// folder.
func (s *Server) requested(r *evhttp.Request) (name string, ok bool) {
	given := r.Path()
	for i := strings.IndexByte(given, '%'); i >= 0 && i+2 < len(given); i++ {
		if given[i] == '%' && given[i+1] == '2' && given[i+2]|0x20 == 'f' {
			return "", false // it is no separator, and files have no such names
		}
	}
	if name, ok = r.FindPathValue("path"); !ok {
		if name, ok = strings.CutPrefix(evuri.Decode(given), s.Prefix); !ok {
			return "", false
		}
	}
	if name == "" {
		return ".", true
	}
	name = strings.TrimSuffix(name, "/")
	if !s.Hidden && (strings.HasPrefix(name, ".") || strings.Contains(name, "/.")) {
		return "", false
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." {
			return "", false
		}
	}
	return name, true
}

// sendFile answers with a file.
func sendFile(r *evhttp.Request, f fs.File, info fs.FileInfo) {
	h := r.OutputHeaders()
	_ = h.Set("X-Content-Type-Options", "nosniff") // a field that is valid
	if err := Send(r, f, info, ContentTypeOf(info.Name())); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			logFile(info.Name(), err)
		}
		h.Clear()
		sendError(r, http.StatusInternalServerError)
	}
}

// sendError answers with an error, which fails only when the request is over, or
// the answer has begun.
func sendError(r *evhttp.Request, code int) { _ = r.SendError(code, "") }

// open opens a file or a folder.
func (s *Server) open(name string) (fs.File, fs.FileInfo, error) {
	f, err := s.files.open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		err = errNoFile
	}
	if err != nil {
		closeFile(f)
		return nil, nil, err
	}
	return f, info, nil
}

// serveFolder answers with a folder's index, or lists it. It closes the folder.
func (s *Server) serveFolder(r *evhttp.Request, name string, folder fs.File) {
	defer closeFile(folder)
	f, info, err := s.open(path.Join(name, s.Index))
	switch {
	case err == nil && !info.IsDir():
		sendFile(r, f, info)
		return
	case err == nil:
		closeFile(f)
	case statusOfFile(err) != http.StatusNotFound:
		s.refuse(r, path.Join(name, s.Index), err)
		return
	}
	if !s.Listing {
		sendError(r, http.StatusNotFound)
		return
	}
	s.list(r, name, folder)
}

// list answers with a list of what is in a folder.
func (s *Server) list(r *evhttp.Request, name string, folder fs.File) {
	entries, cut, err := s.entries(name, folder)
	if err != nil {
		s.refuse(r, name, err)
		return
	}
	h := r.OutputHeaders()
	_ = h.Set("Content-Type", "text/html; charset=utf-8") // a field that is valid
	_ = h.Set("Cache-Control", "no-cache")                // a field that is valid
	shown := evuri.Decode(r.Path())
	_ = r.SendReplyBytes(http.StatusOK, "", appendListing(nil, shown, entries, name != ".", cut)) // fails only when the request is over, or the answer was cut off
}

// entries returns what is served of a folder. cut reports whether there is more.
func (s *Server) entries(name string, folder fs.File) (entries []Entry, cut bool, err error) {
	dir, ok := folder.(fs.ReadDirFile)
	if !ok {
		return nil, false, fmt.Errorf("list: %w", errors.ErrUnsupported)
	}
	most := s.MaxListed
	if most <= 0 {
		most = DefaultMaxListed
	}
	found, err := dir.ReadDir(most + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if cut = len(found) > most; cut {
		found = found[:most]
	}
	entries = make([]Entry, 0, len(found))
	for _, d := range found {
		if !s.Hidden && d.Name()[0] == '.' {
			continue
		}
		info, err := s.look(path.Join(name, d.Name()), d)
		switch {
		case err == nil:
			entry := EntryOf(info)
			entry.Name = d.Name() // not that of what a link leads to
			entries = append(entries, entry)
		case statusOfFile(err) >= http.StatusInternalServerError:
			return nil, false, err
		}
	}
	return entries, cut, nil
}

// look returns what is served for an entry of a folder, or the error of open. Files
// and folders that all users may read need not be opened for that.
func (s *Server) look(name string, d fs.DirEntry) (fs.FileInfo, error) {
	info, err := d.Info()
	if err != nil {
		return nil, err
	}
	const readable = 0o444
	if mode := info.Mode(); (mode.IsRegular() || mode.IsDir()) && mode&readable == readable {
		return info, nil
	}
	f, info, err := s.open(name)
	if err == nil {
		closeFile(f)
	}
	return info, err
}
