package evdnsserver

import "errors"

// Errors of servers and their requests, wrapped as "evdnsserver: operation object: error".
// A setting of UDP at a server for TCP, or of TCP at one for UDP, is
// errors.ErrUnsupported; a nil argument is event.ErrNil.
var (
	// ErrAnswered says that the request was answered or dropped before.
	ErrAnswered = errors.New("request was answered or dropped")
	// ErrClientGone says that the TCP connection over which the request came
	// is closed.
	ErrClientGone = errors.New("client has disconnected")
	// ErrPending says that the answer was dropped, because the queue of the socket
	// is full.
	ErrPending = errors.New("queue of answers is full")
	// ErrRecord says that a record cannot be packed.
	ErrRecord = errors.New("bad record")
	// ErrRcode says that the client cannot receive a response code.
	ErrRcode = errors.New("bad response code")
	// ErrFlags says that a flag does not exist, or cannot be set.
	ErrFlags = errors.New("unknown flags")
	// ErrValue says that a setting is out of its range.
	ErrValue = errors.New("invalid value")
)

// errNotAnswered is logged when a request has expired.
var errNotAnswered = errors.New("not answered in time")
