package evhttp

import (
	"fmt"
	"strconv"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// shortBody is the most bytes of a body that are copied behind the head, which is
// faster than to keep track of where they are.
const shortBody = 4 << 10

// sendHead implements exchange.
func (c *served) sendHead(r *Request, length int64) error {
	if length < 0 && r.onChunk != nil && r.code/100 == 2 { // it goes on while the body comes
		r.duplex = r.duplex || !r.outlasts
		if !r.patient {
			c.askForBody(r)
		}
	}
	head, err := c.appendHead(c.server.scratch[:0], r, length)
	if err != nil {
		return err
	}
	c.server.scratch = head[:0]
	return c.bev.Output().Add(head)
}

// sendShort sends a head and all of a short body in one piece.
func (c *served) sendShort(r *Request, code int, reason string, body []byte) error {
	if err := r.begin(code, reason); err != nil {
		return err
	}
	all, err := c.appendHead(c.server.scratch[:0], r, int64(len(body)))
	if err != nil {
		r.code, r.reason = 0, ""
		return err
	}
	if !r.bodiless {
		all = append(all, body...)
		r.sent = int64(len(body))
	}
	c.server.scratch = all[:0]
	r.sending = sendBody
	return c.bev.Output().Add(all)
}

// appendHead appends the status line and the header.
func (c *served) appendHead(head []byte, r *Request, length int64) ([]byte, error) {
	head, err := wire.AppendStatusLine(head, r.code, r.reason)
	if err != nil {
		return head, err
	}
	if r.code == 205 {
		length = 0 // there is no content (RFC 9110, section 15.3.6)
	}
	r.bodiless = r.method == MethodHead || r.code == 204 || r.code == 205 || r.code == 304 || r.tunnels()
	head = c.appendFields(head, r, length)
	return append(head, wire.CRLF...), nil
}

// tunnels reports whether what follows the answer is another protocol.
func (r *Request) tunnels() bool {
	return r.code == 101 || r.method == MethodConnect && r.code/100 == 2
}

// appendFields appends the header: what the user has set, but for what frames
// the message, which is ours to say.
func (c *served) appendFields(head []byte, r *Request, length int64) []byte {
	s, f := c.server, r.header.fields()
	if s.draining || f.HasTokenKnown(message.Connection, "close") || !r.received && !c.willRead(r) {
		c.last = true
	}
	if !f.Contains(message.Date) {
		head = append(s.date.Append(append(head, "Date: "...), c.base.Now()), wire.CRLF...)
	}
	if s.contentType != "" && !r.untyped && length != 0 && !f.Contains(message.ContentType) && r.code != 204 && r.code != 304 && !r.tunnels() {
		head = appendLine(head, "Content-Type", s.contentType)
	}
	head = c.appendFraming(head, r, length)
	head = appendUsers(head, f)
	switch {
	case r.tunnels():
	case c.last:
		head = append(head, "Connection: close\r\n"...)
	case r.Minor() == 0:
		head = append(head, "Connection: keep-alive\r\n"...)
	}
	return head
}

// appendUsers appends the fields that the user has set, but for those that are
// ours to set.
func appendUsers(head []byte, f *message.Fields) []byte {
	for i := range f.Len() {
		name, value := f.At(i)
		switch message.NameOf(name) {
		case message.ContentLength, message.TransferEncoding, message.KeepAlive:
			continue
		case message.Connection:
			if ours(value) {
				continue
			}
		}
		head = appendLine(head, name, value)
	}
	return head
}

// ours reports whether the value of a Connection field says only what is for us
// to say.
func ours(value []byte) bool {
	switch string(value) {
	case "close", "Close", "keep-alive", "Keep-Alive":
		return true
	}
	return false
}

// appendFraming decides how the body is delimited. A length that the user has
// announced counts if the body follows later, or if there is none because of
// what was asked.
func (c *served) appendFraming(head []byte, r *Request, length int64) []byte {
	r.expected = length
	known := length > 0
	if length < 0 || r.bodiless {
		if n, ok := announced(r.header.fields()); ok {
			r.expected, length, known = n, n, true
		}
	}
	switch {
	case r.code == 205:
		r.expected = 0
		return wire.AppendContentLength(head, 0)
	case r.code == 204 || r.code == 304 && length <= 0 || r.tunnels():
		return head
	case r.method == MethodHead && length == 0 && !known: // nobody knows what GET would say
		return head
	case length >= 0:
		return wire.AppendContentLength(head, length)
	case r.Minor() > 0:
		r.chunked = !r.bodiless
		return append(head, "Transfer-Encoding: chunked\r\n"...)
	}
	c.last = true
	return head
}

// announced returns the Content-Length that the user has set.
func announced(f *message.Fields) (n int64, ok bool) {
	if !f.Contains(message.ContentLength) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(f.GetKnown(message.ContentLength)), 10, 64)
	return n, err == nil && n >= 0
}

