package evhttp

import "syscall"

// errBrokenPipe is WSAESHUTDOWN, which package syscall does not name: see the other
// systems.
const errBrokenPipe = syscall.Errno(10058)

// resets are those of Winsock; those of package syscall have numbers of their own.
var resets = []error{syscall.WSAECONNRESET, syscall.WSAECONNABORTED}
