package evnethttp

import "time"

// What a handler may leave waiting on each side of the loop, in bytes.
const (
	handlerBuffer = 2 << 10  // before anything is handed to the loop, as in net/http
	handlerUnsent = 64 << 10 // handed over, and not yet taken by the peer
	handlerUnread = 64 << 10 // of the body, for the handler to read
	handlerFile   = 1 << 20  // of a file, handed over at once
)

// Limits of a round trip.
const (
	// maxUnread is how many bytes of an answer are held for the caller; more waits at the
	// loop, and in the end at the server.
	maxUnread = 64 << 10
	// maxEager is the most bytes of a body that is read before the request is sent, if it
	// is in memory anyway.
	maxEager = 64 << 10
	// uploadPart is how many bytes of a body are under way at a time.
	uploadPart = 32 << 10
	// probeTime is how long a request of a method that usually has no body waits to see
	// whether it has one.
	probeTime = 200 * time.Millisecond
)

// An answer may come to its end before everything of the body was sent. Its caller
// may be a proxy, and the body that of a request to a server of net/http. That server
// resets its connection, and with it what it has sent of the answer, if something
// reads or closes the body when the proxy's handler returns. So the end of the answer
// waits a moment for a Read that waits, as it does in net/http, and the body is not
// closed until the handler had time to return, as much as that server itself takes
// to let a client read what it has sent.
const (
	readDelay  = 50 * time.Millisecond
	closeDelay = 500 * time.Millisecond
)
