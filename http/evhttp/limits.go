package evhttp

import (
	"time"

	"github.com/go-libevent/libevent/http/internal/message"
)

// Defaults of a server; [ServerConfig] changes them.
const (
	DefaultMaxBodySize    = 16 << 20 // bytes
	DefaultMaxHeadersSize = message.DefaultMaxHeader
	DefaultIdleTimeout    = 50 * time.Second
	DefaultHeaderTimeout  = 20 * time.Second
	DefaultBodyTimeout    = 20 * time.Second
	DefaultMinBodyRate    = 500 // bytes a second
	DefaultWriteTimeout   = 50 * time.Second
	DefaultContentType    = "text/html; charset=utf-8"

	// NoContentType as the default type has answers go without one.
	NoContentType = "-"
)

// Defaults of a client; [ClientConfig] changes them.
const (
	DefaultMaxPerHost      = 64
	DefaultMaxIdle         = 256
	DefaultMaxIdlePerHost  = 64
	DefaultMaxWaiting      = 4096
	DefaultPoolIdleTimeout = 90 * time.Second
)

// Defaults of a client's connection; [ConnConfig] changes them.
const (
	DefaultConnectTimeout  = 45 * time.Second
	DefaultResponseTimeout = 50 * time.Second
	DefaultContinueTimeout = time.Second
	DefaultInitialRetry    = 2 * time.Second
	DefaultMaxResponse     = 64 << 20 // of a body that is not taken as it comes
	DefaultMaxQueue        = 4096
)

// Limits of both sides that are no settings.
const (
	// shortBody is the most bytes of a body that are copied behind the head, which
	// is faster than to keep track of where they are.
	shortBody = 4 << 10
	// maxUntaken is how much of a body a callback may leave where it is before no
	// more is read.
	maxUntaken = 256 << 10
)

// Limits of a server that are no settings.
const (
	// maxSpare is how many requests are kept to be used again.
	maxSpare = 256
	// maxAhead is how much may come ahead while a request is answered.
	maxAhead = 64 << 10
	// maxUnsent is how much of answers may wait to be sent before the next
	// request has to.
	maxUnsent = 256 << 10
	// maxTurn is how many bytes of an answer are written before other connections
	// have their turn: an answer of this size goes out in one call, if the kernel
	// takes it.
	maxTurn = 1 << 20
	// maxUnwanted is how much of a body is read only to keep the connection, as
	// much as with net/http.
	maxUnwanted = 256 << 10
	// lingerTimeout is how long a connection is kept after its last answer while
	// nothing comes, and maxLinger how long at most, so that the client is not
	// kept from reading the answer by a reset.
	lingerTimeout = 2 * time.Second
	maxLinger     = 30 * time.Second
)

// Limits of a client that are no settings.
const (
	// maxRetryDelay is the longest time between two attempts to connect.
	maxRetryDelay = time.Hour
	// maxInformational is how many informational responses a request may have.
	maxInformational = 64
	// maxCopied is the most bytes of a body that are copied behind a request's
	// head.
	maxCopied = 4 << 10
)
