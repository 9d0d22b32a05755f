// Package evuri reads, changes and writes URIs, queries and forms, and escapes
// what goes into them. It needs no loop: all functions may be called from any
// goroutine, and values are used by one goroutine at a time. It is what
// event2/http.h has under evhttp_uri, evhttp_parse_query and the like.
//
// # URIs
//
// [Parse] takes a URI or a relative reference apart as RFC 3986 says; a [URI] is
// a value and is read by its methods. Setters change its parts, each of which is
// checked, and [URI.Join] writes it:
//
//	u, err := evuri.Parse("http://example.com/search?q=libevent")
//	err = u.SetPort(8080)
//	s, err := u.Join() // http://example.com:8080/search?q=libevent
//
// [ParseFlags] tolerates what some clients send ([Nonconformant]), or reads
// Unix sockets in the place of a host ([UnixSocket]). [ParseAuthority] reads the
// target of a CONNECT request.
//
// # Queries and forms
//
// [ParseQuery] reads a query; a [QueryParser] does so with a limit and memory of
// one's own. A [FormParser] reads the bodies of forms, of type
// application/x-www-form-urlencoded or multipart/form-data.
//
// # Escaping
//
// [Encode] and [Decode] are for parts of URIs, [EncodePlus] and [DecodePlus] for
// queries, where a plus is a space, and [HTMLEscape] for text in HTML.
//
// # Limits
//
// A query has at most [DefaultMaxQueryFields] fields, a form at most
// [DefaultMaxFormBytes] bytes; the parsers' fields change that. Errors quote at
// most 100 bytes of what they refuse.
//
// # Coming from C
//
// A URI is a value, and nothing is freed. A part that is missing is told from an
// empty one by [URI.Has], as there is no NULL. The names in queries are decoded
// like the values. An address of a later version of IP needs something after its
// dot. Zero bytes and line ends are refused even with Nonconformant, so that a URI
// never ends a line of a message.
//
// # Files
//
//	uri.go      URI: reading one, and its parts
//	edit.go     changing and writing a URI
//	syntax.go   the grammar of each part
//	escape.go   escaping for URIs and HTML
//	query.go    Query and its parser
//	form.go     Form and its parser
//	limits.go   the limits
//	errors.go   the errors
package evuri
