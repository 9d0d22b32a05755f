package evhttp

import (
	"errors"

	"github.com/go-libevent/libevent/http/internal/route"
)

// ErrServerClosed says that a server takes no more connections, after Shutdown or
// Free.
var ErrServerClosed = errors.New("server closed")

// Errors of adding handlers and virtual hosts.
var (
	// ErrPattern is a pattern that cannot be parsed.
	ErrPattern = route.ErrPattern
	// ErrConflict says that there are requests that two patterns match of which
	// neither is the more specific one, or that a pattern is there already.
	ErrConflict = route.ErrConflict
	// ErrVirtualHost says that something cannot become a virtual host, because it
	// is one already or contains the server it should belong to.
	ErrVirtualHost = route.ErrVirtualHost
)
