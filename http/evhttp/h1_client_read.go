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
	r, in := o.queue[0], o.bev.Input()
	if in.Len() == 0 {
		return false
	}
	o.answering = true
	if o.starting { // the server does not wait for the body
		if o.goOn(r); !o.current(r) {
			return false
		}
	}
	done, err := readHead(in, &r.respHead, o.limits)
	switch {
	case err != nil:
		o.fail(ReqInvalidHeader, err)
		return false
	case !done:
		return false
	case r.respHead.Informational():
		return o.inform(r)
	}
	return o.headComplete(r)
}

// inform deals with an informational response.
func (o *outgoing) inform(r *Request) (more bool) {
	if o.informed++; o.informed > maxInformational {
		o.fail(ReqInvalidHeader, ErrInformational)
		return false
	}
	if fn := r.client.onInformational; fn != nil {
		o.run(r, func() { fn(r, r.respHead.Status, (*Header)(&r.respHead.Header)) })
		if !o.current(r) {
			return false
		}
	}
	code := r.respHead.Status
	r.respHead.Again()
	if code == 100 && o.awaiting {
		o.goOn(r)
		return o.current(r)
	}
	if o.timed {
		o.expect(o.readTimeout)
	}
	return true
}

func (o *outgoing) headComplete(r *Request) (more bool) {
	h := &r.respHead
	o.state, o.awaiting = inResponseBody, false
	r.incoming, r.code = &h.Head.Head, h.Status
	if phrase := message.ReasonPhrase(h.Status); string(h.Reason()) == phrase {
		r.reason = phrase
	} else {
		r.reason = string(h.Reason())
	}
	o.last = o.last || !h.KeepAlive
	o.timed = true
	o.expect(o.readTimeout)
	if h.Status == 101 && !r.header.fields().Contains(message.Upgrade) {
		o.fail(ReqInvalidHeader, ErrUpgrade)
		return false
	}
	if r.sending == sendDone {
		r.output.Drain(r.output.Len()) // it will not be sent again
	}
	if r.onHeader != nil && !o.consult(r, r.onHeader) {
		if o.current(r) {
			o.fail(ReqCancel, errRefused)
		}
		return false
	}
	return o.current(r) && o.beginBody(r)
}

// beginBody gets ready for the body.
func (o *outgoing) beginBody(r *Request) bool {
	limit := o.maxBody
	if limit < 0 && !r.stream {
		limit = DefaultMaxResponse
	} else if limit <= 0 {
		limit = math.MaxInt64
	}
	r.body.begin(&r.respHead.Head)
	err := r.body.bound(limit)
	return err == nil || o.overflow(r, err)
}

// overflow is called when a body is too large. It returns whether that is read
// all the same, and dropped, which has its limit, too.
func (o *outgoing) overflow(r *Request, err error) bool {
	if o.flags&ConLingeringClose == 0 || o.tooLarge != nil || r.body.left > DefaultMaxResponse {
		o.fail(ReqDataTooLong, err)
		return false
	}
	o.tooLarge = err
	r.body.limit = r.body.total + DefaultMaxResponse
	r.input.Drain(r.input.Len())
	return true
}

// current reports whether r is still the request that is under way.
func (o *outgoing) current(r *Request) bool {
	return o.bev != nil && len(o.queue) > 0 && o.queue[0] == r
}

// first returns the request that is being sent or answered, or nil.
func (o *outgoing) first() *Request {
	if len(o.queue) == 0 {
		return nil
	}
	return o.queue[0]
}

func (o *outgoing) readBody() (more bool) {
	r := o.queue[0]
	most, dst := math.MaxInt32, r.Input()
	if o.tooLarge != nil {
		dst = nil
	} else if r.stream {
		if most = maxUntaken - r.input.Len(); most <= 0 {
			o.pause(r)
			return false
		}
	}
	n, err := r.body.read(o.bev.Input(), dst, most, o.limits)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		return o.overflow(r, err)
	case err != nil:
		o.fail(ReqInvalidHeader, err)
	case r.body.complete():
		o.complete(r)
	case n > 0:
		o.expect(o.readTimeout)
		if r.onChunk != nil && o.tooLarge == nil {
			o.invoke(r, r.onChunk)
		}
		return true
	}
	return o.state == inResponse // another one, whose answer was there before
}

// pause rests until the user has taken some of the body.
func (o *outgoing) pause(r *Request) {
	r.paused = true
	o.bev.Disable(event.Read)
	o.expectNothing()
}

// resume implements exchange.
func (o *outgoing) resume(r *Request) {
	r.paused = false
	o.expect(o.readTimeout)
	if o.ended == nil {
		if err := o.bev.Enable(event.Read); err != nil {
			o.failLater(err)
			return
		}
	}
	o.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

func (r *Request) untilClose() bool { return r.body.framing == wire.UntilClose }

// complete is called when all of the answer has come.
func (o *outgoing) complete(r *Request) {
	if o.tooLarge != nil {
		o.fail(ReqDataTooLong, o.tooLarge)
		return
	}
	r.received = true
	if r.stream {
		o.invoke(r, r.onChunk)
		if !o.current(r) {
			return
		}
	}
	if r.sending == sendBody && r.expected >= 0 && r.sent == r.expected {
		r.sending = sendDone // nobody has said so yet, but it is all that was announced
		o.reach(r, wroteAll)
	}
	o.queue = slices.Delete(o.queue, 0, 1)
	o.expectNothing()
	o.reused, o.sentFunc = true, nil
	if r.body.framing == wire.Tunnel {
		o.offer(r)
		return
	}
	sent := r.sending == sendDone && o.bev.Output().Len() == 0
	if sent {
		o.state = idle
	}
	// What nobody has asked for must not answer the next request.
	if !sent || o.last || o.ended != nil || o.bev.Input().Len() > 0 {
		o.disconnect()
	}
	o.over(r, nil)
}

// offer lets the user take the stream, which is not HTTP any more.
func (o *outgoing) offer(r *Request) {
	o.state = leaving
	r.cause = nil
	if r.client.onDone != nil {
		o.invoke(r, r.client.onDone)
	}
	if r.ex != nil {
		r.over(nil)
	}
	if o.state == leaving && !o.freed {
		o.disconnect()
	}
	o.next()
}

var errRefused = fmt.Errorf("header refused: %w", ErrDone)
