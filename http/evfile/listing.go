package evfile

import (
	"cmp"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-libevent/libevent/http/evuri"
)

// A Entry is a file or folder in a listing.
type Entry struct {
	Name     string
	Folder   bool
	Size     int64 // in bytes; not shown for folders
	Modified time.Time
}

// EntryOf returns the entry for a file.
func EntryOf(info fs.FileInfo) Entry {
	return Entry{info.Name(), info.IsDir(), info.Size(), info.ModTime()}
}

// AppendListing appends to dst a page of HTML in UTF-8 that lists the entries of
// a folder, folders first and each by name, with links that are relative to it.
// Its path is shown, decoded, in the title, and has a link to the folder above
// it unless it is "/". Names may have anything in them. It may be called from
// any goroutine.
func AppendListing(dst []byte, path string, entries []Entry) []byte {
	return appendListing(dst, path, entries, path != "/", false)
}

// appendListing is AppendListing; up says that there is a folder above, cut that
// there are more entries than these.
func appendListing(dst []byte, path string, entries []Entry, up, cut bool) []byte {
	path = strings.ToValidUTF8(path, notText)
	dst = append(dst, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">\n<title>"...)
	dst = evuri.AppendHTMLEscape(dst, path)
	dst = append(dst, "</title>\n</head><body>\n<h1>"...)
	dst = evuri.AppendHTMLEscape(dst, path)
	dst = append(dst, "</h1>\n<table>\n"...)
	if up {
		dst = append(dst, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n"...)
	}
	for _, e := range slices.SortedFunc(slices.Values(entries), compareEntries) {
		dst = e.append(dst)
	}
	dst = append(dst, "</table>\n"...)
	if cut {
		dst = append(dst, "<p>There are more.</p>\n"...)
	}
	return append(dst, "</body></html>\n"...)
}

// notText stands for bytes that are no UTF-8 where a name is shown.
const notText = "\uFFFD"

func compareEntries(a, b Entry) int {
	switch {
	case a.Folder == b.Folder:
		return cmp.Compare(a.Name, b.Name)
	case a.Folder:
		return -1
	default:
		return 1
	}
}

// append appends a row. The link is escaped wholly, so that a colon in a name
// makes no scheme of it.
func (e *Entry) append(dst []byte) []byte {
	slash := ""
	if e.Folder {
		slash = "/"
	}
	dst = append(evuri.AppendEncode(append(dst, "<tr><td><a href=\"./"...), e.Name, false), slash...)
	dst = append(evuri.AppendHTMLEscape(append(dst, "\">"...), strings.ToValidUTF8(e.Name, notText)), slash...)
	dst = append(dst, "</a></td><td>"...)
	if !e.Folder {
		dst = strconv.AppendInt(dst, e.Size, 10)
	}
	dst = append(dst, "</td><td>"...)
	if !e.Modified.IsZero() {
		dst = e.Modified.UTC().AppendFormat(dst, "2006-01-02 15:04:05")
	}
	return append(dst, "</td></tr>\n"...)
}
