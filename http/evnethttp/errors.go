package evnethttp

import "errors"

var (
	// errClosed is the failure of a request whose connection ended without a reason.
	errClosed = errors.New("connection closed")
	// errAborted ends a reply that is not complete, and errPanicked one of which nothing
	// was sent, because the handler has not returned.
	errAborted  = errors.New("handler has given up")
	errPanicked = errors.New("handler has panicked")
	// errNoBody says that a request has a ContentLength and no body.
	errNoBody = errors.New("there is no body")
)
