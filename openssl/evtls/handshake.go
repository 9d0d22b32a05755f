package evtls

import (
	"crypto/tls"
	"fmt"
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
	workers *Workers
	resume  chan struct{} // there is input, or an end of it
	quit    chan struct{} // closed to give up
	paused  chan struct{} // the goroutine wants input, or has ended
	notify  func()        // with workers, instead of paused

	// What follows is the loop's to read when it has its turn.
	done bool
	err  error
}

func newHandshake(conn *tls.Conn, workers *Workers, notify func()) *handshake {
	h := &handshake{
		conn: conn, workers: workers, notify: notify,
		resume: make(chan struct{}), quit: make(chan struct{}),
	}
	if workers == nil {
		h.paused = make(chan struct{})
	}
	return h
}

// start lets the goroutine begin.
func (h *handshake) start() {
	go h.run()
	h.await()
}

// goOn lets the goroutine go on. It must be waiting for input.
func (h *handshake) goOn() {
	h.resume <- struct{}{}
	h.await()
}

// stop makes the goroutine end as soon as it needs input. Nobody may touch the
// memory after that.
func (h *handshake) stop() { close(h.quit) }

// await waits for the goroutine, if there are no workers.
func (h *handshake) await() {
	if h.paused != nil {
		<-h.paused
	}
}

// run is the goroutine.
func (h *handshake) run() {
	h.workers.begin()
	err := h.shake()
	h.workers.end()
	h.done, h.err = true, err
	h.yield()
}

// shake does the handshake. The user's functions in the configuration run in
// here, too, and what they panic with is an error like any other: there is
// nobody in this goroutine to recover it.
func (h *handshake) shake() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in handshake: %v", p)
		}
	}()
	return h.conn.Handshake()
}

// yield gives the turn to the loop.
func (h *handshake) yield() {
	if h.paused == nil {
		h.notify()
		return
	}
	select {
	case h.paused <- struct{}{}:
	case <-h.quit:
	}
}

// wait is memory's wait: it waits for input.
func (h *handshake) wait() bool {
	h.workers.end()
	defer h.workers.begin()
	h.yield()
	select {
	case <-h.resume:
		return true
	case <-h.quit:
		return false
	}
}
