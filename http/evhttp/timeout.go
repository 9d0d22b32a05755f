package evhttp

import (
	"context"
	"os"
)

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