// sendData implements exchange.
func (c *served) sendData(r *Request, data *evbuffer.Buffer) error {
	return sendData(c.bev.Output(), r, data, &c.server.scratch)
}

// sendEnd implements exchange.
func (c *served) sendEnd(r *Request) error {
	if err := sendEnd(c.bev.Output(), r, &c.server.scratch); err != nil {
		return err
	}
	if r.tunnels() {
		c.last = true // nobody has taken the stream
	}
	switch {
	case r.received:
		c.answered(r)
	case c.last: // as the head has said
		c.unclean = true
		r.received = true
		c.state = answering
		c.answered(r)
	case r.paused:
		c.resume(r)
	}
	return nil
}

// willRead reports whether the rest of the body will be read: because somebody wants
// it, or so that the connection can be kept. Once an answer has begun that does not
// say otherwise, it is read to the end, and dropped if nobody wants it any more.
func (c *served) willRead(r *Request) bool {
	return !c.last && r.duplex || c.worthReading(r)
}

// worthReading reports whether the rest of a body that nobody wants is read all
// the same, to keep the connection for the next request.
func (c *served) worthReading(r *Request) bool {
	if c.last || r.reqHead.Expect == message.ExpectContinue && !r.continued {
		return false
	}
	return r.body.framing == wire.NoBody || r.body.framing == wire.Sized && r.body.left <= maxUnwanted
}

// whenSent implements exchange.
func (c *served) whenSent(_ *Request, fn func()) {
	c.sentFunc = fn
	if c.bev.Output().Len() == 0 {
		c.bev.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// cancel implements exchange.
func (c *served) cancel(r *Request) {
	if c.req == r {
		c.close()
	}
}

// SendInformational sends an interim answer, 102 to 199, with the output headers,
// which stay for the answer that follows; or 100, without any, to a client that
// waits before it sends the body. Clients of HTTP/1.0 get nothing. The errors
// are those of SendReply, and ErrNotServer.
func (r *Request) SendInformational(code int) error {
	c, ok := r.ex.(*served)
	err := r.may(sendNothing)
	switch {
	case err != nil:
	case !ok:
		err = ErrNotServer
	case code < 100 || code == 101 || code > 199:
		err = fmt.Errorf("status %d: %w", code, ErrInvalid)
	case r.Minor() == 0:
	case code == 100:
		c.askForBody(r)
	default:
		err = c.sendInformational(r, code)
	}
	if err != nil {
		return r.failed("send informational reply", err)
	}
	return nil
}

func (c *served) sendInformational(r *Request, code int) error {
	head, err := wire.AppendStatusLine(c.server.scratch[:0], code, "")
	if err != nil {
		return err
	}
	head = append(appendUsers(head, r.header.fields()), wire.CRLF...)
	c.server.scratch = head[:0]
	return c.bev.Output().Add(head)
}

// appendLine appends a field whose name and value are known to be valid.
func appendLine[T string | []byte](dst []byte, name, value T) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), wire.CRLF...)
}

// sendData moves a part of a body to out, as a chunk if the body goes in chunks.
// scratch is memory to be used.
func sendData(out *evbuffer.Buffer, r *Request, data *evbuffer.Buffer, scratch *[]byte) error {
	if !r.chunked {
		return out.AddBuffer(data)
	}
	*scratch = wire.AppendChunkSize((*scratch)[:0], int64(data.Len()))
	if err := out.Add(*scratch); err != nil {
		return err
	}
	if err := out.AddBuffer(data); err != nil {
		return err
	}
	return out.AddString(wire.CRLF)
}

// sendEnd ends a body.
func sendEnd(out *evbuffer.Buffer, r *Request, scratch *[]byte) error {
	if !r.chunked {
		return nil
	}
	var trailer *message.Fields
	if r.trailer != nil {
		trailer = r.trailer.fields()
	}
	end, err := wire.AppendLastChunk((*scratch)[:0], trailer)
	if err != nil {
		return err
	}
	*scratch = end[:0]
	return out.Add(end)
}
