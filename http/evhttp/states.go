package evhttp

import "fmt"

// The states of connections, exchanges and messages, and which may follow which. Nothing
// else changes a state than step of these tables, which tests have checked.

// A clientState is where a client's connection is.
type clientState uint8

const (
	disconnected clientState = iota // there is no stream
	retrying                        // nor will there be one before the time for another try
	connecting                      // the stream is being connected
	proxying                        // the proxy was asked to connect to the server
	handshaking                     // TLS with the server begins, through the proxy
	open                            // there is a connection to the server, and a session
)

var clientStates = machine[clientState]{
	name:  "client connection",
	names: []string{"disconnected", "retrying", "connecting", "proxying", "handshaking", "open"},
	next: []states{
		disconnected: to(connecting, // a request waits
			open,     // the connection was made of a stream that is connected
			retrying, // connecting has failed
		),
		retrying:   to(disconnected), // it is time, or the connection is freed
		connecting: to(proxying, open, disconnected),
		proxying: to(handshaking, // the proxy has connected
			open, // the same, without TLS
			disconnected,
		),
		handshaking: to(open, disconnected),
		open:        to(disconnected),
	},
}

// opening reports whether a connection is being made, or waits for that.
func (s clientState) opening() bool {
	switch s {
	case retrying, connecting, proxying, handshaking:
		return true
	}
	return false
}

// An h1ClientState is where a client's session of HTTP/1.1 is.
type h1ClientState uint8

const (
	idle          h1ClientState = iota // there is no request
	awaitingHead                       // a request is sent; the head of its answer is to come
	receivingBody                      // the head has come
	upgraded                           // the answer was the last of HTTP; its callback may detach the stream
	stopped                            // the stream has gone
)

var h1ClientStates = machine[h1ClientState]{
	name:  "client session of HTTP/1.1",
	names: []string{"idle", "awaiting head", "receiving body", "upgraded", "stopped"},
	next: []states{
		idle:         to(awaitingHead, stopped),
		awaitingHead: to(receivingBody, stopped),
		receivingBody: to(idle, // the answer is complete
			upgraded, // the same, and HTTP has ended with it
			stopped,  // it is not, or the connection can carry no other request
		),
		upgraded: to(stopped), // with the stream or without
		stopped:  to[h1ClientState](),
	},
}

// A serverState is where a server's connection is.
type serverState uint8

const (
	awaitingRequest serverState = iota // nothing of a request has come
	readingHead                        // some of its head has
	readingBody                        // the head is complete
	answering                          // all of it has come; the answer is to be completed
	closing                            // the last answer is on its way out
	lingering                          // it has left; what still comes is dropped
)

var serverStates = machine[serverState]{
	name:  "server connection",
	names: []string{"awaiting request", "reading head", "reading body", "answering", "closing", "lingering"},
	next: []states{
		awaitingRequest: to(readingHead,
			readingBody, // the head has come in one piece
			answering,   // it cannot be served, or there are too many connections
			closing,     // there will be no request
		),
		readingHead: to(readingBody,
			answering, // it is refused, or did not come in time
			closing,
		),
		readingBody: to(answering,
			awaitingRequest, // the answer was cut off
		),
		answering: to(awaitingRequest,
			answering, // a callback has panicked, and that is answered
		),
		closing: to(lingering,
			closing, // a callback has panicked
		),
		lingering: to(closing), // the same
	},
}

// beforeHead reports whether the head of a request is to come.
func (s serverState) beforeHead() bool { return s == awaitingRequest || s == readingHead }

// A messageState is how far the message that we send has got.
type messageState uint8

const (
	sendNothing messageState = iota // nothing was sent, or all has to be sent again
	sendBody                        // the head was
	sendDone                        // everything was, or what is missing will not be
)

var messageStates = machine[messageState]{
	name:  "message",
	names: []string{"nothing sent", "head sent", "sent"},
	next: []states{
		sendNothing: to(sendBody,
			sendDone,    // a refused request's answer was cut off
			sendNothing, // a request is sent again
		),
		sendBody: to(sendDone,
			sendNothing, // on another connection
		),
		sendDone: to(sendNothing,
			sendDone, // its end could not be sent, so that it was cut off
		),
	},
}

// An exchangeState is where a client's exchange is.
type exchangeState uint8

const (
	unsent exchangeState = iota // nowhere: it is over, or was not sent yet
	pooled                      // it waits for a connection of a pool
	queued                      // it is in the queue of a connection, of which the first is under way
)

var exchangeStates = machine[exchangeState]{
	name:  "client exchange",
	names: []string{"unsent", "pooled", "queued"},
	next: []states{
		unsent: to(pooled, queued),
		pooled: to(queued,
			pooled, // no connection could be made for it yet
			unsent, // cancelled
		),
		queued: to(unsent),
	},
}

// A bodyState is what the body of a client's request waits for.
type bodyState uint8

const (
	bodyFree  bodyState = iota // nothing: it is being sent, or there is none
	bodyAsked                  // the server is to say that it wants it (100-continue)
	bodyReady                  // the loop is to tell the user that it is time for it
)

var bodyStates = machine[bodyState]{
	name:  "body of a request",
	names: []string{"free", "asked", "ready"},
	next: []states{
		bodyFree:  to(bodyFree, bodyAsked, bodyReady),
		bodyAsked: to(bodyFree), // it is sent, or the answer has come without
		bodyReady: to(bodyFree),
	},
}

// A poolPlace is the list of its pool that a connection is in.
type poolPlace uint8

const (
	unlisted poolPlace = iota // none: it can take no request, or is in no pool
	inShared                  // it carries some, and can take another one
	inIdle                    // it carries none
)

var poolPlaces = machine[poolPlace]{
	name:  "pooled connection",
	names: []string{"unlisted", "shared", "idle"},
	next: []states{
		unlisted: to(inShared, inIdle),
		inShared: to(unlisted),
		inIdle:   to(unlisted),
	},
}

// A machine is a table of states.
type machine[S ~uint8] struct {
	name  string
	names []string
	next  []states // that may follow each
}

// states is a set of states.
type states uint16

func to[S ~uint8](list ...S) (set states) {
	for _, s := range list {
		set |= 1 << s
	}
	return set
}

// checkTransitions has step panic when a state may not follow another one. It is set by
// tests: what a peer does must end no program, even where the table is wrong.
var checkTransitions = false

// step has a state follow.
func (m *machine[S]) step(state *S, next S) {
	if checkTransitions {
		m.check(*state, next)
	}
	*state = next
}

func (m *machine[S]) check(from, next S) {
	if m.next[from]&(1<<next) == 0 {
		panic(fmt.Sprintf("evhttp: %s: %s after %s", m.name, m.names[next], m.names[from]))
	}
}
