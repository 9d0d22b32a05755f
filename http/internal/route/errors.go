package route

import "errors"

// Errors of patterns and hosts; package evhttp exports them.
var (
	// ErrPattern is a pattern that cannot be parsed.
	ErrPattern = errors.New("malformed pattern")
	// ErrConflict says that there are requests that two patterns match of which
	// neither is the more specific one, or that a pattern is there already.
	ErrConflict = errors.New("conflicting patterns")
	// ErrVirtualHost says that something cannot become a virtual host, because it
	// is one already or contains the server it should belong to.
	ErrVirtualHost = errors.New("cannot be a virtual host")
)
