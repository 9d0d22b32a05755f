package evhttp

import (
	"fmt"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
)

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

// Output returns the body that goes to the peer: what is in here when a reply is
// sent precedes what is given with it (evhttp_request_get_output_buffer).
func (r *Request) Output() *evbuffer.Buffer { return &r.output }

// SendReply answers a request with what is in Output and in body, which may be
// nil and is empty after that. An empty reason means the usual phrase. The error
// is ErrOrder if the request was answered already, ErrDone if it is over, or will be
// because its stream has failed, whose error is wrapped then, ErrInvalid if the code or
// the reason cannot be sent; then nothing was sent (evhttp_send_reply).
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
	return r.begun(r.ex.reply(body))
}

// sendHead begins an answer whose body has this length, or -1.
func (r *Request) sendHead(code int, reason string, length int64) error {
	if err := r.begin(code, reason); err != nil {
		return err
	}
	return r.begun(r.ex.sendHead(length))
}

// begun notes that the exchange has begun the answer, or takes begin back if it has
// failed to.
func (r *Request) begun(err error) error {
	if err != nil {
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
// ErrLength if there is more than was announced, ErrDone as for SendReply
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
// closed, if there is less of it than was announced, or ErrDone as for SendReply
// (evhttp_send_reply_end).
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
// caller's, without callbacks and timeouts, and reads; the end of the stream is
// told by the loop also if it has come before. The request is over. The error is
// ErrOrder if the request has not come completely or its answer is complete,
// ErrDone if it is over.
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
	if err := r.ex.sendData(data); err != nil {
		return err
	}
	r.sent += n
	return nil
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
