// Package bufferevent has buffered streams: a socket, or something like it,
// with a buffer for what has arrived and one for what is to be sent, and
// callbacks that say when there is something to do. It is libevent's
// bufferevent, in Go, with libevent's names.
//
// # A stream
//
//	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
//	...
//	b.SetCallbacks(onRead, nil, onEvent)
//	err = b.Enable(event.Read)
//
// The read callback is called when data has arrived in [Bufferevent.Input], and
// takes from it what it wants; the rest stays there. What is put into
// [Bufferevent.Output], or given to [Bufferevent.Write], is sent as the peer
// takes it; the write callback is called when all of it has gone. An echo is
//
//	func onRead(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }
//
// and copies nothing. The event callback is told of everything else:
//
//	func onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
//		switch what.Outcome() {
//		case bufferevent.InputEnded:
//			b.FreeWhenWritten(0)
//		case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
//			log.Println(what, b.Err())
//			b.Free()
//		}
//	}
//
// [Bufferevent.Err] has the reason, [Bufferevent.ReadErr] and [Bufferevent.WriteErr]
// that of each direction, and [Events.Outcome] says what an event means
// for the stream. Writing is enabled from the start, reading is not.
// [Bufferevent.Data] carries a value of the user's, so that the functions can be the
// same for a million connections. A bufferevent whose buffers are empty owns no
// memory but itself.
//
// # Connecting
//
// [Bufferevent.Connect] makes a TCP connection, [Bufferevent.ConnectUnix] one to
// a Unix socket, and [Bufferevent.ConnectHostname] looks a name up, without
// waiting, and takes the first address that answers (RFC 8305).
// [Bufferevent.ConnectAddress] does what an address such as "localhost:http" or
// "unix:/path" needs. The event callback gets [EventConnected] or an error. [Bufferevent.SetLocalAddr] says
// from which address. Package listener accepts connections. [FromConn] and
// [FromFile] take over what Go's own packages have opened, and [NewConn] is the
// way back: a net.Conn for goroutines that like to wait.
//
// # How much and how long
//
// Watermarks ([Bufferevent.SetWatermark]) have the read callback wait for a
// minimum, and reading rest at a maximum; so that a peer that sends without end
// needs no more memory than that. A low watermark for writing calls the write
// callback before everything has gone. Timeouts ([Bufferevent.SetTimeouts]) end
// a direction in which nothing moves. [Bufferevent.SetRateLimit] and
// [RateLimitGroup] bound the speed of a stream and of many together.
//
// # Pairs, filters and others
//
// [NewPair] makes two streams that are connected to each other. [NewFilter]
// puts functions between the user and another bufferevent, of any kind; data
// that they pass on unchanged is not copied. Other packages can add kinds of
// their own with a [Transport]; one over another bufferevent is a [Transform] and a
// [Layer], as TLS is.
//
// # When things happen
//
// Output is written once at the end of an iteration of the loop, after all
// callbacks, in however many parts it was added: a hundred small writes cost one system
// call. Only when the kernel takes no more does the loop wait for it. With
// [DeferCallbacks] callbacks come from the loop, too, instead of from the call
// that made them necessary; those of pairs always do.
//
// Callbacks may do anything to any bufferevent, and free it
// ([Bufferevent.Free]): nothing of a bufferevent runs after that, and using it
// is an error, not a crash. References ([Bufferevent.IncRef]) put the end off.
// Free drops what was not written yet; [Bufferevent.FreeWhenWritten] ends the
// stream in order.
//
// # Goroutines
//
// A bufferevent belongs to the goroutine that runs the loop of its base. With
// [ThreadSafe], any goroutine may use it and its buffers; its callbacks hold its
// lock, except with [UnlockCallbacks]. Otherwise event.Base.Post is the way to
// it.
//
// # Coming from C
//
// What is different, besides the names:
//
//   - Writing does not go through the event method: the socket is written at the
//     end of the iteration, and watched only if that was not enough. One call
//     reads up to 64 kB and writes up to 256 kB, where C has 16 kB.
//   - TCP sockets get TCP_NODELAY ([Nagle] leaves it off), and SIGPIPE is never
//     raised.
//   - [Bufferevent.CloseWrite] ends the stream that is sent; in C there is no way
//     but shutdown at the right moment, and [Bufferevent.FreeWhenWritten] what C
//     programs do with a write callback that frees.
//   - Filters return errors, which the event callback is told; C ignores them.
//     What waits below a filter, or in its output, goes through when the
//     direction is enabled or there is room, and the loop tells; C may leave it
//     there. Flush tells what it has read. The end of the stream is told when the
//     filter has given, with ModeFinished, all that it has kept back, which takes
//     reading to be enabled; C tells at once. What the write callback of a filter
//     adds has to wait for what is below, so that it does not keep the loop.
//   - A half of a pair, or a filter, that is freed is gone at once. In C it lives
//     on while callbacks are pending, and the other half with it. Write is an
//     error once the other half was freed.
//   - The timeout for writing of a half begins when something begins to wait.
//     Several bufferevents that share a lock may be freed in any order.
//   - A read callback that leaves the input above its high watermark is called
//     again only if it has taken something.
//   - Connecting by name tries all addresses, where C takes the first one.
//   - Deferred callbacks are those that are set when they are delivered, not when
//     they became necessary; and an event without a callback is
//     deferred. So callbacks can be set right after the call that fails at once.
//   - Deferred events are delivered one after the other, each with its Err; C makes
//     one of them, such as "reading|writing|EOF|error". The end of a pair's stream
//     is told once, by CloseWrite or Flush, until more is written.
//   - With [CloseOnFree] a call that makes a bufferevent and fails has closed the
//     descriptor, or freed the bufferevent below; C leaves them to the caller.
//   - A filter bounds what waits below it ([DefaultFilterBacklog]), and its write
//     timeout runs for that, too. What a filter cannot take without more counts
//     against no watermark.
//   - A connection that fails closes the socket that Connect has made, so that
//     another one can be tried; in C it stays.
//   - Groups of rate limits have no timer while no member waits.
//   - After a write error or CloseWrite, Write is an error.
//   - A limit, a priority or the size of single reads and writes that is set on a filter
//     or on TLS acts at its socket, and is refused where there is none. C takes limits
//     for pairs and filters, without effect.
//
// # The way of a byte
//
// A socket reads into its input when the loop says that there is something, and runs
// the read callback. If a filter or TLS is over it, that is its callback, which puts
// what it makes of the data into its own input, and runs the callback above. What is
// written goes into an output, whose observer tells the transport: a filter passes it
// on at once, TLS at the end of the iteration, and the socket after that, since the
// loop calls those first that have asked for it first. Filters and TLS are a [Transform]
// each; when it runs, for how much room, and in what order the ends come, is the
// business of one [Layer].
//
// # Files
//
//	bufferevent.go    Bufferevent, Options, Init
//	transport.go      Transport, the capabilities, As, Control
//	layer.go          what all transports over another bufferevent have in common
//	layer_input.go    its input: as far as there is room, and then the end
//	layer_output.go   its output: as far as there is room below, and then the end
//	lower.go          what a transport may do to the bufferevent below
//	socket.go         the transport over a socket: its policy
//	socket_mover.go   what moves the bytes of sockets
//	socket_ready.go   moving them when the descriptor is ready
//	filter.go         the transport through two functions
//	pair.go           the transport to another bufferevent
//	connect.go        Connect and its relatives
//	dial.go           a connection that is being made
//	dial_lookup.go    looking its host up
//	dial_race.go      trying all addresses of a host (RFC 8305)
//	address.go        connecting to addresses as people write them
//	peer.go           addresses, the negotiated protocol
//	peername.go       the name of the host, for TLS to verify
//	adopt.go          FromConn, FromFile
//	netconn.go        Conn, a net.Conn over a bufferevent
//	io.go             reading and writing
//	enable.go         enabling directions, and reasons to suspend them
//	callback.go       callbacks, events, running them
//	deferred.go       callbacks that the loop runs
//	outcome.go        what events mean
//	flush.go          Flush, CloseWrite
//	freewritten.go    FreeWhenWritten
//	fd.go             descriptors
//	watermark.go      watermarks
//	timeout.go        timeouts
//	limit.go          rate limits
//	limit_bucket.go   token buckets
//	limit_group.go    groups of rate limits
//	limit_single.go   the sizes of single reads and writes
//	priority.go       priorities, moving to another base
//	lock.go           locks
//	ref.go            references, freeing, rare fields
//	errors.go         errors
package bufferevent
