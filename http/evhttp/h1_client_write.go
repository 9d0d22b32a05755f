package evhttp

import (
	"errors"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// maxCopied is how much of a body is copied so that it can be sent again; more
// is referred to.
const maxCopied = 4 << 10

// take appends a request to the queue.
func (o *outgoing) take(x *clientExchange) {
	x.enqueue(o)
	o.queue = append(o.queue, x)
	o.next()
}

// begin sends a request: all of it, unless its body follows, or waits for the
// server to want it.
func (o *outgoing) begin(x *clientExchange) {
	o.state = inResponse
	o.answering, o.timed, o.handed, o.informed = false, false, 0, 0
	o.awaiting, o.starting = false, false
	x.head.Reset(x.name)
	x.sending, x.sent, x.chunked = sendNothing, 0, false
	length := int64(x.output.Len())
	if x.follows {
		length = -1
	}
	o.expectNothing()
	if err := o.writeHead(x, length); err != nil {
		o.cannotSend(err)
		return
	}
	x.sending, o.handed = sendBody, o.bev.Output().Len()
	switch {
	case length == 0:
		x.sending = sendDone
		o.reach(x, wroteHead)
		o.reach(x, wroteAll)
		o.awaitAnswer()
	case x.header.fields().HasTokenKnown(message.Expect, "100-continue"):
		o.awaiting = true
		if o.continueTimeout > 0 {
			o.expect(o.continueTimeout)
		} else {
			o.awaitAnswer()
		}
		o.reach(x, wroteHead)
	case x.follows:
		o.reach(x, wroteHead)
		o.starting = true // the loop tells the user
		o.expect(time.Nanosecond)
	default:
		o.reach(x, wroteHead)
		o.goOn(x)
	}
}

// goOn sends the body of a request, when it is time for it.
func (o *outgoing) goOn(x *clientExchange) {
	o.awaiting, o.starting, o.timed = false, false, false
	o.expectNothing()
	if x.follows {
		x.spent = true
		if x.onReady != nil {
			o.invoke(&x.Request, x.onReady)
		}
		return
	}
	if err := o.sendOutput(x); err != nil {
		o.cannotSend(err)
		return
	}
	x.sending, x.sent = sendDone, x.expected
	o.handed = o.bev.Output().Len()
	o.reach(x, wroteAll)
}

// sendOutput sends the body and keeps it, in case it has to be sent again.
func (o *outgoing) sendOutput(x *clientExchange) error {
	out, n := o.bev.Output(), x.output.Len()
	if n <= maxCopied {
		o.scratch = slices.Grow(o.scratch[:0], n)[:n]
		if _, err := x.output.CopyOut(o.scratch); err != nil {
			return err
		}
		return out.Add(o.scratch)
	}
	if out.AddBufferReference(&x.output) == nil {
		return nil
	}
	x.spent = true // parts of files cannot be referred to
	return out.AddBuffer(&x.output)
}

// writeHead writes the head of a request.
func (o *outgoing) writeHead(x *clientExchange, length int64) error {
	head, err := wire.AppendRequestLine(o.scratch[:0], x.name, x.target)
	if err != nil {
		return err
	}
	f := x.header.fields()
	if !f.Contains(message.Host) {
		head = appendLine(head, "Host", o.hostOf(x))
	}
	if o.proxyAuth != "" && !f.Has("Proxy-Authorization") {
		head = appendLine(head, "Proxy-Authorization", o.proxyAuth)
	}
	head = o.appendFraming(head, x, length)
	for i := range f.Len() {
		name, value := f.At(i)
		switch message.NameOf(name) {
		case message.ContentLength, message.TransferEncoding:
			continue
		}
		head = appendLine(head, name, value)
	}
	if f.HasTokenKnown(message.Connection, "close") {
		o.last = true
	}
	head = append(head, wire.CRLF...)
	o.scratch = head[:0]
	return o.bev.Output().Add(head)
}

// hostOf returns the value of the Host field, which for CONNECT is the target
// (RFC 9112, section 3.2).
func (o *outgoing) hostOf(x *clientExchange) string {
	switch {
	case x.host != "":
		return x.host
	case x.method == MethodConnect:
		return x.target
	}
	return o.hostField
}

// appendFraming says how the body is delimited. Methods that usually have one
// say so even if it is empty (RFC 9110, section 8.6).
func (o *outgoing) appendFraming(head []byte, x *clientExchange, length int64) []byte {
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
func (o *outgoing) sendData(x *clientExchange, data *evbuffer.Buffer) error {
	if o.written != nil {
		return data.Drain(data.Len()) // only the answer still counts
	}
	o.handed = -1
	err := sendData(o.bev.Output(), x.chunked, data, &o.scratch)
	if errors.Is(err, evbuffer.ErrFrozen) { // as in cannotSend
		return data.Drain(data.Len())
	}
	return err
}

// cannotSend is called when a request cannot be put into the output. If that is
// because the stream has failed, the event that says why is on its way.
func (o *outgoing) cannotSend(err error) {
	if errors.Is(err, evbuffer.ErrFrozen) {
		o.awaitAnswer()
		return
	}
	o.failLater(err)
}

// sendEnd ends the body.
func (o *outgoing) sendEnd(x *clientExchange) error {
	if o.written != nil {
		return nil
	}
	o.handed = -1
	var err error
	if x.chunked {
		err = sendLastChunk(o.bev.Output(), x.trailer, &o.scratch)
	}
	if err != nil && !errors.Is(err, evbuffer.ErrFrozen) {
		return err
	}
	if o.bev.Output().Len() == 0 {
		o.awaitAnswer()
	}
	return nil
}

// cancel gives up an exchange.
func (o *outgoing) cancel(x *clientExchange) {
	i := slices.Index(o.queue, x)
	if i < 0 {
		if o.freed { // in failRest
			x.abandon()
		}
		return
	}
	o.queue = slices.Delete(o.queue, i, i+1)
	if i == 0 && o.state >= inResponse {
		o.disconnect()
	} else {
		o.stop()
	}
	x.abandon()
	o.next()
}
