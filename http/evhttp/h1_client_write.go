package evhttp

import (
	"errors"
	"slices"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// take appends a request to the queue.
func (c *ClientConn) take(x *clientExchange) {
	x.enqueue(c)
	c.queue = append(c.queue, x)
	c.next()
}

// begin sends a request: all of it, unless its body follows, or waits for the
// server to want it.
func (c *ClientConn) begin(x *clientExchange) {
	clientStates.step(&c.state, awaitingHead)
	c.answering, c.timed, c.handed, c.informed = false, false, 0, 0
	c.body = bodyFree
	x.head.Reset(x.name)
	messageStates.step(&x.sending, sendNothing)
	x.sent, x.chunked = 0, false
	length := int64(x.output.Len())
	if x.follows {
		length = -1
	}
	c.expectNothing()
	if err := c.writeHead(x, length); err != nil {
		c.cannotSend(err)
		return
	}
	messageStates.step(&x.sending, sendBody)
	c.handed = c.bev.Output().Len()
	switch {
	case length == 0:
		messageStates.step(&x.sending, sendDone)
		c.reach(x, SentHead)
		c.reach(x, SentBody)
		c.awaitAnswer()
	case x.header.fields().HasTokenKnown(message.Expect, "100-continue"):
		c.body = bodyAsked
		if c.cfg.ContinueTimeout > 0 {
			c.expect(c.cfg.ContinueTimeout)
		} else {
			c.awaitAnswer()
		}
		c.reach(x, SentHead)
	case x.follows:
		c.reach(x, SentHead)
		c.body = bodyReady
		c.tellLater()
	default:
		c.reach(x, SentHead)
		c.sendBody(x)
	}
}

// sendBody sends the body of a request, when it is time for it.
func (c *ClientConn) sendBody(x *clientExchange) {
	c.body, c.timed = bodyFree, false
	c.expectNothing()
	if x.follows {
		x.spent = true
		if x.onReady != nil {
			c.invoke(&x.Request, x.onReady)
		}
		return
	}
	if err := c.sendOutput(x); err != nil {
		c.cannotSend(err)
		return
	}
	messageStates.step(&x.sending, sendDone)
	x.sent = x.expected
	c.handed = c.bev.Output().Len()
	c.reach(x, SentBody)
}

// sendOutput sends the body and keeps it, in case it has to be sent again.
func (c *ClientConn) sendOutput(x *clientExchange) error {
	out, n := c.bev.Output(), x.output.Len()
	if n <= maxCopied {
		c.scratch = slices.Grow(c.scratch[:0], n)[:n]
		if _, err := x.output.CopyOut(c.scratch); err != nil {
			return err
		}
		return out.Add(c.scratch)
	}
	if out.AddBufferReference(&x.output) == nil {
		return nil
	}
	x.spent = true // parts of files cannot be referred to
	return out.AddBuffer(&x.output)
}

// writeHead writes the head of a request.
func (c *ClientConn) writeHead(x *clientExchange, length int64) error {
	head, err := wire.AppendRequestLine(c.scratch[:0], x.name, x.target)
	if err != nil {
		return err
	}
	f := x.header.fields()
	if !f.Contains(message.Host) {
		head = appendLine(head, "Host", c.hostOf(x))
	}
	if c.proxyAuth != "" && !f.Has("Proxy-Authorization") {
		head = appendLine(head, "Proxy-Authorization", c.proxyAuth)
	}
	head = c.appendFraming(head, x, length)
	for i := range f.Len() {
		name, value := f.At(i)
		switch f.NameAt(i) {
		case message.ContentLength, message.TransferEncoding:
			continue
		}
		head = appendLine(head, name, value)
	}
	if f.HasTokenKnown(message.Connection, "close") {
		c.last = true
	}
	head = append(head, wire.CRLF...)
	c.scratch = head[:0]
	return c.bev.Output().Add(head)
}

// hostOf returns the value of the Host field, which for CONNECT is the target
// (RFC 9112, section 3.2).
func (c *ClientConn) hostOf(x *clientExchange) string {
	switch {
	case x.host != "":
		return x.host
	case x.method == MethodConnect:
		return x.target
	case c.hostField == "" && c.host != "":
		c.hostField = hostField(c.TLS() != nil, c.host, c.port)
	}
	return c.hostField
}

// appendFraming says how the body is delimited. Methods that usually have one
// say so even if it is empty (RFC 9110, section 8.6).
func (c *ClientConn) appendFraming(head []byte, x *clientExchange, length int64) []byte {
	const usual = MethodPost | MethodPut | MethodPatch
	if length < 0 {
		if n, ok := announced(x.header.fields()); ok {
			length = n
		}
	}
	x.expected = length
	switch {
	case length > 0 || length == 0 && (x.method&usual != 0 || x.follows):
		return wire.AppendContentLength(head, length)
	case length < 0:
		x.chunked = true
		return appendLine(head, "Transfer-Encoding", "chunked")
	}
	return head
}

// sendData sends a part of the body.
func (c *ClientConn) sendData(x *clientExchange, data *evbuffer.Buffer) error {
	if c.written != nil {
		return data.Drain(data.Len()) // only the answer still counts
	}
	c.handed = -1
	err := sendData(c.bev.Output(), x.chunked, data, &c.scratch)
	if errors.Is(err, evbuffer.ErrFrozen) { // as in cannotSend
		return data.Drain(data.Len())
	}
	return err
}

// cannotSend is called when a request cannot be put into the output. If that is
// because the stream has failed, the event that says why is on its way.
func (c *ClientConn) cannotSend(err error) {
	if errors.Is(err, evbuffer.ErrFrozen) {
		c.awaitAnswer()
		return
	}
	c.failLater(err)
}

// sendEnd ends the body.
func (c *ClientConn) sendEnd(x *clientExchange) error {
	if c.written != nil {
		return nil
	}
	c.handed = -1
	var err error
	if x.chunked {
		err = sendLastChunk(c.bev.Output(), x.trailer, &c.scratch)
	}
	if err != nil && !errors.Is(err, evbuffer.ErrFrozen) {
		return err
	}
	if c.bev.Output().Len() == 0 {
		c.awaitAnswer()
	}
	if err == nil {
		c.reach(x, SentBody)
	}
	return nil
}

// reach reports how far the sending of a request has got.
func (c *ClientConn) reach(x *clientExchange, stage SendStage) {
	if x.onStage != nil {
		c.run(&x.Request, func() { x.onStage(&x.Request, stage) })
	}
}

// cancel gives up an exchange.
func (c *ClientConn) cancel(x *clientExchange) {
	i := slices.Index(c.queue, x)
	if i < 0 {
		if c.freed { // in failRest
			x.abandon()
		}
		return
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	if i == 0 && c.state.exchanging() {
		c.disconnect()
	} else {
		c.stop()
	}
	x.abandon()
	c.next()
}
