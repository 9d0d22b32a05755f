// Package load is the other end of the servers of the network suites: it opens
// connections, sends, receives and measures, in a process of its own. What each
// function measures is defined in the manual of evbench.
//
// The server is a program that prints the address it listens on as its first
// line, echoes what it receives, or answers, and ends when its standard input does.
// For clients of HTTP the load is their server.
//
// The load must not be what is measured, so it drives epoll by hand, edge
// triggered, with system calls that Go's scheduler does not hear of, and lets
// the kernel drop what comes back where its content is known. Over TLS crypto/tls
// runs on the same loop; new connections are made in goroutines, by the package
// net. It exists on Linux only; elsewhere every function returns
// measure.ErrUnable.
package load
