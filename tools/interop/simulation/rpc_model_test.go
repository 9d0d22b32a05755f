package simulation_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// An rpcModel is what is known of all calls of a world.
type rpcModel struct {
	w     *evtest.World
	rand  *rand.Rand
	calls []*rpcCall
	left  int // calls that are not over, or yet to be made
	most  int // bytes that a message may have

	timeout    time.Duration // of the pool, or 0
	maxWaiting int           // calls that may wait

	harsh     bool // the network or the script may have any connection fail
	connsGone bool // the script has freed or removed connections
	poolGone  bool // or the pool
	gone      bool // or the server, or it has no RPC for a while
}

func newRPCModel(w *evtest.World) *rpcModel {
	h := newHTTPModel(w)
	m := &rpcModel{w: w, rand: w.Rand(), harsh: h.harsh, most: min(h.most, 100_000), maxWaiting: evrpc.DefaultMaxWaiting}
	if m.chance(0.5) {
		m.timeout = 50*time.Millisecond + m.upTo(time.Minute)
	}
	if m.chance(0.2) {
		m.maxWaiting = 1 + m.rand.IntN(4)
	}
	return m
}

func (m *rpcModel) chance(p float64) bool { return m.rand.Float64() < p }

func (m *rpcModel) upTo(d time.Duration) time.Duration { return time.Duration(m.rand.Int64N(int64(d))) }

// The places where hooks are, in the order in which a call comes by.
const (
	poolOutput = iota
	serverInput
	serverOutput
	poolInput
	rpcPlaces
)

// An rpcHook is what a hook does with a call.
type rpcHook struct {
	pause bool
	delay time.Duration // of the pause
	ends  bool          // it terminates the call
}

// An rpcAnswer is what a handler does.
type rpcAnswer int

const (
	rpcNow        rpcAnswer = iota
	rpcLater                // by a timer
	rpcIncomplete           // with a reply that is not complete
	rpcFail                 // with Fail
	rpcDrop                 // by freeing the connection
	rpcNever
	rpcAnswers
)

// An rpcCall is a call: what both sides do about it, and what has become of it.
type rpcCall struct {
	model     *rpcModel
	id        int
	ask, tell int // bytes of the request and the reply
	hooks     [rpcPlaces]rpcHook
	answer    rpcAnswer
	delay     time.Duration // of the answer
	cancel    time.Duration // after which the client gives it up, or 0

	began     time.Time
	passed    [rpcPlaces]int // calls of the hooks
	handled   int            // calls of the handler
	cancelled bool
	over      int
	request   *evtest.Request
}

// draw draws a call.
func (m *rpcModel) draw() *rpcCall {
	c := &rpcCall{model: m, id: len(m.calls), ask: m.size(), tell: m.size()}
	m.calls = append(m.calls, c)
	for i := range c.hooks {
		h := &c.hooks[i]
		h.pause, h.delay, h.ends = m.chance(0.15), m.upTo(time.Second), m.chance(0.03)
	}
	if m.chance(0.5) {
		c.answer, c.delay = rpcLater, m.upTo(time.Second)
	}
	if m.chance(0.15) {
		c.answer = rpcIncomplete + rpcAnswer(m.rand.IntN(int(rpcAnswers-rpcIncomplete)))
	}
	if m.chance(0.1) || c.answer == rpcNever && m.timeout == 0 {
		c.cancel = 1 + m.upTo(3*time.Second)
	}
	return c
}

// size draws the length of a message.
func (m *rpcModel) size() int {
	switch m.rand.IntN(5) {
	case 0:
		return 0
	case 1, 2:
		return m.rand.IntN(100)
	case 3:
		return m.rand.IntN(min(m.most, 5000))
	}
	return m.rand.IntN(m.most)
}

func (c *rpcCall) String() string {
	return fmt.Sprintf("call %d with %d bytes, answer %d with %d after %v, hooks %+v, passed %v, handled %d, canceled %v",
		c.id, c.ask, c.answer, c.tell, c.delay, c.hooks, c.passed, c.handled, c.cancelled)
}

// errorf reports what is wrong.
func (c *rpcCall) errorf(format string, args ...any) {
	if !c.model.w.T().Failed() {
		c.model.w.Failf("%v: %s", c, fmt.Sprintf(format, args...))
	}
}

