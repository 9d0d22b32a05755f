package evdns

import "errors"

// Errors of servers and their requests, which are wrapped.
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
	// ErrRcode says that the client does not understand such a response code.
	ErrRcode = errors.New("bad response code")
)
