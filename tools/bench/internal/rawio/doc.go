// Package rawio accepts, reads, writes and closes non-blocking sockets without
// telling Go's scheduler of it, which is the least that a system call can cost:
// servers and loads that are yardsticks use it. It is Linux's, and the only package
// here that needs unsafe.
//
// # Files
//
//	rawio_linux.go  reading, writing and waiting
//	mmsg_linux.go   many datagrams in a call
package rawio
