// Package sysio is the ground that the other packages stand on: socket addresses,
// sockets and their options, connected pairs, the channel that wakes up a loop, and
// the calls that move data for buffers and whatever reads and writes for them.
//
// # Waiting
//
// Recv and Send are for sockets. They do not wait for one, even if it is in
// blocking mode, and so do not enter the system call through the Go runtime. The
// exceptions are the systems whose calls go through the C library, macOS, OpenBSD
// and Solaris: there a socket must be in non-blocking mode. Read, Write and the rest
// take any descriptor and may block the thread. RecvMessages and SendMessages move
// many messages at a time where the system can, and are otherwise like Recv and
// Send. Socket, Accept and what goes with them are for sockets in non-blocking mode.
//
// # Errors
//
// What was interrupted is tried again, so that EINTR never comes back but from
// Connect, which goes on by itself. Errors are those of the system, bare; callers
// name the operation. The exceptions are LoopbackPair and WakeChannel, which make
// several calls and name the one that has failed.
//
// # The hook
//
// A [Hook] sees each call of each function first. Tests use it to count calls, to
// cut them short and to make them fail. Every function is a call of retry or
// once with what the platform does, which has the function's name in lower case.
// The functions that move data in bulk do without as long as there is neither a
// hook nor another system.
//
// # Another system
//
// SetSystem puts a [System] in the kernel's place, such as a simulated network:
// the calls of all functions go to it, behind the hook. The kernel itself is nil
// and is called statically. What is left to the kernel are the names of zones, and
// the constants and errors of the platform, which a System uses as well.
//
// # Files
//
//	sysio.go       reading and writing, files
//	file_*.go      the same on Unix and on Windows
//	hook.go        kinds of calls, the hook, and the one loop for what was interrupted
//	system.go      what may take the kernel's place, and how data reaches it
//	map.go         mapping parts of files
//	sendfile_*.go  sendfile, where there is one
//	descriptor_*.go vector_*.go  recv, send, read and write: raw, by the C library, on Windows
//	race.go norace.go  what the race detector has to know of them
//	socket.go      making, binding, connecting and closing sockets
//	socket_*.go    the same by platform
//	errors_*.go    the errors of the system, by platform
//	prepare.go     giving a descriptor its mode where that takes a second call
//	dup2_*.go      putting a descriptor in the place of another
//	accept.go accept_*.go  accepting, with the peer's address, by platform
//	option.go option_*.go  options of sockets
//	optname.go optname_*.go  the names of options, and their numbers by platform
//	interfaces.go  the addresses of this host
//	socketfile.go  files of Unix sockets
//	sockaddr.go sockaddr_*.go  addresses in the form of the system, and zones of IPv6
//	pair.go pair_*.go  pairs of connected sockets
//	loopback.go loopback_*.go  the same over the loopback interface
//	wake.go wake_*.go  the channel that wakes up a loop
//	messages.go messages_*.go  many datagrams at a time
//	rawname.go     addresses of datagrams, without allocation
//	pktinfo_*.go   local addresses of datagrams
//	errqueue_*.go  errors that the network has reported about datagrams
//	segments_*.go  several datagrams as one
package sysio
