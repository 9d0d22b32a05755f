package evfile

import (
	"mime"
	"path"
	"strings"

	"github.com/go-libevent/libevent/core/event"
)

// DefaultContentType is the type of a file about which nothing is known.
const DefaultContentType = "application/octet-stream"

// webTypes are those that the system may not know.
var webTypes = map[string]string{
	".bin":   DefaultContentType,
	".csv":   "text/csv; charset=utf-8",
	".gz":    "application/gzip",
	".ico":   "image/vnd.microsoft.icon",
	".md":    "text/markdown; charset=utf-8",
	".mp3":   "audio/mpeg",
	".mp4":   "video/mp4",
	".ogg":   "audio/ogg",
	".otf":   "font/otf",
	".tar":   "application/x-tar",
	".ttf":   "font/ttf",
	".txt":   "text/plain; charset=utf-8",
	".webm":  "video/webm",
	".woff":  "font/woff",
	".woff2": "font/woff2",
	".zip":   "application/zip",
}

// ContentTypeOf returns the media type of a file by the extension of its name,
// compared case-insensitively: what the package mime knows of this system, or else one that
// is common in the Web, or DefaultContentType. It may be called from any
// goroutine.
func ContentTypeOf(name string) string {
	ext := path.Ext(name)
	if t := tolerantType(mime.TypeByExtension, ext); t != "" {
		return t
	}
	if t, ok := webTypes[strings.ToLower(ext)]; ok {
		return t
	}
	return DefaultContentType
}

// tolerantType returns what mime.TypeByExtension knows of an extension. At its first
// call that reads files of the system, and panics if one of them cannot be read; it
// then goes on with the types that it has.
func tolerantType(lookup func(ext string) string, ext string) (t string) {
	defer func() {
		if p := recover(); p != nil {
			event.Logger().Warn("evfile: media types of the system cannot be read", "error", p)
			t = lookup(ext)
		}
	}()
	return lookup(ext)
}
