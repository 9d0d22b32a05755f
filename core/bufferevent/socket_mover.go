package bufferevent

// A mover moves bytes between the descriptor of a socket and its buffers. The socket
// decides whether and how much: what is enabled, limits, watermarks, the connection,
// the ends of the streams. The mover knows when, and this is where a method that
// reports readiness differs from one that completes operations: the one reads and writes
// when it is asked to, the other hands out what it has read before, and reports what it
// has written since.
//
// Movers are shared by all sockets and have no state: what one has to know about a
// socket is in the socket, or in a table of its own. Their methods are called with the
// lock of the bufferevent held and a reference; they call a socket between begin and
// end, on the loop.
type mover interface {
	// assign takes over a descriptor, or none if fd is negative. Nothing is under
	// way.
	assign(s *socket, fd int) error
	// stop ends everything that is under way.
	stop(s *socket)

	// startRead calls socket.read whenever there is something to read, again and
	// again until it was read, and socket.readTimedOut if there is nothing in time;
	// until stopRead. Starting again starts the timeout anew. now says that there may
	// be something already.
	startRead(s *socket, now bool) error
	stopRead(s *socket) error
	// read moves at most so many bytes into the input, and returns how many. The
	// error is ErrAgain if there are none, and io.EOF at the end of the stream.
	read(s *socket, most int) (int, error)

	// write moves at most so many bytes out of the output, and returns how many. The
	// error is ErrAgain if there is no room for more, or if bytes are on their way,
	// which stay in the output, and are the first that the next call returns.
	write(s *socket, budget int) (int, error)
	// awaitRoom calls socket.writable when write can go on, or the outcome of a
	// connection is known, or when the timeout for writing has passed before; until
	// stopWaiting.
	awaitRoom(s *socket) error
	stopWaiting(s *socket) error

	// retime gives timeouts that are running the duration that has been set.
	retime(s *socket)
}

// An engine is an index of movers: a byte is free in sockets, and a pointer is not.
type engine uint8

const (
	// readiness is the engine of all sockets with today's methods.
	readiness engine = iota
	// spareEngine is for tests.
	spareEngine
	engines
)

// movers are the movers of the engines.
var movers = [engines]mover{readiness: new(readyMover)}

func (s *socket) mover() mover { return movers[s.engine] }
