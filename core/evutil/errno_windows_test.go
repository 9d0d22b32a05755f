package evutil_test

import "golang.org/x/sys/windows"

var errnoTests = []errnoTest{
	{err: windows.WSAEINTR, rw: true, connect: true, accept: true},
	{err: windows.WSAEWOULDBLOCK, rw: true, connect: true, accept: true},
	{err: windows.WSAEINPROGRESS, connect: true},
	{err: windows.WSAEINVAL, connect: true},
	{err: windows.WSAECONNREFUSED, refused: true},
	{err: windows.WSAECONNRESET, accept: true, gone: true},
	{err: windows.WSAECONNABORTED, gone: true},
	{err: windows.WSAENOBUFS},
	{err: windows.WSAEMFILE},
}
