//go:build unix

package evutil_test

import "syscall"

var errnoTests = []errnoTest{
	{err: syscall.EINTR, rw: true, connect: true, accept: true},
	{err: syscall.EAGAIN, rw: true, accept: true},
	{err: syscall.EWOULDBLOCK, rw: true, accept: true},
	{err: syscall.EINPROGRESS, connect: true},
	{err: syscall.ECONNREFUSED, refused: true},
	{err: syscall.ECONNABORTED, accept: true, gone: true},
	{err: syscall.EINVAL},
	{err: syscall.EMFILE},
	{err: syscall.ENOBUFS},
	{err: syscall.ECONNRESET, gone: true},
	{err: syscall.EPIPE, gone: true},
	{err: syscall.ETIMEDOUT, gone: true},
}