// at notes that the call has come to a hook.
func (c *rpcCall) at(place int) {
	c.passed[place]++
	if c.passed[place] > 1 {
		c.errorf("it comes to hook %d again", place)
	}
	for i := range place {
		if c.passed[i] == 0 && (place < poolInput || i == poolOutput) {
			c.errorf("it comes to hook %d, and not to %d", place, i)
		}
	}
}

// ended checks how a call has ended.
func (c *rpcCall) ended(reply *rpcMessage, err error) {
	c.over++
	if c.over > 1 {
		c.errorf("it has ended before")
		return
	}
	c.model.left--
	if err == nil {
		c.request.Answered()
		c.checkReply(reply)
		return
	}
	c.request.Failed(err)
	if reason := c.cannotFail(err); reason != "" {
		c.errorf("%s: %v", reason, err)
	}
}

func (c *rpcCall) checkReply(reply *rpcMessage) {
	switch {
	case c.answer > rpcLater:
		c.errorf("it has a reply")
	case c.handled != 1:
		c.errorf("it has a reply, and was handled %d times", c.handled)
	case reply.id != c.id || reply.seed != c.tellSeed() || reply.size != c.tell:
		c.errorf("it has the reply %+v", reply)
	}
	for i, h := range c.hooks {
		if h.ends || c.passed[i] != 1 {
			c.errorf("it has a reply in spite of hook %d", i)
		}
	}
}

// askSeed and tellSeed are where the bytes of request and reply begin in the pattern.
func (c *rpcCall) askSeed() int  { return 2*c.id + 1 }
func (c *rpcCall) tellSeed() int { return 2*c.id + 2 }

// cannotFail returns what is wrong with an error, or nothing.
func (c *rpcCall) cannotFail(err error) string {
	m := c.model
	var e *evrpc.Error
	if !errors.As(err, &e) {
		return "it is of another type"
	}
	is := func(target error) bool { return errors.Is(err, target) }
	want, allowed := e.Status, false
	switch {
	case is(evrpc.ErrTerminated) && c.passed[poolInput] > 0:
		want, allowed = evrpc.StatusHookAborted, c.hooks[poolInput].ends
	case is(evrpc.ErrTerminated):
		want, allowed = evrpc.StatusUnstarted, c.hooks[poolOutput].ends
	case is(evrpc.ErrAnswer):
		refused := e.Code == 503 && (c.hooks[serverInput].ends || c.hooks[serverOutput].ends || c.answer == rpcIncomplete || c.answer == rpcFail)
		want, allowed = evrpc.StatusBadPayload, refused || m.gone && (e.Code == 503 || e.Code == 404)
	case is(evrpc.ErrCanceled):
		want, allowed = evrpc.StatusCanceled, c.cancelled
	case is(evrpc.ErrFreed) && e.Status == evrpc.StatusUnstarted:
		allowed = m.poolGone
	case is(evrpc.ErrFreed):
		want, allowed = evrpc.StatusCanceled, m.poolGone
	case is(evrpc.ErrNoConnection):
		want, allowed = evrpc.StatusUnstarted, m.connsGone
	case is(evrpc.ErrTooMany):
		want, allowed = evrpc.StatusUnstarted, m.maxWaiting < evrpc.DefaultMaxWaiting
	case is(evhttp.ErrDone):
		want, allowed = evrpc.StatusCanceled, m.connsGone
	case e.Status == evrpc.StatusTimeout && is(os.ErrDeadlineExceeded):
		allowed = m.timeout > 0 && c.age() >= m.timeout || c.age() >= httpForever
	case e.Status == evrpc.StatusTimeout || e.Status == evrpc.StatusBadPayload:
		allowed = m.harsh || c.answer == rpcDrop
	}
	switch {
	case e.Status != want:
		return fmt.Sprintf("the status is not %v", want)
	case !allowed:
		return "there is no reason for it to fail"
	}
	return ""
}

func (c *rpcCall) age() time.Duration { return c.model.w.Now().Sub(c.began) }

// isNoSystemError tells errors that the model looks at from those that the world knows of.
func isNoSystemError(_ *evtest.Request, err error) bool {
	var errno syscall.Errno
	return !errors.As(err, &errno)
}
