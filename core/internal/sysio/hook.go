package sysio

import (
	"sync"
	"sync/atomic"
)

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
	OpNonblocking
	OpSetNonblock
	OpSetCloseOnExec
	OpDuplicate
	OpPutNull
	OpFindSocket
	OpRemoveSocket
	OpLocalAddrs
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

// A seam is what stands between the functions of the package and the kernel.
type seam struct {
	hook   Hook   // or nil
	system System // or nil for the kernel
}

// current is nil while there is neither a hook nor another system: to look at it is
// all that the functions which move data in bulk do then.
var (
	current  atomic.Pointer[seam]
	changing sync.Mutex
)

// change replaces the seam by one that f has changed.
func change(f func(*seam)) {
	changing.Lock()
	defer changing.Unlock()
	next := &seam{}
	if m := current.Load(); m != nil {
		*next = *m
	}
	f(next)
	if next.hook == nil && next.system == nil {
		next = nil
	}
	current.Store(next)
}

// SetHook makes all calls of the process go through h from now on. The result
// puts back what was there before.
func SetHook(h Hook) (restore func()) {
	var before Hook
	change(func(m *seam) { before, m.hook = m.hook, h })
	return func() { change(func(m *seam) { m.hook = before }) }
}

// ask asks the hook, if there is one, about a call that moves up to n bytes, and
// returns how many it may.
func (m *seam) ask(op Op, fd, n int) (limit int, err error) {
	if m.hook == nil {
		return n, nil
	}
	limit, err = m.hook(Call{Op: op, FD: fd, Len: n})
	return min(n, limit), err
}

// retry makes a call that moves up to n bytes, as many as the hook lets it, and
// makes it again for as long as it is interrupted. The call asks the system that it
// is given, or the kernel if that is nil. All calls of the package go through retry,
// retryError or once, but for those that move data while there is neither a hook nor
// another system.
func retry[T any](op Op, fd, n int, call func(s System, limit int) (T, error)) (T, error) {
	if current.Load() == nil {
		if result, err := call(nil, n); err != ErrInterrupted {
			return result, err
		}
	}
	for {
		var (
			result T
			s      System
			limit  = n
			err    error
		)
		if m := current.Load(); m != nil {
			s = m.system
			limit, err = m.ask(op, fd, n)
		}
		if err == nil {
			result, err = call(s, limit)
		}
		if err != ErrInterrupted {
			return result, err
		}
	}
}

// retryError is retry for a call that moves nothing and has no result.
func retryError(op Op, fd int, call func(s System) error) error {
	if current.Load() == nil {
		if err := call(nil); err != ErrInterrupted {
			return err
		}
	}
	for {
		var (
			s   System
			err error
		)
		if m := current.Load(); m != nil {
			s = m.system
			_, err = m.ask(op, fd, 0)
		}
		if err == nil {
			err = call(s)
		}
		if err != ErrInterrupted {
			return err
		}
	}
}

// retrySocket is retry for a call whose result is a descriptor.
func retrySocket(op Op, fd int, call func(s System) (int, error)) (int, error) {
	made := InvalidSocket
	err := retryError(op, fd, func(s System) (err error) {
		made, err = call(s)
		return err
	})
	if err != nil {
		return InvalidSocket, err
	}
	return made, nil
}

// once makes a call that does its work even if it is interrupted, and so must not
// be made again: a descriptor that is closed may be in use again.
func once(op Op, fd int, call func(s System) error) error {
	var s System
	if m := current.Load(); m != nil {
		s = m.system
		if _, err := m.ask(op, fd, 0); err != nil {
			return err
		}
	}
	if err := call(s); err != ErrInterrupted {
		return err
	}
	return nil
}
