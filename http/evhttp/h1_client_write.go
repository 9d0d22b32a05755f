package evhttp

import (
	"errors"
	"slices"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// begin implements clientSession. It sends all of a request, unless its body follows, or
// waits for the server to want it.
func (h *h1ClientConn) begin(x *clientExchange) {
	h1ClientStates.step(&h.state, awaitingHead)
	h.x, x.carrier = x, h
	h.answering, h.timed, h.handed, h.informed = false, false, 0, 0
	bodyStates.step(&h.body, bodyFree)
	x.head.Reset(x.name)
	messageStates.step(&x.sending, sendNothing)
	x.sent, x.chunked = 0, false
	length := int64(x.output.Len())
	if x.follows {
		length = -1
	}
	h.c.expectNothing()
	if err := h.writeHead(x, length); err != nil {
		h.cannotSend(err)
		return
	}
	messageStates.step(&x.sending, sendBody)
	switch {
	case length == 0:
		messageStates.step(&x.sending, sendDone)
		if h.reach(x, SentHead) && h.reach(x, SentBody) {
			h.awaitAnswer()
		}
	case x.header.fields().HasTokenKnown(message.Expect, "100-continue"):
		bodyStates.step(&h.body, bodyAsked)
		if h.c.cfg.ContinueTimeout > 0 {
			h.c.expect(h.c.cfg.ContinueTimeout)
		} else {
			h.awaitAnswer()
		}
		h.reach(x, SentHead)
	case x.follows:
		if h.reach(x, SentHead) {
			bodyStates.step(&h.body, bodyReady)
			h.c.tellLater()
		}
	default:
		if h.reach(x, SentHead) {
			h.sendBody(x)
		}
	}
}

// sendBody sends the body of a request, when it is time for it.
func (h *h1ClientConn) sendBody(x *clientExchange) {
	bodyStates.step(&h.body, bodyFree)
	h.timed = false
	h.c.expectNothing()
	if x.follows {
		x.spent = true
		if x.onReady != nil {
			h.c.invoke(&x.Request, x.onReady)
		}
		return
	}
	n := x.output.Len()
	if err := h.sendOutput(x); err != nil {
		h.cannotSend(err)
		return
	}
	h.handed += n
	messageStates.step(&x.sending, sendDone)
	x.sent = x.expected
	h.reach(x, SentBody)
}

// sendOutput sends the body and keeps it, in case it has to be sent again.
func (h *h1ClientConn) sendOutput(x *clientExchange) error {
	out, n := h.c.bev.Output(), x.output.Len()
	if n <= maxCopied {
		h.c.scratch = slices.Grow(h.c.scratch[:0], n)[:n]
		if _, err := x.output.CopyOut(h.c.scratch); err != nil {
			return err
		}
		return out.Add(h.c.scratch)
	}
	if out.AddBufferReference(&x.output) == nil {
		return nil
	}
	x.spent = true // parts of files cannot be referred to
	return out.AddBuffer(&x.output)
}

// writeHead writes the head of a request.
func (h *h1ClientConn) writeHead(x *clientExchange, length int64) error {
	head, err := wire.AppendRequestLine(h.c.scratch[:0], x.name, x.target)
	if err != nil {
		return err
	}
	f := x.header.fields()
	if !f.Contains(message.Host) {
		head = appendLine(head, "Host", h.c.hostOf(x))
	}
	if h.c.proxyAuth != "" && !f.Has("Proxy-Authorization") {
		head = appendLine(head, "Proxy-Authorization", h.c.proxyAuth)
	}
	head = h.appendFraming(head, x, length)
	for i := range f.Len() {
		name, value := f.At(i)
		switch f.NameAt(i) {
		case message.ContentLength, message.TransferEncoding:
			continue
		}
		head = appendLine(head, name, value)
	}
	if f.HasTokenKnown(message.Connection, "close") {
		h.last = true
	}
	head = append(head, wire.CRLF...)
	h.c.scratch = head[:0]
	out := h.c.bev.Output()
	before := out.Len()
	if err := out.Add(head); err != nil { // of which a layer may have taken some at once
		return err
	}
	h.handed = before + len(head)
	return nil
}

// appendFraming says how the body is delimited. Methods that usually have one
// say so even if it is empty (RFC 9110, section 8.6).
func (h *h1ClientConn) appendFraming(head []byte, x *clientExchange, length int64) []byte {
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

// sendData implements clientStream.
func (h *h1ClientConn) sendData(data *evbuffer.Buffer) error {
	if h.written != nil {
		return data.Drain(data.Len()) // only the answer still counts
	}
	h.handed = -1
	err := sendData(h.c.bev.Output(), h.x.chunked, data, &h.c.scratch)
	if errors.Is(err, evbuffer.ErrFrozen) { // as in cannotSend
		return data.Drain(data.Len())
	}
	return err
}

// cannotSend is called when a request cannot be put into the output. If that is
// because the stream has failed, the event that says why is on its way.
func (h *h1ClientConn) cannotSend(err error) {
	if errors.Is(err, evbuffer.ErrFrozen) {
		h.awaitAnswer()
		return
	}
	h.c.failLater(err)
}

// sendEnd implements clientStream.
func (h *h1ClientConn) sendEnd() error {
	x := h.x
	if h.written != nil {
		return nil
	}
	h.handed = -1
	var err error
	if x.chunked {
		err = sendLastChunk(h.c.bev.Output(), x.trailer, &h.c.scratch)
	}
	if err != nil && !errors.Is(err, evbuffer.ErrFrozen) {
		return err
	}
	if h.c.bev.Output().Len() == 0 {
		h.awaitAnswer()
	}
	if err == nil {
		h.reach(x, SentBody)
	}
	return nil
}

// reach tells how far the sending of a request has got. It returns whether that is still
// under way.
func (h *h1ClientConn) reach(x *clientExchange, stage SendStage) bool {
	if x.onStage != nil {
		h.c.run(&x.Request, func() { x.onStage(&x.Request, stage) })
	}
	return h.x == x
}

// closeSend implements clientStream.
func (h *h1ClientConn) closeSend() error {
	if h.state != receivingBody {
		return ErrOrder
	}
	return h.c.bev.CloseWrite()
}
