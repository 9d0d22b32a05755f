package datagram_test

import "golang.org/x/sys/windows"

// interrupted is what calls say that were ended from elsewhere.
var interrupted error = windows.WSAEINTR
