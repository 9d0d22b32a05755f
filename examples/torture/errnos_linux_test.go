package torture

import (
	"strings"
	"syscall"
)

// errnos says how system calls are made to fail. Calls that are not here are
// those of Go's runtime alone (memory, threads, clocks, signals), and close:
// strace would not close anything.
var errnos = map[string][]string{
	"accept4":       {"EMFILE", "ECONNABORTED", "EINTR", "ENOBUFS"},
	"bind":          {"EADDRINUSE", "EACCES"},
	"connect":       {"ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL"},
	"epoll_create1": {"EMFILE", "ENOMEM"},
	"epoll_ctl":     {"ENOMEM", "ENOSPC"},
	"epoll_pwait":   {"EINTR"},
	"epoll_pwait2":  {"EINTR"},
	"eventfd2":      {"EMFILE"},
	"fstat":         {"EIO"},
	"getdents64":    {"EIO"},
	"getpeername":   {"ENOTCONN"},
	"getsockname":   {"ENOBUFS"},
	"getsockopt":    {"ENOBUFS"},
	"listen":        {"EADDRINUSE"},
	"lseek":         {"EIO"},
	"mknodat":       {"EACCES"},
	"newfstatat":    {"EIO"},
	"openat":        {"EMFILE", "EACCES"},
	"pipe2":         {"EMFILE"},
	"pread64":       {"EIO"},
	"read":          {"EIO", "EINTR", "ECONNRESET"},
	"readv":         {"ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"},
	"recvfrom":      {"ECONNRESET", "EINTR", "EAGAIN", "ENOMEM"},
	"recvmmsg":      {"EINTR", "EAGAIN", "ENOMEM", "ECONNREFUSED"},
	"recvmsg":       {"EINTR", "EAGAIN", "ENOMEM"},
	"sendfile":      {"EIO", "EINTR", "EAGAIN"},
	"sendmmsg":      {"ENOBUFS", "EINTR", "EAGAIN", "EPERM"},
	"sendmsg":       {"ENOBUFS", "EINTR", "EAGAIN", "EPIPE"},
	"sendto":        {"EPIPE", "ECONNRESET", "EINTR", "EAGAIN", "ENOBUFS"},
	"setsockopt":    {"ENOBUFS"},
	"shutdown":      {"ENOTCONN"},
	"socket":        {"EMFILE", "ENOBUFS"},
	"socketpair":    {"EMFILE"},
	"write":         {"EIO", "EINTR", "ENOSPC"},
	"writev":        {"EPIPE", "ECONNRESET", "EINTR", "EAGAIN", "ENOBUFS"},
}

// errnosOfServers are those of servers, where they differ: what these read and write
// by these calls are descriptors that wake loops, which do not fail otherwise, and
// once the line that says where they listen, of which another test takes care.
var errnosOfServers = map[string][]string{
	"read":  {"EINTR"},
	"write": {"EINTR"},
}

// texts are what Go says for an error.
var texts = map[string]string{
	"EACCES":        syscall.EACCES.Error(),
	"EADDRINUSE":    syscall.EADDRINUSE.Error(),
	"EADDRNOTAVAIL": syscall.EADDRNOTAVAIL.Error(),
	"EAGAIN":        syscall.EAGAIN.Error(),
	"ECONNABORTED":  syscall.ECONNABORTED.Error(),
	"ECONNREFUSED":  syscall.ECONNREFUSED.Error(),
	"ECONNRESET":    syscall.ECONNRESET.Error(),
	"EINTR":         syscall.EINTR.Error(),
	"EIO":           syscall.EIO.Error(),
	"EMFILE":        syscall.EMFILE.Error(),
	"ENETUNREACH":   syscall.ENETUNREACH.Error(),
	"ENOBUFS":       syscall.ENOBUFS.Error(),
	"ENOMEM":        syscall.ENOMEM.Error(),
	"ENOSPC":        syscall.ENOSPC.Error(),
	"ENOTCONN":      syscall.ENOTCONN.Error(),
	"EPERM":         syscall.EPERM.Error(),
	"EPIPE":         syscall.EPIPE.Error(),
}

// retried are the errors after which a call is made again, so that nobody notices.
var retried = map[string]bool{"EINTR": true, "EAGAIN": true}

// peers are the errors that a peer can cause. A server need not say that a client
// has gone.
var peers = map[string]bool{"ECONNABORTED": true, "ECONNRESET": true, "EPIPE": true, "ENOTCONN": true, "ECONNREFUSED": true}

// says tells whether a text names an error.
func says(text, errno string) bool { return strings.Contains(text, texts[errno]) }

// runtimeDied tells whether Go's runtime has ended the program, since one of the
// calls that it makes for itself has failed.
func runtimeDied(stderr string) bool {
	return strings.HasPrefix(stderr, "runtime: ") || strings.Contains(stderr, "fatal error: runtime: ")
}
