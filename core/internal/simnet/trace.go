package simnet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A Trace is the record of what has happened: each call, each event and each turn of
// a loop. Two runs are the same if their sums are. Calls about options are lines, too,
// but no part of the sum: programs set other ones on other systems.
type Trace struct {
	sum    uint64
	summed uint64  // how many lines are a part of the sum
	last   []entry // a ring
	count  uint64  // how many lines there were
	whole  io.Writer
	broken error // why whole has got no more lines
}

// traceLength is how many of the last lines are kept.
const traceLength = 1 << 10

// op is what a line of the trace is about.
type op uint8

const (
	opRecv op = iota
	opSend
	opRead
	opWrite
	opClose
	opSocket
	opBind
	opListen
	opConnect
	opAccept
	opShutdown
	opDuplicate
	opNull
	opOption
	opSetOption
	opPair
	opChannel
	opSignal
	opDrain
	opRecvMessage
	opSendMessage
	opRecvError
	opFind
	opRemove
	opFile
	opWatch
	opWait
	opReady
	opCall
	opFault
	opNote
)

var opNames = [...]string{
	opRecv: "recv", opSend: "send", opRead: "read", opWrite: "write", opClose: "close",
	opSocket: "socket", opBind: "bind", opListen: "listen", opConnect: "connect",
	opAccept: "accept", opShutdown: "shutdown", opDuplicate: "dup", opNull: "null",
	opOption: "getsockopt", opSetOption: "setsockopt", opPair: "pair", opChannel: "channel",
	opSignal: "signal", opDrain: "drain", opRecvMessage: "recvmsg", opSendMessage: "sendmsg",
	opRecvError: "recverr", opFind: "find", opRemove: "remove", opFile: "file", opWatch: "watch", opWait: "wait",
	opReady: "ready", opCall: "call", opFault: "fault", opNote: "note",
}

// An entry is a line of the trace.
type entry struct {
	at   stamp
	host *Host
	op   op
	fd   int // or the number of a loop
	n    int
	err  error
	note string
}

func (t *Trace) init() {
	t.sum = offset
	t.last = make([]entry, 0, traceLength)
}

// offset and prime are those of FNV-1a with 64 bits, which needs no state and is the
// same on all machines. Numbers are taken as a whole, of which a shift brings the upper
// half down to where the next products start from.
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

func (t *Trace) mix(x uint64) {
	t.sum = (t.sum ^ x) * prime
	t.sum ^= t.sum >> 32
}

func (t *Trace) mixString(s string) {
	for i := range len(s) {
		t.sum = (t.sum ^ uint64(s[i])) * prime
	}
}

// add adds a line.
func (t *Trace) add(n *Network, h *Host, o op, fd, count int, err error) {
	if err != nil && h != nil {
		h.failed(err)
	}
	t.put(entry{at: n.stamp(n.now()), host: h, op: o, fd: fd, n: count, err: err})
}

// fault adds a line about something that has gone wrong by itself.
func (n *Network) fault(h *Host, what string) {
	n.trace.put(entry{at: n.stamp(n.now()), host: h, op: opFault, fd: -1, note: what})
}

func (t *Trace) put(e entry) {
	if e.op != opOption && e.op != opSetOption {
		t.addUp(e)
	}
	if t.whole != nil && t.broken == nil {
		_, t.broken = fmt.Fprintln(t.whole, e)
	}
	if len(t.last) < traceLength {
		t.last = append(t.last, e)
	} else {
		t.last[t.count%traceLength] = e
	}
	t.count++
}

// addUp makes a line a part of the sum.
func (t *Trace) addUp(e entry) {
	t.summed++
	t.mix(uint64(e.at))
	index := -1
	if e.host != nil {
		index = e.host.index
	}
	t.mix(uint64(index)<<8 | uint64(e.op))
	t.mix(uint64(e.fd)<<32 ^ uint64(e.n))
	if e.err != nil {
		t.mixString(e.errorName())
	}
	t.mixString(e.note)
}

// Note adds a line of the user's to the trace. An error of the system among args is
// given the name that it has on all of them.
func (n *Network) Note(format string, args ...any) {
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = portable(err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.trace.put(entry{at: n.stamp(n.now()), host: n.here(), op: opNote, note: fmt.Sprintf(format, args...)})
}

// Sum is a number that stands for all lines so far.
func (n *Network) Sum() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trace.sum
}

// Lines returns how many lines the sum is one of.
func (n *Network) Lines() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trace.summed
}

// TraceTo has each line written to w from now on, until one cannot be. It returns why
// the writer before has not got all lines, if so.
func (n *Network) TraceTo(w io.Writer) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.trace.broken
	n.trace.whole, n.trace.broken = w, nil
	return err
}

