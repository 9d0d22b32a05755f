package evhttp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// A RequestError is why a request has failed (enum evhttp_request_error).
type RequestError int

// The reasons.
const (
	ReqTimeout       RequestError = iota // EVREQ_HTTP_TIMEOUT
	ReqEOF                               // EVREQ_HTTP_EOF
	ReqInvalidHeader                     // EVREQ_HTTP_INVALID_HEADER
	ReqBufferError                       // EVREQ_HTTP_BUFFER_ERROR
	ReqCancel                            // EVREQ_HTTP_REQUEST_CANCEL
	ReqDataTooLong                       // EVREQ_HTTP_DATA_TOO_LONG
)

// String says it in words.
func (e RequestError) String() string {
	return [...]string{"timeout", "connection ended", "invalid answer", "buffer error", "cancelled", "answer too long"}[e]
}

// An Error says why a request has failed.
type Error struct {
	Code RequestError
	Err  error
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// ErrNotClient says that only a client can do that.
var ErrNotClient = errors.New("not a client's connection")

// NewRequest makes a request for a client to send. done is called when it was
// answered, or has failed, which Request.Err tells (evhttp_request_new).
func NewRequest(done func(r *Request)) *Request {
	r := &Request{onDone: done, kept: true}
	r.input.SetObserver(r)
	return r
}

// Err returns why the request has failed, or nil.
func (r *Request) Err() error { return r.cause }

// SetErrorCallback sets what is called, before anything else, when the request
// has failed; err is an *Error on a client (evhttp_request_set_error_cb).
func (r *Request) SetErrorCallback(fn func(r *Request, err error)) { r.onError = fn }

// MakeRequest sends a request, with what is in its Output as the body, when all
// before it were answered. The uri is a path, or what else the server is to get
// to see. The error is ErrInvalid if method or uri cannot be sent
// (evhttp_make_request).
func (c *Conn) MakeRequest(r *Request, method Method, uri string) error {
	return c.makeRequest(r, method, method.String(), uri, false)
}

// MakeCustomRequest is MakeRequest with a method that has no name here.
func (c *Conn) MakeCustomRequest(r *Request, method, uri string) error {
	return c.makeRequest(r, methodOf([]byte(method)), method, uri, false)
}

// StartRequest is MakeRequest for a request whose body follows with
// SendReplyChunk and SendReplyEnd. ready is called when it is time for that.
func (c *Conn) StartRequest(r *Request, method Method, uri string, ready func(r *Request)) error {
	r.onReady = ready
	return c.makeRequest(r, method, method.String(), uri, true)
}

func (c *Conn) makeRequest(r *Request, method Method, name, uri string, follows bool) error {
	o, ok := c.side.(*outgoing)
	if !ok {
		return fmt.Errorf("request %s: %w", uri, ErrNotClient)
	}
	if _, err := wire.AppendRequestLine(nil, name, uri); err != nil {
		return err
	}
	if c.freed || r.ex != nil {
		return fmt.Errorf("request %s %s: %w", name, uri, ErrDone)
	}
	r.conn, r.ex = c, o
	r.method, r.name, r.target = method, name, uri
	r.cause, r.follows = nil, follows
	o.queue = append(o.queue, r)
	o.next()
	return nil
}

// begin sends a request, all of it unless its body follows.
func (o *outgoing) begin(r *Request) {
	o.state = inResponse
	o.answering, o.sentAll = false, false
	r.respHead.Reset(r.name)
	length := int64(r.output.Len())
	if r.follows {
		length = -1
	}
	o.expect(o.readTimeout)
	if err := o.sendHead(r, length); err != nil {
		o.fail(ReqBufferError, err)
		return
	}
	r.sending = sendBody
	if r.follows {
		if r.onReady != nil && r.expectsContinue() == false {
			r.onReady(r)
		}
		return
	}
	if length > 0 && !r.expectsContinue() {
		o.goOn(r)
		return
	}
	if length == 0 {
		r.sending = sendDone
	}
}

func (r *Request) expectsContinue() bool {
	return r.header.fields().HasTokenKnown(wire.Expect, "100-continue")
}

// goOn sends the body of a request, when it is time for it.
func (o *outgoing) goOn(r *Request) {
	if r.sending != sendBody {
		return
	}
	if r.follows {
		if r.onReady != nil {
			r.onReady(r)
		}
		return
	}
	if err := r.send(&r.output); err != nil {
		o.fail(ReqBufferError, err)
		return
	}
	r.end("send request")
}

// sendHead implements exchange.
func (o *outgoing) sendHead(r *Request, length int64) error {
	head, err := wire.AppendRequestLine(o.scratch[:0], r.name, r.target)
	if err != nil {
		return err
	}
	f := r.header.fields()
	if !f.Contains(wire.Host) {
		head = append(append(append(head, "Host: "...), o.hostField()...), wire.CRLF...)
	}
	head = o.appendFraming(head, r, length)
	for i := range f.Len() {
		name, value := f.At(i)
		switch wire.NameOfBytes(name) {
		case wire.ContentLength, wire.TransferEncoding:
			continue
		}
		head = append(append(append(append(head, name...), ": "...), value...), wire.CRLF...)
	}
	if f.HasTokenKnown(wire.Connection, "close") {
		o.last = true
	}
	head = append(head, wire.CRLF...)
	o.scratch = head[:0]
	return o.bev.Output().Add(head)
}

// appendFraming says how the body is delimited. Methods that usually have one
// say so even if it is empty (RFC 9110, section 8.6).
func (o *outgoing) appendFraming(head []byte, r *Request, length int64) []byte {
	const usual = MethodPost | MethodPut | MethodPatch
	if length < 0 {
		if n, ok := announced(r.header.fields()); ok {
			length = n
		}
	}
	r.expected = length
	switch {
	case length > 0 || length == 0 && r.method&usual != 0:
		return wire.AppendContentLength(head, length)
	case length < 0:
		r.chunked = true
		return append(head, "Transfer-Encoding: chunked\r\n"...)
	}
	return head
}

// hostField returns the value of a Host field: without the port if it is that
// of the scheme, which is taken to be HTTP's or HTTPS's by the number.
func (o *outgoing) hostField() string {
	host := o.host
	if slices.Contains([]byte(host), ':') {
		host = "[" + host + "]"
	}
	if o.port == 0 || o.port == 80 || o.port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(o.port)
}

// sendData implements exchange.
func (o *outgoing) sendData(r *Request, data *evbuffer.Buffer) error {
	return sendData(o.bev.Output(), r, data, &o.scratch)
}

// sendEnd implements exchange.
func (o *outgoing) sendEnd(r *Request) error { return sendEnd(o.bev.Output(), r, &o.scratch) }

// whenSent implements exchange.
func (o *outgoing) whenSent(_ *Request, fn func()) {
	o.sentFunc = fn
	if o.bev.Output().Len() == 0 {
		o.bev.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// resume implements exchange.
func (o *outgoing) resume(r *Request) {
	r.paused = false
	o.expect(o.readTimeout)
	o.bev.Enable(event.Read)
	o.bev.Trigger(event.Read, bufferevent.TrigDeferCallbacks)
}

// cancel implements exchange.
func (o *outgoing) cancel(r *Request) {
	i := slices.Index(o.queue, r)
	if i < 0 {
		return
	}
	o.queue = slices.Delete(o.queue, i, i+1)
	r.cause = &Error{Code: ReqCancel, Err: ErrDone}
	r.over(r.cause)
	if i == 0 && (o.state == inResponse || o.state == inResponseBody) {
		o.disconnect()
	}
	o.next()
}
