package event

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/internal/evlog"
)

// Errors that a caller may want to tell apart with errors.Is. They are wrapped in
// one that reads "event: operation object: cause".
var (
	// ErrNil is a nil base, function or writer.
	ErrNil = errors.New("nil argument")
	// ErrNotAssigned is the use of an event that was never assigned to a
	// base, or was freed.
	ErrNotAssigned = errors.New("event is not assigned to a base")
	// ErrPending is a change to an event that must not be pending or active.
	ErrPending = errors.New("event is pending")
	// ErrFinalizing is the use of an event after Finalize.
	ErrFinalizing = errors.New("event is being finalized")
	// ErrBadWhat is a set of event flags that makes no sense.
	ErrBadWhat = errors.New("bad combination of event flags")
	// ErrBadPriority is a priority, or a number of priorities, out of range.
	ErrBadPriority = errors.New("priority out of range")
	// ErrMixedTrigger is an edge-triggered event on a descriptor that has
	// level-triggered ones, or the other way round.
	ErrMixedTrigger = errors.New("edge-triggered and level-triggered events on one descriptor")
	// ErrWrongBase is a common timeout used with an event of another base.
	ErrWrongBase = errors.New("common timeout of another base")
	// ErrTooManyTimeouts is one common timeout more than MaxCommonTimeouts.
	ErrTooManyTimeouts = errors.New("too many common timeouts")
	// ErrRunning is a call that is not possible while the loop runs, such as
	// running it again.
	ErrRunning = errors.New("loop is running")
	// ErrFreed is the use of a base after Free, or of one that NewBase did not
	// make.
	ErrFreed = errors.New("base was freed")
	// ErrLoopEnded is a Call that the loop ended before, or has ended without
	// running.
	ErrLoopEnded = errors.New("loop has ended")
	// ErrNotReturned is a Call whose function panicked or called runtime.Goexit.
	ErrNotReturned = errors.New("function did not return")
	// ErrNoMethod is a configuration that no method of this machine meets.
	ErrNoMethod = errors.New("no event method available")
	// ErrConfinement is the use of a base without locks from a goroutine
	// other than the one that runs its loop. Only debug mode detects it.
	ErrConfinement = errors.New("base used outside its goroutine")
	// ErrBlockingDescriptor is a descriptor in blocking mode. Only debug mode
	// looks.
	ErrBlockingDescriptor = errors.New("descriptor is in blocking mode")
)

// opError adds the package and the operation, with its object, to a cause.
func opError(op string, err error) error { return fmt.Errorf("event: %s: %w", op, err) }

// pollerError adds the package to an error of the poller, which names the system call
// and the descriptor.
func pollerError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("event: %w", err)
}

// logMisuse is misuse for functions that return no error, which goes to the log
// instead.
func logMisuse(op string, err error) {
	if err := misuse(op, err); !debugMode.Load() {
		evlog.Logf(evlog.Warn, "%v", err)
	}
}

// misuse reports a programming error: to the fatal callback in debug mode, and
// in any case to the caller.
func misuse(op string, err error) error {
	err = opError(op, err)
	if debugMode.Load() {
		evlog.Fatal(err)
	}
	return err
}
