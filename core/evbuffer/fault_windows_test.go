package evbuffer_test

import "golang.org/x/sys/windows"

var interrupted error = windows.WSAEINTR