// Last returns the last lines, count of them at most.
func (n *Network) Last(count int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := &n.trace
	kept := uint64(len(t.last))
	var s strings.Builder
	for i := t.count - min(kept, uint64(count)); i < t.count; i++ {
		fmt.Fprintln(&s, t.last[i%traceLength])
	}
	return s.String()
}

// stamp is how long the network has existed.
type stamp time.Duration

func (s stamp) String() string { return fmt.Sprintf("%12.6f", time.Duration(s).Seconds()) }

func (n *Network) stamp(at int64) stamp { return stamp(at - n.start) }

func (e entry) String() string {
	name := "-"
	if e.host != nil {
		name = e.host.name
	}
	if e.op == opNote {
		return fmt.Sprintf("%v %-10s %s", e.at, name, e.note)
	}
	line := fmt.Sprintf("%v %-10s %-10s %-8s %s", e.at, name, opNames[e.op], e.object(), e.detail())
	if e.err != nil {
		line += " " + e.errorName()
	}
	return strings.TrimRight(line, " ")
}

// object names the descriptor, counted from 0 within its host, or the loop.
func (e entry) object() string {
	switch {
	case e.op == opWait:
		return fmt.Sprintf("loop %d", e.fd)
	case e.fd < 0:
		return ""
	case e.fd >= FirstFD && e.host != nil:
		return fmt.Sprintf("fd %d", e.host.number(e.fd-FirstFD))
	}
	return fmt.Sprintf("fd %d", e.fd)
}

// detail is what the number of a line means.
func (e entry) detail() string {
	switch e.op {
	case opRecv, opSend, opRead, opWrite, opRecvMessage, opSendMessage:
		return fmt.Sprintf("%d bytes", e.n)
	case opWait:
		return fmt.Sprintf("%d ready", e.n)
	case opAccept, opDuplicate:
		if e.err == nil && e.host != nil {
			return fmt.Sprintf("is fd %d", e.host.number(e.n))
		}
	case opCall:
		if e.n == 0 {
			return "function"
		}
		return conditions(e.n)
	case opWatch, opReady:
		return conditions(e.n)
	}
	return e.note
}

// conditions names what a descriptor is watched for, or is, or a callback is told.
func conditions(what int) string {
	var names []string
	for i, name := range []string{"timeout", "read", "write", "signal", "persist", "edge", "finalize", "closed"} {
		if what&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, "|")
}

// errorNames are those of the errors of a system, which have other numbers and texts
// on each.
var errorNames = []struct {
	err  error
	name string
}{
	{sysio.ErrAgain, "EAGAIN"}, {sysio.ErrInterrupted, "EINTR"}, {sysio.ErrInProgress, "EINPROGRESS"},
	{sysio.ErrNotSocket, "ENOTSOCK"}, {sysio.ErrBadDescriptor, "EBADF"}, {sysio.ErrBadFile, "EBADF"},
	{sysio.ErrAddrInUse, "EADDRINUSE"}, {sysio.ErrAddrNotAvailable, "EADDRNOTAVAIL"}, {sysio.ErrAccess, "EACCES"},
	{sysio.ErrRefused, "ECONNREFUSED"}, {sysio.ErrReset, "ECONNRESET"}, {sysio.ErrAborted, "ECONNABORTED"},
	{sysio.ErrPipe, "EPIPE"}, {sysio.ErrTimedOut, "ETIMEDOUT"}, {sysio.ErrHostUnreachable, "EHOSTUNREACH"},
	{sysio.ErrNetUnreachable, "ENETUNREACH"}, {sysio.ErrNotConnected, "ENOTCONN"}, {sysio.ErrIsConnected, "EISCONN"},
	{sysio.ErrTooManyFiles, "EMFILE"}, {sysio.ErrNoBuffers, "ENOBUFS"}, {sysio.ErrTooLong, "EMSGSIZE"},
	{sysio.ErrInvalid, "EINVAL"}, {sysio.ErrNoOption, "ENOPROTOOPT"}, {sysio.ErrOpNotSupported, "EOPNOTSUPP"},
}

// errorName returns the name of the error of a line. Windows has one for what goes on
// connecting, and for what would have to wait.
func (e entry) errorName() string {
	if e.op == opConnect && e.err == sysio.ErrInProgress {
		return "EINPROGRESS"
	}
	return portable(e.err)
}

// portable returns a text for an error that is the same on all systems.
func portable(err error) string {
	for _, known := range errorNames {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return err.Error()
}
