// Package evfile serves files with evhttp: whole or in ranges, conditionally, from
// disk where the system can send from there, and folders as lists.
//
// # A folder
//
// A [Server] answers with the files of a folder, and cannot be led out of it:
//
//	files, err := evfile.NewServer("/srv/www")
//	files.Listing = true
//	server.SetGenericCallback(files.Serve)
//
// Or below a path, by a pattern:
//
//	err := server.HandlePattern("/static/{path...}", files.Serve)
//
// [NewServerFS] serves those of any file system, such as embed.FS.
//
// # One file
//
// [Send] answers a request with any file that is open, of the system or not. It evaluates Range,
// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since and If-Range
// (RFC 9110, sections 13 and 14), and sends the file at the pace of the client, a
// piece at a time.
//
// [ContentTypeOf] knows the type of a file by its name. [AppendListing] writes the
// page that shows a folder.
//
// # Failures
//
// A name that leads nowhere is 404, what may not be read 403, a lack of
// descriptors or memory 503, and a failure of the disk 500; the last two are
// logged. A file that becomes shorter while it is sent has its connection closed.
// The file is closed in each case, when nothing that waits to be sent needs it.
//
// # Goroutines
//
// Everything is called on the loop of the request, except [ContentTypeOf],
// [EntryOf] and [AppendListing], which may be called from any goroutine.
//
// # Coming from C
//
// libevent has evbuffer_add_file, and leaves the rest of HTTP to the program, as
// its sample http-server does; see examples/http-server.
//
// # Files
//
//	server.go        Server: from the path to the file or folder
//	files.go         where files are: in a folder of the system, or an fs.FS
//	send.go          Send: conditions and ranges of one file
//	body.go          the body: parts of a file, a piece at a time
//	listing.go       the page that lists a folder
//	contenttype.go   types of files
//	limits.go        limits
//	errors.go        from errors of the system to status codes
package evfile
