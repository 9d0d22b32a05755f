package evhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/route"
)

// Errors of requests, on either side.
var (
	// ErrDone says that the request is over: answered, cancelled, or its
	// connection gone.
	ErrDone = errors.New("request is over")
	// ErrOrder says that a part of a message was sent out of its turn: a
	// second reply, or data before the beginning of one.
	ErrOrder = errors.New("not its turn")
	// ErrInvalid is a name, value, method, target or phrase that HTTP does not
	// allow, or a setting that cannot be.
	ErrInvalid = message.ErrInvalid
	// ErrLength says that a body does not have the length that was announced.
	ErrLength = errors.New("not the length that was announced")
	// ErrPanic is why a request has ended, one of whose callbacks has panicked.
	ErrPanic = errors.New("a callback has panicked")
)

// Errors of servers.
var (
	// ErrNotServer says that only a server can do that.
	ErrNotServer = errors.New("not a request to a server")
	// ErrServerClosed says that a server takes no more connections, after Shutdown
	// or Free.
	ErrServerClosed = errors.New("server closed")
	// ErrDeadline says that connections had to be cut off.
	ErrDeadline = errors.New("deadline for shutting down has passed")
	// ErrTaken says that a path has a handler already, or a method a name.
	ErrTaken = errors.New("taken")
	// ErrNotFound says that there is nothing of the kind to be removed.
	ErrNotFound = errors.New("not found")
	// ErrPattern is a pattern that cannot be parsed.
	ErrPattern = route.ErrPattern
	// ErrConflict says that there are requests that two patterns match of which
	// neither is the more specific one, or that a pattern is there already.
	ErrConflict = route.ErrConflict
	// ErrVirtualHost says that something cannot become a virtual host, because it
	// is one already or contains the server it should belong to.
	ErrVirtualHost = route.ErrVirtualHost
)

// Errors of clients.
var (
	// ErrNotClient says that a request was not made for a client to send.
	ErrNotClient = errors.New("not a client's request")
	// ErrBusy says that the request is being sent or answered.
	ErrBusy = errors.New("request is under way")
	// ErrQueueFull says that too many requests wait.
	ErrQueueFull = errors.New("too many requests wait")
	// ErrInformational says that a server has sent informational responses
	// without end.
	ErrInformational = errors.New("too many informational responses")
	// ErrUpgrade says that a server wants to speak another protocol that was not
	// asked for.
	ErrUpgrade = errors.New("another protocol that was not asked for")
)

// Causes that no caller has to tell apart.
var (
	errClosed  = errors.New("connection closed")
	errNoTLS   = errors.New("no TLS was configured")
	errRefused = fmt.Errorf("header refused: %w", ErrDone)
)

// opError returns the error of an operation.
func opError(op string, err error) error { return fmt.Errorf("evhttp: %s: %w", op, err) }

// A RequestError is why a request has failed (enum evhttp_request_error).
type RequestError int

// The reasons.
const (
	ReqTimeout       RequestError = iota // EVREQ_HTTP_TIMEOUT
	ReqEOF                               // EVREQ_HTTP_EOF
	ReqInvalidHeader                     // EVREQ_HTTP_INVALID_HEADER
	ReqBufferError                       // EVREQ_HTTP_BUFFER_ERROR
	ReqCancel                            // EVREQ_HTTP_REQUEST_CANCEL
	ReqDataTooLong                       // EVREQ_HTTP_DATA_TOO_LONG
)

var requestErrors = [...]string{
	"timeout", "connection ended", "invalid answer", "buffer error", "cancelled", "answer too long",
}

// String says it in words.
func (e RequestError) String() string {
	if e < 0 || int(e) >= len(requestErrors) {
		return fmt.Sprintf("request error %d", int(e))
	}
	return requestErrors[e]
}

// An Error says why a request has failed.
type Error struct {
	Code RequestError
	Err  error
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether time has run out, for net.Error.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return e.Code == ReqTimeout || errors.As(e.Err, &t) && t.Timeout()
}

// Is reports that an error of time is os.ErrDeadlineExceeded and
// context.DeadlineExceeded, whichever a user of net/http looks for.
func (e *Error) Is(target error) bool { return e.Timeout() && isTimeout(target) }

// Temporary is Timeout, for net.Error.
func (e *Error) Temporary() bool { return e.Timeout() }

var _ net.Error = (*Error)(nil)

// A timeoutError says what did not happen in time. It is a net.Error, and both
// os.ErrDeadlineExceeded and context.DeadlineExceeded, because users of net/http
// look for either.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

// Timeout implements net.Error.
func (timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (timeoutError) Temporary() bool { return true }

// Is is for errors.Is.
func (timeoutError) Is(target error) bool { return isTimeout(target) }

func isTimeout(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

// What may take too long.
const (
	errTimeout        = timeoutError("request did not come in time")
	errConnectTimeout = timeoutError("no connection in time")
	errAnswerTimeout  = timeoutError("no answer in time")
)
