package evhttp

import (
	"strconv"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// sendHead implements exchange.
func (c *served) sendHead(r *Request, length int64) error {
	s := c.server
	r.bodiless = r.method == MethodHead || r.code == 204 || r.code == 304
	head, err := wire.AppendStatusLine(s.scratch[:0], r.code, r.reason)
	if err != nil {
		return err
	}
	head = c.appendFields(head, r, length)
	head = append(head, wire.CRLF...)
	s.scratch = head[:0]
	return c.bev.Output().Add(head)
}

// appendFields appends the header: what the user has set, but for what frames
// the message, which is ours to say.
func (c *served) appendFields(head []byte, r *Request, length int64) []byte {
	f := r.header.fields()
	if f.HasTokenKnown(wire.Connection, "close") {
		c.last = true
	}
	if !f.Contains(wire.Date) {
		head = append(append(append(head, "Date: "...), c.server.date()...), wire.CRLF...)
	}
	if !f.Contains(wire.ContentType) && c.server.contentType != "" && length != 0 && !r.bodiless {
		head = append(append(append(head, "Content-Type: "...), c.server.contentType...), wire.CRLF...)
	}
	head = c.appendFraming(head, r, length)
	for i := range f.Len() {
		name, value := f.At(i)
		switch wire.NameOfBytes(name) {
		case wire.ContentLength, wire.TransferEncoding, wire.Connection, wire.KeepAlive:
			continue
		}
		head = append(append(append(append(head, name...), ": "...), value...), wire.CRLF...)
	}
	switch {
	case c.last:
		head = append(head, "Connection: close\r\n"...)
	case r.Minor() == 0:
		head = append(head, "Connection: keep-alive\r\n"...)
	}
	return head
}

// appendFraming decides how the body is delimited. A length that the user has
// announced counts if the body follows later, or if there is none because of
// what was asked.
func (c *served) appendFraming(head []byte, r *Request, length int64) []byte {
	r.expected = length
	if length < 0 || r.bodiless {
		if n, ok := announced(r.header.fields()); ok {
			r.expected, length = n, n
		}
	}
	switch {
	case r.code == 204 || r.code == 304 && length <= 0:
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
func announced(f *wire.Fields) (n int64, ok bool) {
	value := f.GetKnown(wire.ContentLength)
	n, err := strconv.ParseInt(string(value), 10, 64)
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
	if !r.received && !c.worthReading(r) {
		c.last, c.unclean = true, true
		r.received = true
		c.state = answering
	}
	if r.received {
		c.answered(r)
	}
	return nil
}

// worthReading reports whether the rest of a body that nobody wants is read all
// the same, to keep the connection for the next request.
func (c *served) worthReading(r *Request) bool {
	if c.last || r.reqHead.Expect == wire.ExpectContinue && !r.continued {
		return false
	}
	return r.body.framing == wire.Sized && r.body.left <= maxUnwanted
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
	var trailer *wire.Fields
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
