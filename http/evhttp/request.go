package evhttp

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-libevent/libevent/core/bufferevent"
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
	r.sending, r.received, r.paused, r.bare = sendNothing, false, false, false
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

// Conn returns the connection, or nil once the request is over, and while it waits for
// a connection of a [Client]
// (evhttp_request_get_connection).
func (r *Request) Conn() *Conn {
	if r.ex == nil {
		return nil
	}
	return r.conn
}

// Command returns the method, or 0 for one that has no name here
// (evhttp_request_get_command).
func (r *Request) Command() Method { return r.method }

// Method returns the name of the method.
func (r *Request) Method() string {
	if r.name == "" {
		if r.method != 0 && r.method <= MethodMax {
			return r.method.String()
		}
		if r.asked != nil {
			r.name = string(r.asked.Method())
		}
	}
	return r.name
}

// URI returns the request target as it was sent: the path and the query, or for
// a proxy the whole URI (evhttp_request_get_uri).
func (r *Request) URI() string {
	if r.target == "" && r.asked != nil {
		r.target = string(r.asked.Target())
	}
	return r.target
}

// ParsedURI returns the request target taken apart. The error is that of
// [evuri.Parse]: a target that HTTP allows may be no URI
// (evhttp_request_get_evhttp_uri).
func (r *Request) ParsedURI() (*evuri.URI, error) {
	if r.uri == nil {
		u, err := evuri.Parse(r.URI())
		if err != nil {
			return nil, err
		}
		r.uri = &u
	}
	return r.uri, nil
}

// Query returns the fields of the query of the request target. The error is that
// of [evuri.ParseQuery].
func (r *Request) Query() (evuri.Query, error) {
	_, query, _ := strings.Cut(r.URI(), "?")
	return evuri.ParseQuery(query)
}

// PathValue returns what a wildcard stands for of the pattern that has led to the
// handler, decoded; see [Server.HandlePattern].
func (r *Request) PathValue(name string) string { return r.match.Value(name) }

// FindPathValue is PathValue, and reports whether the pattern has that wildcard.
func (r *Request) FindPathValue(name string) (value string, ok bool) { return r.match.Find(name) }

// Pattern returns the pattern that has led to the handler, or nothing.
func (r *Request) Pattern() string { return r.match.Pattern() }

// Host returns the host that the request is for, without the port: that of the
// target if it has one, otherwise that of the Host field
// (evhttp_request_get_host).
func (r *Request) Host() string {
	if r.asked == nil {
		return ""
	}
	return string(withoutPort(r.asked.Host()))
}

// Proto returns the version of HTTP of the peer's message as text, such as
// "HTTP/1.1". Before its head has come, it is that of the connection; when the request is
// over without one, nothing.
func (r *Request) Proto() string {
	if p := r.version(); p != (message.Proto{}) {
		return p.String()
	}
	return ""
}

// Major returns the major version that Proto tells: 1 for HTTP/1.1, or 0 for none.
func (r *Request) Major() int { return int(r.version().Major) }

// Minor returns the minor version that Proto tells: 0 for HTTP/1.0, 1 for HTTP/1.1.
func (r *Request) Minor() int { return int(r.version().Minor) }

func (r *Request) version() message.Proto {
	switch {
	case r.incoming != nil:
		return r.incoming.Proto
	case r.ex != nil:
		return r.ex.proto()
	}
	return message.Proto{}
}

// InputHeaders returns the header fields that have come from the peer
// (evhttp_request_get_input_headers).
func (r *Request) InputHeaders() *Header {
	if r.incoming == nil {
		return new(Header)
	}
	return (*Header)(&r.incoming.Header)
}

// InputTrailers returns the trailer fields that have come from the peer, which
// has happened when the message is complete. They are not part of the header, so
// that no peer can slip in there what others have not seen.
func (r *Request) InputTrailers() *Header {
	if r.inTrailer == nil {
		return new(Header)
	}
	return (*Header)(r.inTrailer)
}

// OutputHeaders returns the header fields that go to the peer, to be filled
// before they do (evhttp_request_get_output_headers).
func (r *Request) OutputHeaders() *Header { return &r.header }

// OutputTrailers returns the trailer fields that go to the peer after a body
// that is sent in chunks.
func (r *Request) OutputTrailers() *Header {
	if r.trailer == nil {
		r.trailer = new(Header)
	}
	return r.trailer
}

// Input returns the body that has come from the peer
// (evhttp_request_get_input_buffer).
func (r *Request) Input() *evbuffer.Buffer { return &r.input.Buffer }

// Output returns the body that goes to the peer: what is in here when a reply is
// sent precedes what is given with it (evhttp_request_get_output_buffer).
func (r *Request) Output() *evbuffer.Buffer { return &r.output }

// Complete reports whether all of the peer's message has come.
func (r *Request) Complete() bool { return r.received }

