// Package fixed does fixed pieces of work with the library, so that what they
// cost can be counted: a number of connections that are all ready at once, for a
// number of rounds, without the garbage collector.
//
// There are two processes. The subject is what is counted. It has a loop, but
// runs it only when it is told to, by a line on its standard input, and until it
// has done all there is to do; then it answers. The peer is the other end of its
// connections, and it is the peer that gives the word. So the same instructions
// run whatever else the machine does.
//
// The subject's measured part lies between calls of two functions, [BeginSymbol]
// and [EndSymbol], which other programs can find: valgrind, for one. What the
// subject does to be told, a read and a write for each round, is part of it.
//
// It is Linux's, as the load is.
//
// # Files
//
//	work.go           the pieces of work, and their units
//	fixed_default.go  what takes the place of all the rest on other systems
//	subject_linux.go  the process that is counted
//	subject_stream_linux.go, subject_dns_linux.go, subject_timers_linux.go  its sides of the work
//	peer_linux.go     the other process
//	peer_stream_linux.go, peer_dns_linux.go  its sides
package fixed
