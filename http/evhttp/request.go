package evhttp

import (
	"context"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evuri"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/route"
)

// A Request is a message and the answer to it, on whichever side: what a server
// got and answers, or what a client sends and has answered. "Input" is what
// comes from the peer, "output" what goes there (struct evhttp_request).
//
// A server's request belongs to the server. It ends when it was answered, unless
// [Request.Own] keeps it; one that was answered before its callback returned is
// used again for another one after that, so do not keep it. Once a request that
// was kept is over, its methods say so, with ErrDone or nothing, and never touch
// what came after it.
type Request struct {
	// Data is for the user.
	Data any

	conn   *Conn
	ex     exchange        // nil when it is over
	past   exchange        // that it had, once it is over
	client *clientExchange // of a request that a client sends, or nil

	asked     *message.Head   // that of a server's request, or nil
	incoming  *message.Head   // that of the peer's message, once it has come
	inTrailer *message.Fields // the trailer of it, once all of it has come, or nil
	input     evbuffer.Owned

	method   Method
	name     string // of the method, if it is not one of ours, or not asked for
	target   string // of a client's request, or once it was asked for
	code     int
	reason   string
	header   Header // that goes to the peer
	trailer  *Header
	output   evbuffer.Buffer
	sent     int64 // bytes of the body
	expected int64 // bytes of the body that were announced, message.Unknown, or noBody

	sending      messageState
	duplex       duplexMode
	received     bool // all of the peer's message has come
	paused       bool // reading the body rests
	bare         bool // the answer gets no defaults: see OmitDefaults
	owned        bool // by the user
	kept         bool // there may be references to it: not to be used again
	stream       bool // the user takes the body as it comes
	reportedSent bool // the complete callback was called
	outlasts     bool // the answer goes on when the client has ended its stream

	handler handler      // of a server's request
	match   route.Match  // of the pattern that has led there
	uri     *evuri.URI   // once it was asked for
	source  *sourceReply // that yields the body of the answer
	cause   error        // why it is over

	ctx    context.Context
	cancel context.CancelCauseFunc

	onHeader   func(r *Request) bool
	onChunk    func(r *Request)
	onComplete func(r *Request)
	onError    func(r *Request, err error)
}

// reset returns a server's request to its initial state, but keeps memory of ordinary
// size. It names what there may be, because to copy all takes longer than to
// answer.
func (r *Request) reset() {
	r.Data = nil
	r.conn, r.ex, r.past, r.asked, r.incoming, r.inTrailer = nil, nil, nil, nil, nil, nil
	r.method, r.name, r.target, r.code, r.reason = 0, "", "", 0, ""
	r.header.Clear()
	r.trailer = nil
	if r.input.Len() > 0 || r.paused {
		r.input.Free()
	}
	if r.output.Len() > 0 {
		r.output.Free()
	}
	r.sent, r.expected = 0, 0
	messageStates.step(&r.sending, sendNothing)
	r.received, r.paused, r.bare = false, false, false
	r.owned, r.kept, r.stream, r.outlasts, r.reportedSent = false, false, false, false, false
	r.duplex = duplexByAnswer
	r.handler, r.uri, r.cause = handler{}, nil, nil
	r.match.Reset()
	r.ctx, r.cancel = nil, nil
	r.onHeader, r.onChunk, r.onComplete, r.onError = nil, nil, nil, nil
}

// giveBack frees what a request has in memory that is over and was not used up,
// unless its owner still wants it.
func (r *Request) giveBack() {
	if !r.owned {
		r.input.Free()
		r.output.Free()
	}
}

// over ends the request: nothing can be sent or comes any more. A cause is why
// it did not end well.
func (r *Request) over(cause error) {
	r.past, r.ex = r.ex, nil
	if r.cancel != nil {
		r.cancel(cause)
	}
	r.closeSource(cause)
	if cause != nil && r.onError != nil {
		r.tellError(cause)
	}
}

// disconnected cancels the context of an answer that the client will not read.
func (r *Request) disconnected() {
	if r.cancel != nil {
		r.cancel(errClosed)
	}
}

