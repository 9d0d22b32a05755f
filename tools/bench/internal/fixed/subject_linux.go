package fixed

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/tools/bench/internal/rawio"
)

// The orders that a subject gets, a byte each. It answers each with a line.
const (
	orderPrepare = 'p' // take the connections of a peer that is making them
	orderBegin   = 'b' // the measured part begins
	orderIssue   = 'i' // say what the peer is to answer
	orderStep    = 's' // do all that is ready
	orderEnd     = 'e' // the measured part ends; the answer is what it allocated
)

// A subject does its side of a piece of work.
type subject interface {
	// address is where its peer finds it, or empty.
	address() string

	// prepare makes everything ready for the first round.
	prepare() error

	// issue is what a subject does in a round before its peer does anything.
	issue() error

	// step does the subject's part of a round.
	step() error
}

// subjects makes the subjects by the name of the work. A peer's address is that
// of one which the subject must know.
var subjects = map[string]func(w Work, base *event.Base, peer string) (subject, error){
	"echo":          newEcho,
	"tls":           newTLS,
	"http":          newHTTP,
	"http-close":    newHTTP,
	"dns-server":    newDNSServer,
	"resolver":      newResolver,
	"timers-add":    newTimers,
	"timers-re-add": newTimers,
	"timers-delete": newTimers,
	"timers-fire":   newTimers,
}

// Run is the process that is counted: its arguments are the label of the work
// and the address of the peer, if it must know it. It ends with its standard
// input.
func Run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("arguments %q, want a work and an address", args)
	}
	w, err := find(args[0])
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	s, err := subjects[w.Name](w, base, args[1])
	if err != nil {
		return err
	}
	if err := answer(s.address()); err != nil {
		return err
	}
	return obey(s)
}

// obey carries out the orders of the peer.
func obey(s subject) error {
	var before runtime.MemStats
	for {
		order, err := nextOrder()
		if err != nil || order == 0 {
			return err
		}
		result := ""
		switch order {
		case orderPrepare:
			err = s.prepare()
		case orderBegin:
			runtime.ReadMemStats(&before)
			begin()
		case orderIssue:
			err = s.issue()
		case orderStep:
			err = s.step()
		case orderEnd:
			end()
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			result = fmt.Sprint(after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc)
		default:
			err = fmt.Errorf("unknown order %q", order)
		}
		if err == nil {
			err = answer(result)
		}
		if err != nil {
			return err
		}
	}
}

// nextOrder returns the next order, or zero if there are no more. Go's scheduler
// is not told that it waits, so that it starts no thread meanwhile.
func nextOrder() (byte, error) {
	var order [1]byte
	n, errno := rawio.Read(int(os.Stdin.Fd()), order[:])
	if errno != 0 {
		return 0, os.NewSyscallError("read", errno)
	}
	return order[0] * byte(n), nil
}

// answer writes a line to the peer.
func answer(text string) error {
	line := append([]byte(text), '\n')
	n, errno := rawio.Write(int(os.Stdout.Fd()), line)
	if errno != 0 {
		return os.NewSyscallError("write", errno)
	}
	if n < len(line) {
		return errors.New("the peer takes no answer")
	}
	return nil
}

// until runs a loop until a condition holds.
func until(base *event.Base, holds func() bool) error {
	for !holds() {
		status, err := base.Loop(event.LoopOnce)
		if err != nil {
			return err
		}
		if status == event.LoopNoEvents && !holds() {
			return errors.New("the loop has nothing left to wait for")
		}
	}
	return nil
}
