package sysio

import "sync/atomic"

// An Op is a kind of system call.
type Op int

// The kinds of calls, each named after the function that makes it; those of
// RecvMessages and SendMessages after the system's, since several calls may be
// needed for one of ours.
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
	OpAccept
	OpShutdown
	OpRecvmsg
	OpSendmsg
	OpRecvmmsg
	OpSendmmsg
)

// A Call is a system call about to be made.
type Call struct {
	Op  Op
	FD  int // of OpSendfile, the socket; of OpUnmap and OpSocket, -1
	Len int // how many bytes are asked for or offered, if any; of OpRecvmmsg and OpSendmmsg, messages
}

// A Hook decides what becomes of a call. With an error, the call is not made
// and fails with that. Otherwise n, at least 1, is the number of bytes or
// messages it may move; anything from Call.Len on leaves the call as it is, as
// it does for calls that map, close or measure a file, those that set up a
// socket, and those that move a single message, which has no parts.
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

// consult asks the hook, if there is one, about a call that moves bufs, and
// returns what is left of them.
func consult(op Op, fd int, bufs [][]byte) ([][]byte, error) {
	if hook.Load() == nil {
		return bufs, nil
	}
	return consultVectors(op, fd, bufs)
}

func consultVectors(op Op, fd int, bufs [][]byte) ([][]byte, error) {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	n, err := consultLen(op, fd, total)
	if err != nil {
		return nil, err
	}
	var cut [][]byte
	for _, b := range bufs {
		b = b[:min(n, len(b))]
		n -= len(b)
		cut = append(cut, b)
		if n == 0 {
			break
		}
	}
	return cut, nil
}

// consultLen asks the hook, if there is one, about a call that moves up to n
// bytes, and returns how many it may.
func consultLen(op Op, fd, n int) (int, error) {
	h := hook.Load()
	if h == nil {
		return n, nil
	}
	limit, err := (*h)(Call{Op: op, FD: fd, Len: n})
	return min(n, limit), err
}
