// Package message holds HTTP messages independent of what carries them: their heads, their
// fields, and the limits on both. It does no parsing and no writing: a [Head] is filled by
// package wire from the lines of HTTP/1.1, and by whatever else decodes a message. Nothing
// that deals with requests and responses needs to know which.
//
// The parts of a head are not copied out of it. They are offsets into one text, which is
// that of the [Fields]; a decoder appends what it has received (or decompressed) with
// [Fields.AppendText], adds fields with [Fields.AddParsed], and sets the [Layout]. A head
// that is used again for the next message allocates nothing.
//
// Fields that every message is asked for have a [Name], so that finding them needs no
// comparing of text. Fields that are added by name and value are checked: no value can
// end a line and begin another.
//
// Nothing in this package may be used by two goroutines at once.
//
// # Files
//
//	head.go         Head: method, target, host, status, length, expectations; versions of HTTP
//	fields.go       Fields: header and trailer fields, looked up and iterated
//	fields_edit.go  adding, setting and removing fields, and the checks for that
//	name.go         the names that are found without comparing
//	reason.go       reason phrases of status codes
//	limits.go       Limits and their defaults
//	errors.go       errors
package message
