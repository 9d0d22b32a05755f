package evdnsserver

import "errors"

// Errors of servers and their requests. They come wrapped in "evdnsserver:
// operation object". A setting of UDP at a server for TCP, or the other way round,
// is errors.ErrUnsupported.
var (
	// ErrAnswered says that the request was answered or dropped before.
	ErrAnswered = errors.New("request was answered or dropped")
	// ErrClientGone says that the TCP connection over which the request came
	// is closed.
	ErrClientGone = errors.New("client is gone")
	// ErrPending says that the answer was dropped, because too many wait
	// already for the socket to take them.
	ErrPending = errors.New("too many answers wait for the socket")
	// ErrRecord says that a record cannot be part of an answer.
	ErrRecord = errors.New("bad record")
	// ErrRcode says that the client cannot be sent such a response code.
	ErrRcode = errors.New("bad response code")
	// ErrFlags says that there are no such flags, or that they cannot be set.
	ErrFlags = errors.New("unknown flags")
	// ErrValue says that a setting cannot have this value.
	ErrValue = errors.New("invalid value")
)

// errNotAnswered is logged when a request has expired.
var errNotAnswered = errors.New("not answered in time")
