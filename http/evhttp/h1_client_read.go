package evhttp

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// maxInformational is how many informational responses may precede an answer.
const maxInformational = 64

var (
	// ErrInformational says that a server has sent informational responses
	// without end.
	ErrInformational = errors.New("too many informational responses")
	// ErrUpgrade says that a server wants to speak another protocol that
	// nobody has asked for.
	ErrUpgrade = errors.New("another protocol that was not asked for")
)

// readable implements side.
func (o *outgoing) readable() {
	if o.busy {
		return
	}
	o.busy = true
	for o.bev != nil && o.readSome() {
	}
	o.busy = false
	if o.ended != nil && o.bev != nil {
		o.end()
	}
}

// readSome takes some of what has come. It returns whether there may be more to
// take.
func (o *outgoing) readSome() bool {
	switch o.state {
	case inResponse:
		return o.readHead()
	case inResponseBody:
		return o.readBody()
	case tunnelling:
		return o.readProxy()
	case idle:
		if o.bev.Input().Len() > 0 { // nobody has asked
			o.disconnect()
			o.next()
		}
	}
	return false
}

func (o *outgoing) readHead() (more bool) {
	x, in := o.queue[0], o.bev.Input()
	if in.Len() == 0 {
		return false
	}
	o.answering = true
	if o.starting { // the server does not wait for the body
		if o.goOn(x); !o.current(x) {
			return false
		}
	}
	done, err := readHead(in, &x.head, o.limits)
	switch {
	case err != nil:
		o.fail(ReqInvalidHeader, err)
		return false
	case !done:
		return false
	case x.head.Informational():
		return o.inform(x)
	}
	return o.headComplete(x)
}

// inform deals with an informational response.
func (o *outgoing) inform(x *clientExchange) (more bool) {
	if o.informed++; o.informed > maxInformational {
		o.fail(ReqInvalidHeader, ErrInformational)
		return false
	}
	if fn := x.onInformational; fn != nil {
		o.run(&x.Request, func() { fn(&x.Request, x.head.Status, (*Header)(&x.head.Header)) })
		if !o.current(x) {
			return false
		}
	}
	code := x.head.Status
	x.head.Again()
	if code == 100 && o.awaiting {
		o.goOn(x)
		return o.current(x)
	}
	if o.timed {
		o.expect(o.readTimeout)
	}
	return true
}

func (o *outgoing) headComplete(x *clientExchange) (more bool) {
	h := &x.head
	o.state, o.awaiting = inResponseBody, false
	x.incoming, x.code = &h.Head.Head, h.Status
	if phrase := message.ReasonPhrase(h.Status); string(h.Reason()) == phrase {
		x.reason = phrase
	} else {
		x.reason = string(h.Reason())
	}
	o.last = o.last || !h.KeepAlive
	o.timed = true
	o.expect(o.readTimeout)
	if h.Status == 101 && !x.header.fields().Contains(message.Upgrade) {
		o.fail(ReqInvalidHeader, ErrUpgrade)
		return false
	}
	if x.sending == sendDone {
		x.output.Drain(x.output.Len()) // it will not be sent again
	}
	if x.onHeader != nil && !o.consult(&x.Request, x.onHeader) {
		if o.current(x) {
			o.fail(ReqCancel, errRefused)
		}
		return false
	}
	return o.current(x) && o.beginBody(x)
}

// beginBody gets ready for the body.
func (o *outgoing) beginBody(x *clientExchange) bool {
	limit := o.maxBody
	if limit < 0 && !x.stream {
		limit = DefaultMaxResponse
	} else if limit <= 0 {
		limit = math.MaxInt64
	}
	x.body.begin(&x.head.Head)
	err := x.body.bound(limit)
	return err == nil || o.overflow(x, err)
}

// overflow is called when a body is too large. It returns whether that is read
// all the same, and dropped, which has its limit, too.
func (o *outgoing) overflow(x *clientExchange, err error) bool {
	if o.flags&ConLingeringClose == 0 || o.tooLarge != nil || x.body.left > DefaultMaxResponse {
		o.fail(ReqDataTooLong, err)
		return false
	}
	o.tooLarge = err
	x.body.limit = x.body.total + DefaultMaxResponse
	x.input.Drain(x.input.Len())
	return true
}

// current reports whether x is still the request that is under way.
func (o *outgoing) current(x *clientExchange) bool {
	return o.bev != nil && len(o.queue) > 0 && o.queue[0] == x
}

// first returns the request that is being sent or answered, or nil.
func (o *outgoing) first() *clientExchange {
	if len(o.queue) == 0 {
		return nil
	}
	return o.queue[0]
}

func (o *outgoing) readBody() (more bool) {
	x := o.queue[0]
	most, dst := math.MaxInt32, x.Input()
	if o.tooLarge != nil {
		dst = nil
	} else if most = x.room(); most <= 0 {
		o.pause(x)
		return false
	}
	n, err := x.body.read(o.bev.Input(), dst, most, o.limits)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		return o.overflow(x, err)
	case err != nil:
		o.fail(ReqInvalidHeader, err)
	case x.body.complete():
		o.complete(x)
	case n > 0:
		o.expect(o.readTimeout)
		if x.onChunk != nil && o.tooLarge == nil {
			o.invoke(&x.Request, x.onChunk)
		}
		return true
	}
	return o.state == inResponse // another one, whose answer was there before
}

// pause rests until the user has taken some of the body.
func (o *outgoing) pause(x *clientExchange) {
	x.pause()
	o.bev.Disable(event.Read)
	o.expectNothing()
}

// resume goes on with reading after a pause.
func (o *outgoing) resume(x *clientExchange) {
	o.expect(o.readTimeout)
	if o.ended == nil {
		if err := o.bev.Enable(event.Read); err != nil {
			o.failLater(err)
			return
		}
	}
	o.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

// complete is called when all of the answer has come.
func (o *outgoing) complete(x *clientExchange) {
	if o.tooLarge != nil {
		o.fail(ReqDataTooLong, o.tooLarge)
		return
	}
	x.received = true
	if x.body.framing == wire.Chunked {
		x.inTrailer = &x.body.chunks.Trailer
	}
	if x.stream {
		o.invoke(&x.Request, x.onChunk)
		if !o.current(x) {
			return
		}
	}
	if x.sending == sendBody && x.expected >= 0 && x.sent == x.expected {
		x.sending = sendDone // nobody has said so yet, but it is all that was announced
		o.reach(x, wroteAll)
	}
	o.queue = slices.Delete(o.queue, 0, 1)
	o.expectNothing()
	o.reused, x.onSent = true, nil
	if x.body.framing == wire.Tunnel {
		o.offer(x)
		return
	}
	sent := x.sending == sendDone && o.bev.Output().Len() == 0
	if sent {
		o.state = idle
	}
	// What nobody has asked for must not answer the next request.
	if !sent || o.last || o.ended != nil || o.bev.Input().Len() > 0 {
		o.disconnect()
	}
	o.over(x, nil)
}

// offer lets the user take the stream, which is not HTTP any more.
func (o *outgoing) offer(x *clientExchange) {
	o.state = leaving
	x.cause = nil
	if x.onDone != nil {
		o.invoke(&x.Request, x.onDone)
	}
	if x.ex != nil {
		x.conclude(nil)
	}
	if o.state == leaving && !o.freed {
		o.disconnect()
	}
	o.next()
}

var errRefused = fmt.Errorf("header refused: %w", ErrDone)
