// Package filepart puts parts of files into buffers, to be sent from disk where the
// system can do that.
//
// # Files
//
//	filepart.go   Add
package filepart