// ResponseCode returns the status code of the answer, or 0 if there is none yet
// (evhttp_request_get_response_code).
func (r *Request) ResponseCode() int { return r.code }

// Reason returns the reason phrase of the answer
// (evhttp_request_get_response_code_line).
func (r *Request) Reason() string { return r.reason }

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

// Base returns the base of the connection, or nil once the request is over, and while
// it waits for a connection of a [Client].
func (r *Request) Base() *event.Base {
	if r.ex == nil || r.conn == nil {
		return nil
	}
	return r.conn.base
}

// Path returns the path of the request target as it was sent, without the query;
// "/" where a whole URI has none, nothing where the target has no path.
func (r *Request) Path() string { return string(pathOf(r)) }

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

// SendReply answers a request with what is in Output and in body, which may be
// nil and is empty after that. An empty reason means the usual phrase. The error
// is ErrOrder if the request was answered already, ErrDone if it is over,
// ErrInvalid if the code or the reason cannot be sent; then nothing was sent
// (evhttp_send_reply).
func (r *Request) SendReply(code int, reason string, body *evbuffer.Buffer) error {
	const op = "send reply"
	length := int64(r.output.Len())
	if body != nil {
		length += int64(body.Len())
	}
	if err := r.sendHead(code, reason, length); err != nil {
		return r.failed(op, err)
	}
	if err := r.sendParts(&r.output, body); err != nil {
		return r.failed(op, err)
	}
	return r.end(op)
}

// SendReplyBytes is SendReply with a body that must not change before it was
// sent, unless it is short, when it is copied.
func (r *Request) SendReplyBytes(code int, reason string, body []byte) error {
	const op = "send reply"
	if len(body) <= shortBody && r.output.Len() == 0 {
		if err := r.reply(code, reason, body); err != nil {
			return r.failed(op, err)
		}
		return r.end(op)
	}
	if err := r.may(sendNothing); err != nil {
		return r.failed(op, err)
	}
	if len(body) > 0 {
		if err := r.output.AddReference(body, nil); err != nil {
			return r.failed(op, err)
		}
	}
	return r.SendReply(code, reason, nil)
}

// reply sends an answer up to its end.
func (r *Request) reply(code int, reason string, body []byte) error {
	if err := r.begin(code, reason); err != nil {
		return err
	}
	if err := r.ex.reply(body); err != nil {
		r.code, r.reason = 0, ""
		return err
	}
	messageStates.step(&r.sending, sendBody)
	return nil
}

// sendHead begins an answer whose body has this length, or -1.
func (r *Request) sendHead(code int, reason string, length int64) error {
	if err := r.begin(code, reason); err != nil {
		return err
	}
	if err := r.ex.sendHead(length); err != nil {
		r.code, r.reason = 0, ""
		return err
	}
	messageStates.step(&r.sending, sendBody)
	return nil
}

// sendParts sends what there is in buffers, which may be nil.
func (r *Request) sendParts(parts ...*evbuffer.Buffer) error {
	for _, b := range parts {
		if b == nil || b.Len() == 0 {
			continue
		}
		if err := r.send(b); err != nil {
			return err
		}
	}
	return nil
}

// SendReplyStart begins an answer whose body follows with SendReplyChunk and
// ends with SendReplyEnd. It is sent in chunks, unless a Content-Length among
// the output headers announces how long it will be; to a client of HTTP/1.0 it
// ends with the connection. What is in Output goes first. An answer that begins
// before the body of the request has come is the connection's last one, and says
// "Connection: close", unless little of that body is left, or it is a 2xx and a chunk
// callback takes the body; what that leaves is read and dropped. After 101, or 2xx for
// CONNECT, comes [Request.Hijack]. The errors are those of SendReply
// (evhttp_send_reply_start).
func (r *Request) SendReplyStart(code int, reason string) error {
	const op = "start reply"
	if err := r.sendHead(code, reason, -1); err != nil {
		return r.failed(op, err)
	}
	if err := r.sendParts(&r.output); err != nil {
		return r.failed(op, err)
	}
	return nil
}

// SendReplyChunk sends the next part of the body, and empties data. On a client
// it is the body of the request. The error is ErrOrder if none was begun,
// ErrLength if there is more than was announced, ErrDone if the request is over
// (evhttp_send_reply_chunk).
func (r *Request) SendReplyChunk(data *evbuffer.Buffer) error {
	if err := r.may(sendBody); err != nil {
		return r.failed("send chunk", err)
	}
	if data == nil || data.Len() == 0 {
		return nil
	}
	if err := r.send(data); err != nil {
		return r.failed("send chunk", err)
	}
	return nil
}