// BufferChanged implements evbuffer.Observer for the input: when the user has
// taken enough of a body that was not read for a while, reading goes on.
func (r *Request) BufferChanged(b *evbuffer.Buffer, _ evbuffer.CallbackInfo) {
	if r.paused && r.ex != nil && b.Len() <= maxUntaken/2 {
		r.ex.resume()
	}
}

// Conn returns the connection that carries the request. It is nil while a [Client] has the
// request wait until one of its connections is free, and once the request is over
// (evhttp_request_get_connection).
func (r *Request) Conn() *Conn {
	if r.ex == nil {
		return nil
	}
	return r.conn
}

// Base returns the base whose loop the request belongs to: that of the connection, or of
// the [Client] while the request waits for one. It is nil before the request is sent,
// and once it is over.
func (r *Request) Base() *event.Base {
	switch {
	case r.ex == nil:
		return nil
	case r.conn != nil:
		return r.conn.base
	case r.client != nil:
		return r.client.pool.client.base
	}
	return nil
}

// Own makes the request the caller's: it stays as it is after it is over, until
// Free (evhttp_request_own).
func (r *Request) Own() { r.owned, r.kept = true, true }

// Owned reports whether Own was called (evhttp_request_is_owned).
func (r *Request) Owned() bool { return r.owned }

// Free gives up a request that the caller owns, and cancels it if it is not over
// (evhttp_request_free).
func (r *Request) Free() {
	r.owned = false
	r.Cancel()
	r.input.Free()
	r.output.Free()
}

// Cancel gives the request up. A server's connection is closed, and the error
// callback not called any more. A client's connection is closed if the request had
// been sent; its error callback is told ReqCancel, and nothing else is called
// (evhttp_cancel_request).
func (r *Request) Cancel() {
	if r.client == nil {
		r.onError, r.onComplete = nil, nil
	}
	r.abort(nil)
}

// abort gives up a request, if it is not over, as the exchange does.
func (r *Request) abort(cause error) {
	if r.ex != nil {
		r.ex.abort(cause)
	}
}

// Context returns a context that is done when the request is over: also when the
// peer has gone, while the answer is being made. It may be used by any
// goroutine. It carries no values.
func (r *Request) Context() context.Context {
	if r.ctx == nil {
		r.kept = true
		r.ctx, r.cancel = context.WithCancelCause(context.Background())
		if r.ex == nil {
			r.cancel(ErrDone)
		}
	}
	return r.ctx
}

// SetHeaderCallback sets what is called when the header has come, before the
// body; false gives the request up (evhttp_request_set_header_cb).
func (r *Request) SetHeaderCallback(fn func(r *Request) bool) { r.onHeader = fn }

// SetChunkCallback sets what is called when some of the body has come, and when
// it is complete, instead of keeping all of it for the end. The callback takes
// what it wants from Input. When much is left there, no more is read until some
// was taken; in C what is left is dropped (evhttp_request_set_chunked_cb).
func (r *Request) SetChunkCallback(fn func(r *Request)) {
	r.onChunk, r.stream = fn, fn != nil
}

// SetCompleteCallback sets what is called once on a server when the answer was sent,
// to the last byte. It may be set after the answer was given, too, and is called then
// when nothing waits to be sent on the connection any more. It is not called for an
// answer that was cut off, or whose connection has ended before
// (evhttp_request_set_on_complete_cb).
func (r *Request) SetCompleteCallback(fn func(r *Request)) {
	r.onComplete = fn
	if r.ex == nil && r.past != nil && fn != nil {
		r.past.tellComplete()
	}
}

// SetErrorCallback sets what is called, before anything else, when the request
// has failed; err is an *Error on a client. It is all that is called when a
// client's request was cancelled. A server's request fails, too, when the client
// has ended its stream while the answer is still to come and nothing of it waits to
// be sent: most such clients have gone. Without this callback and that of
// [ClientConn.SetCloseCallback], the answer goes on, as those of files and of handlers of
// net/http do in any case; see also [Request.Context]
// (evhttp_request_set_error_cb).
func (r *Request) SetErrorCallback(fn func(r *Request, err error)) { r.onError = fn }
