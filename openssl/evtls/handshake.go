package evtls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/openssl/internal/blocking"
)

// A handshake is the part of a connection's life that crypto/tls can only do in
// one go, waiting for input in the middle. It has a goroutine, and ends with
// that. The loop and the goroutine take turns: while the one is at work on the
// connection's memory, the other one leaves it alone.
//
// Without workers the loop waits for the goroutine, as if it had called a
// function; with workers it goes on, and is told by a posted function.
//
// (A coroutine of iter.Pull would do the first, but the runtime ends the program
// if one is resumed while its goroutine is tied to a thread, as loops can be,
// and was not when it began, or the other way round.)
type handshake struct {
	conn    *tls.Conn
	base    *event.Base
	workers *Workers
	resume  chan struct{} // there is input, or an end of it; has room for one
	quit    chan struct{} // closed to give up
	paused  chan struct{} // the goroutine wants input, or has ended
	notify  func()        // with workers, instead of paused; and after Block
	unhook  func() bool   // from the freeing of the base

	working  bool  // the goroutine has its turn; the loop's
	writeErr error // why nothing can be sent any more, or nil; the loop's
	holding  bool  // the goroutine has a worker's slot; the goroutine's

	// What follows is the loop's to read when it has its turn.
	done     bool
	err      error
	returned bool // from crypto/tls, which a function of the user's may prevent
	away     bool // without workers: the goroutine waits for something else, see Wait
}

// errExited is the end of a handshake whose goroutine was ended by a function of
// the user's.
var errExited = errors.New("goroutine exited in handshake")

func newHandshake(conn *tls.Conn, base *event.Base, workers *Workers) *handshake {
	h := &handshake{
		conn: conn, base: base, workers: workers,
		resume: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	if workers == nil {
		h.paused = make(chan struct{})
	}
	return h
}

// start gives the goroutine its first turn.
func (h *handshake) start() {
	h.begin()
	go h.run()
	h.await()
}

// nextTurn gives the goroutine, which waits for input, another turn.
func (h *handshake) nextTurn() {
	h.begin()
	h.resume <- struct{}{}
	h.await()
}

// begin begins a turn. With workers the loop has something to wait for.
func (h *handshake) begin() {
	h.working = true
	if h.workers != nil {
		h.base.AddVirtual()
	}
}

// await waits for the end of the turn, if there are no workers. If the goroutine
// is away, the turn goes on, as with workers.
func (h *handshake) await() {
	if h.workers != nil {
		return
	}
	<-h.paused
	if h.away {
		h.base.AddVirtual()
	} else {
		h.working = false
	}
}

// ended ends a turn that the loop did not wait for.
func (h *handshake) ended() {
	h.working = false
	h.base.DelVirtual()
}

// endTurn is called when notify was: it ends the turn, or resumes a goroutine that was
// away.
func (h *handshake) endTurn() {
	h.ended()
	if h.away {
		h.away = false
		h.nextTurn()
	}
}

// failure returns why the handshake has failed, which is not the end of the stream if
// nothing could be sent before.
func (h *handshake) failure() error {
	if h.err == io.EOF && h.writeErr != nil {
		return h.writeErr
	}
	return h.err
}

// stop makes the goroutine end as soon as it needs input. The memory is its own
// from then on, and its outcome is dropped.
func (h *handshake) stop() {
	if h.working { // without the loop
		h.ended()
	}
	h.unhook()
	close(h.quit)
}

// run is the goroutine. Its last turn ends even if a function of the user's ends
// the goroutine.
func (h *handshake) run() {
	err := errExited
	defer func() {
		h.done, h.err = true, err
		h.yield()
		h.release()
	}()
	if h.acquire() {
		growStack(0)
		err = h.perform()
	}
}

// growStack makes the goroutine's stack as large as a handshake needs, while there
// is nothing on it. It would grow step by step otherwise, and each step copies
// all frames that are there.
//
//go:noinline
func growStack(i int) byte {
	var frame [8 << 10]byte
	return frame[i] // so that there is a frame
}

// perform does the handshake. The user's functions in the configuration run in
// here, too, and what they panic with is an error like any other: no caller in this
// goroutine could recover it.
func (h *handshake) perform() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in handshake: %v", p)
		}
	}()
	err = h.conn.HandshakeContext(blocking.With(context.Background(), h))
	h.returned = true
	return err
}

// yield gives the turn to the loop.
func (h *handshake) yield() {
	if h.workers != nil {
		h.notify()
		return
	}
	select { // in any order: the loop does not wait for a handshake that it has given up
	case h.paused <- struct{}{}:
	case <-h.quit:
	}
}

// wait is memory's wait: it waits for input.
func (h *handshake) wait() bool {
	h.yield()
	h.release()
	select { // in any order: what a handshake does that was given up is dropped
	case <-h.resume:
		return h.acquire()
	case <-h.quit:
		return false
	}
}

// acquire waits for a worker's slot, and reports whether it has one: it has none
// when the handshake was given up.
func (h *handshake) acquire() bool {
	h.holding = h.workers.acquire(h.quit)
	return h.holding
}

// release gives the slot back. The loop, which knows already that a turn is over,
// goes first if it shares the processor with the handshake that gets the slot:
// or one handshake after the other would hold it up.
func (h *handshake) release() {
	if h.holding && h.workers != nil {
		runtime.Gosched()
		h.workers.release()
	}
	h.holding = false
}

// Block implements blocking.Section, which is Wait in the handshake's goroutine.
// Without workers the loop takes it for the end of the turn, and notify asks it for
// the next one; with workers the turn goes on, but another handshake has the slot.
func (h *handshake) Block(ctx context.Context, wait func(context.Context) error) (err error) {
	h.release()
	if h.workers == nil {
		h.away = true
		h.paused <- struct{}{}
	}
	defer func() { // whatever wait has done to the goroutine
		if !h.comeBack() {
			err = net.ErrClosed
		}
	}()
	return wait(quitContext{ctx, h.quit})
}

// comeBack waits for the turn that Block has given away, and reports whether it
// comes.
func (h *handshake) comeBack() bool {
	if h.workers == nil {
		h.notify()
		select { // in any order, as in wait
		case <-h.resume:
		case <-h.quit:
			return false
		}
	}
	return h.acquire()
}

// quitContext is a handshake's context that is done when that is given up. The
// one that crypto/tls gets is not, or every handshake would pay for it.
type quitContext struct {
	context.Context
	quit <-chan struct{}
}

// Done implements context.Context.
func (c quitContext) Done() <-chan struct{} { return c.quit }

// Err implements context.Context.
func (c quitContext) Err() error {
	select {
	case <-c.quit:
		return context.Canceled
	default:
		return nil
	}
}
