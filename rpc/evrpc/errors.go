package evrpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/go-libevent/libevent/http/evhttp"
)

// Errors that a caller may want to tell apart with errors.Is. They are wrapped in one
// that reads "evrpc: operation object: cause", that of a call in an [Error].
var (
	// ErrInvalid is a name, setting or argument that cannot be.
	ErrInvalid = errors.New("invalid")
	// ErrTaken says that there is an RPC of that name already, or another handler of its
	// path.
	ErrTaken = evhttp.ErrTaken
	// ErrNotFound says that there is no such RPC or connection.
	ErrNotFound = errors.New("not found")
	// ErrDone says that the call is over: answered, failed, or its peer has gone.
	ErrDone = errors.New("call is over")
	// ErrBusy says that the call is under way.
	ErrBusy = errors.New("call is under way")
	// ErrNotPaused says that no hook has paused the call.
	ErrNotPaused = errors.New("call is not paused")
	// ErrNoConnection says that a pool has no connection.
	ErrNoConnection = errors.New("pool has no connection")
	// ErrTooMany says that too many calls wait for a connection.
	ErrTooMany = errors.New("too many calls wait")
	// ErrFreed says that the server or pool was freed.
	ErrFreed = errors.New("freed")
	// ErrTerminated says that a hook has ended the call.
	ErrTerminated = errors.New("a hook has terminated the call")
	// ErrAnswer is an answer of HTTP that is not one of success, such as 404 for an RPC that
	// the server does not have, or 503 for one that has failed there.
	ErrAnswer = errors.New("answer is no success")
	// ErrOnLoop says that Invoke was called on the goroutine of the loop, for which it
	// would have waited.
	ErrOnLoop = errors.New("the loop cannot wait for itself")
	// ErrCanceled says that the call was given up by Cancel.
	ErrCanceled = errors.New("canceled")
)

// A Status says how a call has ended. The numbers are those of libevent, whose clients get
// the same ones for the same reasons, but for StatusCanceled. As an error it is a target of
// errors.Is and errors.As (struct evrpc_status).
type Status int

const (
	// StatusNone is success (EVRPC_STATUS_ERR_NONE).
	StatusNone Status = iota
	// StatusTimeout is a call without an answer: in time, or before the connection has
	// ended (EVRPC_STATUS_ERR_TIMEOUT).
	StatusTimeout
	// StatusBadPayload is an answer that is not the reply, and also one that there is not
	// because no connection could be made (EVRPC_STATUS_ERR_BADPAYLOAD).
	StatusBadPayload
	// StatusUnstarted is a call that could not be sent, or was terminated by an output
	// hook (EVRPC_STATUS_ERR_UNSTARTED).
	StatusUnstarted
	// StatusHookAborted is a call that was terminated by an input hook
	// (EVRPC_STATUS_ERR_HOOKABORTED).
	StatusHookAborted
	// StatusCanceled is a call that was given up by this side: by [ClientCall.Cancel], by a
	// context, or because the pool or the base was freed. C has no number for it.
	StatusCanceled
)

var statusNames = [...]string{"success", "no answer", "bad payload", "not started", "aborted by a hook", "canceled"}

// String says it in words.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprintf("status %d", int(s))
	}
	return statusNames[s]
}

// Error implements error.
func (s Status) Error() string { return s.String() }

// An Error says why a call has failed. Both Status and Err are found by errors.Is and
// errors.As.
type Error struct {
	// Name is that of the RPC.
	Name string
	// Status is never StatusNone.
	Status Status
	// Code is the status code of HTTP that the server has answered with, or 0.
	Code int
	// Err is the cause.
	Err error
}

func (e *Error) Error() string {
	if e.Code/100 > 2 {
		return fmt.Sprintf("evrpc: call %s: %v: %v: %d", e.Name, e.Status, e.Err, e.Code)
	}
	return fmt.Sprintf("evrpc: call %s: %v: %v", e.Name, e.Status, e.Err)
}

// Unwrap returns the status and the cause.
func (e *Error) Unwrap() []error { return []error{e.Status, e.Err} }

// Timeout reports whether time has run out, for net.Error.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Temporary is Timeout, for net.Error.
func (e *Error) Temporary() bool { return e.Timeout() }

var _ net.Error = (*Error)(nil)

// A timeoutError is a call that had no answer in time.
type timeoutError struct{}

func (timeoutError) Error() string { return "no answer in time" }

// Timeout implements net.Error.
func (timeoutError) Timeout() bool { return true }

// Temporary implements net.Error.
func (timeoutError) Temporary() bool { return true }

// Is is for errors.Is.
func (timeoutError) Is(target error) bool {
	return target == os.ErrDeadlineExceeded || target == context.DeadlineExceeded
}

// opError returns the error of an operation.
func opError(op, object string, err error) error {
	if object != "" {
		op += " " + object
	}
	return fmt.Errorf("evrpc: %s: %w", op, err)
}

// statusOf returns the status of a call whose request has failed. left says whether it was
// sent.
func statusOf(err error, left bool) Status {
	var e *evhttp.Error
	switch {
	case !errors.As(err, &e):
		return StatusBadPayload
	case e.Code == evhttp.ReqCancel:
		return StatusCanceled
	case !left:
		return StatusBadPayload
	case e.Code == evhttp.ReqTimeout, e.Code == evhttp.ReqEOF:
		return StatusTimeout
	}
	return StatusBadPayload
}
