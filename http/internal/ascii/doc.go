// Package ascii holds the bytes and small grammars that several parsers of this
// module share: classes of bytes, tokens, escapes, schemes and IPv6 addresses.
// Nothing here allocates, and all functions may be called from any goroutine.
//
// # Files
//
//	ascii.go   classes of bytes, tokens, comparing case-insensitively
//	uri.go     escapes, schemes and addresses of URIs (RFC 3986)
package ascii
