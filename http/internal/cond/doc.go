// Package cond evaluates what makes a request conditional or partial: dates and
// entity tags, preconditions (RFC 9110, section 13) and ranges (section 14). It
// needs no loop: all functions may be called from any goroutine, a [DateCache] by
// one.
//
// # Files
//
//	date.go            dates of HTTP, and a cache of the current one
//	etag.go            entity tags of files, and comparing them
//	preconditions.go   If-Match and its relatives
//	ranges.go          Range, Content-Range and multipart/byteranges
//	limits.go          the limit of ranges
//	errors.go          the errors
package cond
