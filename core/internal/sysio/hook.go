package sysio

import "sync/atomic"

// An Op is a kind of system call.
type Op int

// The kinds of calls, each named after the function that makes it; those of
// RecvMessages and SendMessages after the system's, since several calls may be
// needed for one of ours. What asks or sets an option of a socket is OpOption or
// OpSetOption, and what closes a descriptor is OpClose.
const (
	OpRecv Op = iota
	OpSend
	OpRead
	OpWrite
	OpSendfile
	OpPread
	OpSize
	OpMap
	OpUnmap
	OpClose
	OpSocket
	OpBind
	OpListen
	OpConnect
	OpSockname
	OpPeername
	OpAccept
	OpShutdown
	OpOption
	OpSetOption
	OpSetNonblock
	OpSetCloseOnExec
	OpDuplicate
	OpPutNull
	OpSocketpair
	OpWakeChannel
	OpSignal
	OpDrain
	OpRecvmsg
	OpSendmsg
	OpRecvmmsg
	OpSendmmsg
)

// A Call is a system call about to be made.
type Call struct {
	Op  Op
	FD  int // of OpSendfile, the socket; where there is no descriptor yet, InvalidSocket
	Len int // how many bytes are asked for or offered, if any; of OpRecvmmsg and OpSendmmsg, messages
}

// A Hook decides what becomes of a call. With an error, the call is not made
// and fails with that. Otherwise n, at least 1, is the number of bytes or
// messages it may move; anything from Call.Len on leaves the call as it is, as
// it does for calls that move no bytes, and those that move a single message,
// which has no parts.
//
// Hooks may be called from several goroutines at a time.
type Hook func(c Call) (n int, err error)

var hook atomic.Pointer[Hook]

// SetHook makes all calls of the process go through h from now on. The result
// puts back what was there before.
func SetHook(h Hook) (restore func()) {
	before := hook.Swap(&h)
	return func() { hook.Store(before) }
}

// hooked reports whether there is a hook to ask. What a connection is set up with
// and ended by looks before it asks, as the compiler inlines no more than that.
func hooked() bool { return hook.Load() != nil }

// ask asks the hook, if there is one, about a call that moves up to n bytes, and
// returns how many it may.
func ask(op Op, fd, n int) (limit int, err error) {
	h := hook.Load()
	if h == nil {
		return n, nil
	}
	limit, err = (*h)(Call{Op: op, FD: fd, Len: n})
	return min(n, limit), err
}

// retry makes a call that moves up to n bytes, as many as the hook lets it, and
// makes it again for as long as it is interrupted. All calls of the package go
// through retry, retryError or once, but for those that move data while there is no
// hook.
func retry[T any](op Op, fd, n int, call func(limit int) (T, error)) (T, error) {
	for {
		var result T
		limit, err := ask(op, fd, n)
		if err == nil {
			result, err = call(limit)
		}
		if err != errInterrupted {
			return result, err
		}
	}
}

// retryError is retry for a call that moves nothing and has no result.
func retryError(op Op, fd int, call func() error) error {
	for {
		var err error
		if hooked() {
			_, err = ask(op, fd, 0)
		}
		if err == nil {
			err = call()
		}
		if err != errInterrupted {
			return err
		}
	}
}

// retrySocket is retry for a call whose result is a descriptor.
func retrySocket(op Op, fd int, call func() (int, error)) (int, error) {
	made := InvalidSocket
	err := retryError(op, fd, func() (err error) {
		made, err = call()
		return err
	})
	if err != nil {
		return InvalidSocket, err
	}
	return made, nil
}

// once makes a call that does its work even if it is interrupted, and so must not
// be made again: a descriptor that is closed may be in use again.
func once(op Op, fd int, call func() error) error {
	if hooked() {
		if _, err := ask(op, fd, 0); err != nil {
			return err
		}
	}
	if err := call(); err != errInterrupted {
		return err
	}
	return nil
}