// SendReplyChunkFunc is SendReplyChunk, and calls sent when all has left for the
// peer: time for the next part, when there is much to send and a reader that may
// be slow. Functions that wait for several parts are called one after the other, when
// nothing waits to be sent any more; none is called if the request ends before that
// (evhttp_send_reply_chunk_with_cb).
func (r *Request) SendReplyChunkFunc(data *evbuffer.Buffer, sent func()) error {
	if err := r.SendReplyChunk(data); err != nil {
		return err
	}
	if sent != nil {
		r.ex.whenSent(sent)
	}
	return nil
}

// SendReplyEnd ends the body. The error is ErrLength, and the connection is
// closed, if there is less of it than was announced (evhttp_send_reply_end).
func (r *Request) SendReplyEnd() error {
	if err := r.may(sendBody); err != nil {
		return r.failed("end reply", err)
	}
	return r.end("end reply")
}

// SendInformational sends an interim answer, 102 to 199, with the output headers,
// which stay for the answer that follows; or 100, without any, to a client that
// waits before it sends the body. Clients of HTTP/1.0 get nothing. The errors
// are those of SendReply, and ErrNotServer.
func (r *Request) SendInformational(code int) error {
	err := r.mayAnswer()
	switch {
	case err != nil:
	case code < 100 || code == 101 || code > 199:
		err = fmt.Errorf("status %d: %w", code, ErrInvalid)
	case r.version() == message.HTTP10:
	case code == 100:
		r.ex.wantBody(true)
	default:
		err = r.ex.inform(code)
	}
	if err != nil {
		return r.failed("send informational reply", err)
	}
	return nil
}

// Hijack takes the stream away from HTTP: after CONNECT, or for another protocol
// that the client has asked for with Upgrade. What the client has sent after the
// request is in its input, and what was sent before, such as the answer that
// agrees, begun with SendReplyStart, in its output. The bufferevent is the
// caller's, without callbacks and timeouts, and reads; the request is over. The
// error is ErrOrder if the request has not come completely or its answer is
// complete, ErrDone if it is over.
//
// The context of the request is not done by this, and not afterwards.
//
// A client calls it when its request is done, if the answer was that the stream is
// not HTTP any more: 101, or 2xx to CONNECT. What it does not take is closed. The
// error is ErrOrder after any other answer.
func (r *Request) Hijack() (*bufferevent.Bufferevent, error) {
	if r.ex == nil {
		return nil, r.failed("hijack", ErrDone)
	}
	cancel := r.cancel
	r.cancel = nil
	b, err := r.ex.detach()
	if err != nil {
		if r.cancel = cancel; cancel != nil && r.ex == nil {
			cancel(r.cause)
		}
		return nil, r.failed("hijack", err)
	}
	return b, nil
}

// answerHasNoBody reports whether the answer has no body whatever its head says
// (RFC 9110, section 6.4.1): that to HEAD, for one.
func (r *Request) answerHasNoBody() bool {
	switch r.code {
	case 204, 205, 304:
		return true
	}
	return r.method == MethodHead || r.tunnels()
}

// tunnels reports whether what follows the answer is another protocol.
func (r *Request) tunnels() bool {
	return r.code == 101 || r.method == MethodConnect && r.code/100 == 2
}

// begin notes a code and a reason if an answer may begin.
func (r *Request) begin(code int, reason string) error {
	if err := r.mayAnswer(); err != nil {
		return err
	}
	if code < 200 && code != 101 || code > 999 {
		return fmt.Errorf("status %d: %w", code, ErrInvalid)
	}
	r.code, r.reason = code, reason
	if reason == "" {
		r.reason = message.ReasonPhrase(code)
	}
	return nil
}

// may returns an error unless our message has got as far as this.
func (r *Request) may(stage messageState) error {
	switch {
	case r.ex == nil:
		return ErrDone
	case r.sending != stage:
		return ErrOrder
	}
	return nil
}

// mayAnswer returns an error unless an answer may begin.
func (r *Request) mayAnswer() error {
	if r.client != nil {
		return ErrNotServer
	}
	return r.may(sendNothing)
}

// send sends a part of the body.
func (r *Request) send(data *evbuffer.Buffer) error {
	if r.expected == noBody {
		return data.Drain(data.Len())
	}
	n := int64(data.Len())
	if r.expected >= 0 && n > r.expected-r.sent {
		return ErrLength
	}
	r.sent += n
	return r.ex.sendData(data)
}

func (r *Request) end(op string) error {
	messageStates.step(&r.sending, sendDone)
	err := error(nil)
	if r.expected >= 0 && r.sent < r.expected {
		err = ErrLength
	} else {
		err = r.ex.sendEnd()
	}
	if err != nil {
		r.abort(err)
		return r.failed(op, err)
	}
	return nil
}

func (r *Request) failed(op string, err error) error {
	return fmt.Errorf("evhttp: %s to %s %s: %w", op, r.Method(), r.URI(), err)
}
