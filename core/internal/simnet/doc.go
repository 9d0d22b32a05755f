// Package simnet is a network of simulated hosts in place of the kernel: what
// evtest.World stands on. A Network implements sysio.System and has a poller.Poller of
// its own, so that bases and all that is above them run on it unchanged, and everything
// that they learn from the system follows from one seed.
//
// # Time and order
//
// A Network lives in a synctest bubble, whose clock is its clock. One goroutine, the
// scheduler, decides what happens next, and does so only when all other goroutines of
// the bubble wait: then it gives one of the loops that can go on a turn, chosen by the
// seed; or has something happen that is due, such as the arrival of a segment; or
// sleeps until the next such thing, by which time goes on. A turn ends when the loop
// waits again and the goroutines that it has started have come to rest. So no two loops
// run at once, time never passes while there is something to do, and who runs needs to
// know nothing of it.
//
// # Sockets
//
// Sockets behave as Linux's do: the same results and errors, readiness by level and by
// edge, half-closed and reset connections, buffers that fill, backlogs, ports. Between
// hosts there are links, on which segments and messages take time and meet with Faults.
// Within a host nothing takes time, and nothing is lost. Descriptors have numbers from
// FirstFD on, which no kernel hands out; each host has the lowest that are free in
// blocks of its own, and so gets numbers back at once, as from a kernel.
//
// The tests hold it to that: scripts of calls and their results (agreement_test.go) run
// on the kernel and on a network, and the conformance suites of packages poller and
// event have the network as one more backend.
//
// # Traces
//
// Each call, event and turn is a line of the trace, of which the last are kept for
// people, and a sum of all for machines.
//
// # Files
//
//	doc.go       this manual
//	connect.go   how TCP connections come to be
//	datagram.go  sockets for messages
//	errors.go    errors that a kernel does not have
//	faults.go    Faults
//	flow.go      one direction of a connection
//	host.go      Host: addresses, stopping, freezing
//	keepalive.go  whether a silent peer is there
//	link.go      the way from one host to another
//	network.go   Network
//	option.go    options of sockets
//	pair.go      pairs and wake channels
//	poller.go    the poller of a loop
//	ports.go     who has which port
//	queue.go     timers
//	schedule.go  what happens next
//	stream.go    stream sockets
//	system.go    the calls of sysio
//	table.go     descriptors
//	trace.go     Trace
//	unix.go      Unix sockets
package simnet
