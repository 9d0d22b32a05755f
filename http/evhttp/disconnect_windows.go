package evhttp

import "syscall"

// wsaESHUTDOWN is an error of Winsock that package syscall does not name.
const wsaESHUTDOWN = syscall.Errno(10058)

// The errors are described at the other systems. Those of package syscall which are not
// Winsock's have numbers of their own, and come from elsewhere than sockets.
var (
	brokenPipes = []error{wsaESHUTDOWN, syscall.EPIPE}
	resets      = []error{syscall.WSAECONNRESET, syscall.WSAECONNABORTED, syscall.ECONNRESET}
)
