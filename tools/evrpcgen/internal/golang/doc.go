// Package golang writes the Go code of .rpc files.
//
// # Files
//
//	write.go     files of Go
//	view.go      what templates ask about messages and fields
//	names.go     Go names, none of them twice
//	template.go  how the code looks
package golang
