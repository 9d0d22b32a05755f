package evhttp

import (
	"math"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
)

// An exchange carries one request and its answer: a turn of an HTTP/1.1 connection, or a
// stream of a protocol that has many at a time. It is the seam between [Request], which
// knows what HTTP means, and the protocols, which know how messages are framed. A Request
// has an exchange as long as it can still be answered or sent.
//
// On a server the message that is sent is the answer, on a client the request. The calls
// come in the order of that message: the head once, data any number of times, the end
// once; or reply in place of all three. None of them calls back into the user's code
// before it returns, except abort. What cannot be sent any more, because the connection has
// failed, is ErrDone, or nothing on a client, whose answer may still come. An exchange ends
// by calling Request.over, once; nothing is called on it after that but tellComplete.
//
// In the other direction an exchange appends the body of the peer's message to
// Request.input, as long as Request.room says so. When there is no room it stops reading,
// and says so with Request.pause, until resume is called.
type exchange interface {
	// proto returns the version of HTTP that the exchange speaks, whatever older version
	// the peer's message may have.
	proto() message.Proto

	// sendHead sends the head of an answer, Request.code and the header. length is that
	// of the body, or message.Unknown. It sets Request.expected: to the length that was
	// announced, to message.Unknown, or to noBody if the answer has none by definition.
	// A client's request has its head sent when the exchange begins, so that this is
	// ErrNotServer there; so are reply and inform.
	sendHead(length int64) error
	// reply sends a head and all of a body in one piece. The body is copied; that is for
	// bodies of up to shortBody bytes. sendEnd follows.
	reply(body []byte) error
	// inform sends an informational response (1xx, but not 100 and 101) with the header.
	inform(code int) error
	// sendData sends a part of the body, and takes it out of data.
	sendData(data *evbuffer.Buffer) error
	// sendEnd ends the message, with Request.trailer if the protocol can send one.
	sendEnd() error
	// whenSent has a function called when nothing of what was sent waits to leave any
	// more. There may be several; they are called in the order in which they came, and
	// not at all if the exchange ends before.
	whenSent(fn func())
	// tellComplete has Request.onComplete called when the answer, which is over, has
	// left. It does nothing on a client, whose requests end with the answer.
	tellComplete()

	// wantBody says whether the body of a request is wanted now. A client that waits
	// before it sends the body (100-continue) is told to go on if it is, and kept waiting
	// after its head was handled if not; an exchange begins with neither. On a client it
	// does nothing: servers do not wait.
	wantBody(want bool)
	// resume goes on with reading the peer's body after Request.pause.
	resume()

	// abort gives the exchange up. Without a cause that is at once, and nothing more is
	// sent; with one, what was sent before still leaves, in a way that lets the peer tell
	// that the message is not complete, if the protocol has one.
	abort(cause error)
	// detach ends the exchange and returns what has carried it, as a stream of another
	// protocol: after 101, or 2xx to CONNECT. What was sent before is in its output, what
	// has come since in its input; it has no callbacks and timeouts, and reads. The error
	// is ErrOrder if the messages have not come that far.
	detach() (*bufferevent.Bufferevent, error)
}

// noBody is the length of the body of a message that has none, whatever its head says: of
// the answer to HEAD, for one. Data for it is dropped.
const noBody int64 = -3

// room returns how much more of the peer's body may be appended to the input.
func (r *Request) room() int {
	if !r.stream {
		return math.MaxInt32
	}
	return maxUntaken - r.input.Len()
}

// pause is called by an exchange that stops reading because there is no room. It is
// resumed when enough was taken.
func (r *Request) pause() {
	r.paused = true
	r.input.Own(r)
}

// unpause ends a pause, and reports whether there was one.
func (r *Request) unpause() (paused bool) {
	paused, r.paused = r.paused, false
	return paused
}
