// Package evtest is for tests of programs and protocols that run on loops, as
// net/http/httptest is for those of handlers. A program that does not import it has
// nothing of it. All functions take the test, end what they have made when the test
// ends, and fail the test rather than return an error.
//
// # A protocol and its test
//
// A protocol is written against a [bufferevent.Bufferevent], whatever is below that.
// So its test needs no network: [Pair] gives two streams that are connected to each
// other in memory, one for the protocol and one for the test, which plays the peer.
// [Clock] has timeouts pass when the test says so:
//
//	func TestGreeterGivesUpOnASilentClient(t *testing.T) {
//		clock := evtest.NewClock()
//		base := clock.Base(t)
//		server, client := evtest.Pair(t, base)
//		greet(server) // the protocol
//		clock.Advance(time.Minute)
//		evtest.Await(t, base, "end of the stream", func() bool {
//			return client.ReadErr() == io.EOF
//		})
//	}
//
// The example of the package is a whole one. [Sockets] gives two connected sockets
// instead, for what is about descriptors.
//
// # Loops
//
// There are two ways to run a loop in a test. [Base] makes a base that the test runs
// itself, on its own goroutine, with [Await] until something has happened or [Turn]
// for an iteration; nothing happens in between, so that the test is free to look at
// everything. [Loop] makes a base that runs in a goroutine of its own until the test
// ends, for tests of what blocks, such as a net.Conn or an HTTP client; [Do] runs a
// function on it and waits.
//
// Waiting is for something, never for a time: a test that passes takes as long as
// the work does. [Patience] is only how long one that fails takes to say so.
//
// # Worlds
//
// Simulate runs a whole program, or several that talk to each other, in a World: a
// simulated network of hosts, in which everything follows from a seed. Packets take
// time there and are lost, streams come in pieces, connections are reset, calls are
// interrupted, descriptors run out, hosts stop, and hours pass in milliseconds; and a
// failure comes again whenever its seed is run again:
//
//	func TestGreeting(t *testing.T) {
//		evtest.Simulate(t, evtest.Simulation{}, func(w *evtest.World) {
//			server, client := w.Host("server"), w.Host("client")
//			server.Do(func() { serve(server.Base(), server.AddrPort(7)) })
//			greeted := false
//			client.Do(func() { greet(client.Base(), server.AddrPort(7), func() { greeted = true }) })
//			w.Await("the greeting", func() bool { return greeted })
//			...
//		})
//	}
//
// The program is the one of every day: its bases, sockets, timers and crypto/tls need
// not know. docs/simulation.md in the repository tests a protocol in this way, step by
// step. The flag -seed runs one seed again, and -seeds sets how many are tried.
//
// # Checkers
//
// What a world does to a program is no use unless the test notices what the program
// gets wrong. Besides what the test compares itself, there are checkers: [Bytes] for a
// stream, of which no byte may be lost, invented or moved; [Requests], each of which is
// to end once, and fail only for a reason that is true in this world; [Callbacks] of an
// object, of which none may come in the middle of another, after their end, or when the
// object is free; [Timers], which may not be early, nor late if nothing has kept the
// program from running; [World.AtMost] for what has a limit, and [World.Always] for
// whatever else must always be so.
//
// # Leaks
//
// [Leaks] makes a test fail that leaves goroutines or descriptors behind. Base, Loop
// and Clock.Base call it. It counts for the whole process, so it is not for tests
// that run in parallel; [Run] watches a whole package instead.
//
// # Locks
//
// [Locks] gives the bases, buffers and bufferevents that are made until the test
// ends locks, as pthreads.Use does in a program, and counts them: with locks, any
// goroutine may use what was made thread-safe, and each lock is to be freed.
//
// # Processes
//
// [OwnProcess] runs a test in a process of its own, for what a process cannot take
// back, such as event.EnableDebugMode.
//
// # Files
//
//	doc.go             this manual
//	check.go           Failf, AtMost, and what checkers have in common
//	check_bytes.go     Bytes: what is sent arrives
//	check_callbacks.go Callbacks: how those of an object come
//	check_requests.go  Requests: each ends once, for a true reason
//	check_timers.go    Timers: neither early nor late
//	clock.go           Clock, which the test moves on
//	faults.go          Faults, and how a seed draws them
//	host.go            Host
//	leaks.go           Leaks, Run, Goroutines, Descriptors, Settled
//	locks.go           Locks
//	loop.go            Base, Loop, Do, Await, Turn
//	pair.go            Pair, Sockets
//	process.go         OwnProcess
//	shrink.go          what is printed of a seed that fails
//	simulate.go        Simulation, Simulate
//	world.go           World
package evtest
