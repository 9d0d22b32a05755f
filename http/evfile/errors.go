package evfile

import (
	"errors"
	"io/fs"
	"net/http"
	"runtime"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// errNoFile says that there is something else than a file or a folder.
var errNoFile = errors.New("neither file nor folder")

// refuse answers with the status code for a file that cannot be opened, or a
// folder that cannot be read. A failure of the server is logged.
func (s *Server) refuse(r *evhttp.Request, name string, err error) {
	code := statusOfFile(err)
	if code >= http.StatusInternalServerError {
		logFile(name, err)
	}
	sendError(r, code)
}

// logFile logs that a file could not be read.
func logFile(name string, err error) {
	event.Logger().Warn("evfile: file cannot be read", "file", name, "error", err)
}

// statusOfFile returns the status code for a file that cannot be opened: 404
// where it is the name that leads nowhere.
func statusOfFile(err error) int {
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, errNoFile):
		return http.StatusNotFound
	case !errors.As(err, &errno): // of a file system that is not the system's
		return http.StatusInternalServerError
	case errno == syscall.EMFILE, errno == syscall.ENFILE, errno == syscall.ENOMEM:
		return http.StatusServiceUnavailable
	case isNameError(errno), runtime.GOOS == "windows": // whose numbers have no such classes
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// isNameError reports whether an error says that there can be no file of a name,
// or that what there is can never be opened.
func isNameError(errno syscall.Errno) bool {
	switch errno {
	case syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EILSEQ, syscall.ENXIO, syscall.ENODEV, syscall.EOPNOTSUPP:
		return true
	}
	return false
}
