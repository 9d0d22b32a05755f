package evhttp

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// sendHead implements exchange.
func (x *h1ServerExchange) sendHead(length int64) error {
	c := x.c
	if length < 0 && x.onChunk != nil && x.code/100 == 2 { // it goes on while the body comes
		if x.duplex == duplexByAnswer {
			x.duplex = duplexOn
		}
		if !x.held {
			c.askForBody(x)
		}
	}
	head, err := c.appendHead(c.server.scratch[:0], x, length)
	if err != nil {
		return err
	}
	return c.send(head)
}

// send sends what was made in the scratch space.
func (c *h1ServerConn) send(p []byte) error {
	c.server.scratch = p[:0]
	return c.taken(c.bev.Output().Add(p))
}

// taken returns what the caller is told of what the stream has taken or refused: one that
// nothing can be sent on any more ends the request, even if the loop has yet to do so.
func (c *h1ServerConn) taken(err error) error {
	if why := c.bev.WriteErr(); err != nil && why != nil {
		return fmt.Errorf("%w: %w", ErrDone, why)
	}
	return err
}

// reply implements exchange.
func (x *h1ServerExchange) reply(body []byte) error {
	c := x.c
	all, err := c.appendHead(c.server.scratch[:0], x, int64(len(body)))
	if err != nil {
		return err
	}
	if x.expected != noBody {
		all = append(all, body...)
		x.sent = int64(len(body))
	}
	return c.send(all)
}

// appendHead appends the status line and the header.
func (c *h1ServerConn) appendHead(head []byte, x *h1ServerExchange, length int64) ([]byte, error) {
	head, err := wire.AppendStatusLine(head, x.code, x.reason)
	if err != nil {
		return head, err
	}
	if x.code == 205 {
		length = 0 // there is no content (RFC 9110, section 15.3.6)
	}
	head = c.appendFields(head, x, length)
	return append(head, wire.CRLF...), nil
}

// appendFields appends the header: what the user has set, but for what frames
// the message, which is ours to say.
func (c *h1ServerConn) appendFields(head []byte, x *h1ServerExchange, length int64) []byte {
	s, f := c.server, x.header.fields()
	if s.draining || f.HasTokenKnown(message.Connection, "close") || !x.received && !c.willRead(x) || c.exhausted() {
		c.last = true
	}
	if !f.Contains(message.Date) {
		head = append(s.date.Append(append(head, "Date: "...), c.base.Now()), wire.CRLF...)
	}
	if s.cfg.ContentType != NoContentType && !x.bare && length != 0 && !f.Contains(message.ContentType) && x.code != 204 && x.code != 304 && !x.tunnels() {
		head = appendLine(head, "Content-Type", s.cfg.ContentType)
	}
	head = c.appendFraming(head, x, length)
	head = appendUsers(head, f)
	switch {
	case x.tunnels():
	case c.last:
		head = append(head, "Connection: close\r\n"...)
	case x.Minor() == 0:
		head = append(head, "Connection: keep-alive\r\n"...)
	}
	return head
}

// appendUsers appends the fields that the user has set, but for those that are
// ours to set.
func appendUsers(head []byte, f *message.Fields) []byte {
	for i := range f.Len() {
		name, value := f.At(i)
		switch f.NameAt(i) {
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

// ours reports whether the value of a Connection field says only what the server
// decides itself.
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
func (c *h1ServerConn) appendFraming(head []byte, x *h1ServerExchange, length int64) []byte {
	none := x.answerHasNoBody()
	known := length > 0
	if length < 0 || none {
		if n, ok := announced(x.header.fields()); ok {
			length, known = n, true
		}
	}
	x.expected = length
	if none {
		x.expected = noBody
	}
	switch {
	case x.code == 205:
		return wire.AppendContentLength(head, 0)
	case x.code == 204 || x.code == 304 && length <= 0 || x.tunnels():
		return head
	case x.method == MethodHead && !known && (length == 0 || x.bare): // the length that GET would announce is not known
		return head
	case length >= 0:
		return wire.AppendContentLength(head, length)
	case x.Minor() > 0:
		x.chunked = !none
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
func (x *h1ServerExchange) sendData(data *evbuffer.Buffer) error {
	c := x.c
	if err := c.fitTurn(data.Len()); err != nil {
		return err
	}
	return c.taken(sendData(c.bev.Output(), x.chunked, data, &c.server.scratch))
}

// fitTurn has turns of maxTurn from the first answer on that does not fit into one of
// the stream's default. Short answers, of which maxUnsent may wait, do, and most
// connections have no others.
func (c *h1ServerConn) fitTurn(more int) error {
	if c.longTurns || c.bev.Output().Len()+more <= bufferevent.DefaultMaxSingleWrite {
		return nil
	}
	c.longTurns = true
	if err := c.bev.SetMaxSingleWrite(maxTurn); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil // without a socket, there is no turn to take
}

// sendEnd implements exchange.
func (x *h1ServerExchange) sendEnd() error {
	c := x.c
	if x.chunked {
		if err := sendLastChunk(c.bev.Output(), x.trailer, &c.server.scratch); err != nil {
			return c.taken(err)
		}
	}
	if x.tunnels() {
		c.last = true // the stream was not detached
	}
	switch {
	case x.received:
		c.answered(x)
	case c.last: // as the head has said
		c.inputUnread = true
		x.received = true
		serverStates.step(&c.state, answering)
		c.answered(x)
	case x.paused:
		x.resume()
	}
	return nil
}

// willRead reports whether the rest of the body will be read: because a callback takes
// it, or so that the connection can be kept. Once an answer has begun that does not
// say otherwise, it is read to the end, and dropped if no callback takes it any more.
func (c *h1ServerConn) willRead(x *h1ServerExchange) bool {
	return !c.last && x.duplex == duplexOn || c.worthReading(x)
}

// worthReading reports whether the rest of a body that no callback takes is read all
// the same, to keep the connection for the next request.
func (c *h1ServerConn) worthReading(x *h1ServerExchange) bool {
	if c.last || x.head.Expect == message.ExpectContinue && !x.continued {
		return false
	}
	return x.body.framing == wire.NoBody || x.body.framing == wire.Sized && x.body.left <= maxUnwanted
}

// inform implements exchange.
func (x *h1ServerExchange) inform(code int) error {
	c := x.c
	head, err := wire.AppendStatusLine(c.server.scratch[:0], code, "")
	if err != nil {
		return err
	}
	head = append(appendUsers(head, x.header.fields()), wire.CRLF...)
	return c.send(head)
}

// wantBody implements exchange.
func (x *h1ServerExchange) wantBody(want bool) {
	x.held = !want
	if want && !x.continued && x.head.Expect == message.ExpectContinue && x.c.reading(x) {
		x.c.awaitBody(x)
	}
}

// appendLine appends a field whose name and value are known to be valid.
func appendLine[T string | []byte](dst []byte, name, value T) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), wire.CRLF...)
}

// sendData moves a part of a body to out, as a chunk if the body goes in chunks.
// scratch is memory to be used.
func sendData(out *evbuffer.Buffer, chunked bool, data *evbuffer.Buffer, scratch *[]byte) error {
	if !chunked {
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

// sendLastChunk ends a body that goes in chunks. The trailer may be nil.
func sendLastChunk(out *evbuffer.Buffer, trailer *Header, scratch *[]byte) error {
	end, err := wire.AppendLastChunk((*scratch)[:0], trailer.fields())
	if err != nil {
		return err
	}
	*scratch = end[:0]
	return out.Add(end)
}
