package evhttp

import (
	"errors"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// maxCopied is how much of a body is copied so that it can be sent again; more
// is referred to.
const maxCopied = 4 << 10

// take appends a request to the queue.
func (o *outgoing) take(r *Request) {
	r.conn, r.ex = &o.Conn, o
	o.queue = append(o.queue, r)
	o.next()
}

// begin sends a request: all of it, unless its body follows, or waits for the
// server to want it.
func (o *outgoing) begin(r *Request) {
	o.state = inResponse
	o.answering, o.timed, o.handed, o.informed = false, false, 0, 0
	o.awaiting, o.starting = false, false
	r.respHead.Reset(r.name)
	r.sending, r.sent = sendNothing, 0
	length := int64(r.output.Len())
	if r.client.follows {
		length = -1
	}
	o.expectNothing()
	if err := o.writeHead(r, length); err != nil {
		o.cannotSend(err)
		return
	}
	r.sending, o.handed = sendBody, o.bev.Output().Len()
	switch {
	case length == 0:
		r.sending = sendDone
		o.reach(r, wroteHead)
		o.reach(r, wroteAll)
		o.awaitAnswer()
	case r.header.fields().HasTokenKnown(message.Expect, "100-continue"):
		o.awaiting = true
		if o.continueTimeout > 0 {
			o.expect(o.continueTimeout)
		} else {
			o.awaitAnswer()
		}
		o.reach(r, wroteHead)
	case r.client.follows:
		o.reach(r, wroteHead)
		o.starting = true // the loop tells the user
		o.expect(time.Nanosecond)
	default:
		o.reach(r, wroteHead)
		o.goOn(r)
	}
}

// goOn sends the body of a request, when it is time for it.
func (o *outgoing) goOn(r *Request) {
	o.awaiting, o.starting, o.timed = false, false, false
	o.expectNothing()
	if r.client.follows {
		r.client.spent = true
		if r.client.onReady != nil {
			o.invoke(r, r.client.onReady)
		}
		return
	}
	if err := o.sendOutput(r); err != nil {
		o.cannotSend(err)
		return
	}
	r.sending, r.sent = sendDone, r.expected
	o.handed = o.bev.Output().Len()
	o.reach(r, wroteAll)
}

// sendOutput sends the body and keeps it, in case it has to be sent again.
func (o *outgoing) sendOutput(r *Request) error {
	out, n := o.bev.Output(), r.output.Len()
	if n <= maxCopied {
		o.scratch = slices.Grow(o.scratch[:0], n)[:n]
		if _, err := r.output.CopyOut(o.scratch); err != nil {
			return err
		}
		return out.Add(o.scratch)
	}
	if out.AddBufferReference(&r.output) == nil {
		return nil
	}
	r.client.spent = true // parts of files cannot be referred to
	return out.AddBuffer(&r.output)
}

// writeHead writes the head of a request.
func (o *outgoing) writeHead(r *Request, length int64) error {
	head, err := wire.AppendRequestLine(o.scratch[:0], r.name, r.target)
	if err != nil {
		return err
	}
	f := r.header.fields()
	if !f.Contains(message.Host) {
		head = appendLine(head, "Host", o.hostOf(r))
	}
	if o.proxyAuth != "" && !f.Has("Proxy-Authorization") {
		head = appendLine(head, "Proxy-Authorization", o.proxyAuth)
	}
	head = o.appendFraming(head, r, length)
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
func (o *outgoing) hostOf(r *Request) string {
	switch {
	case r.client.host != "":
		return r.client.host
	case r.method == MethodConnect:
		return r.target
	}
	return o.hostField
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
	case length > 0 || length == 0 && (r.method&usual != 0 || r.client.follows):
		return wire.AppendContentLength(head, length)
	case length < 0:
		r.chunked = true
		return appendLine(head, "Transfer-Encoding", "chunked")
	}
	return head
}

// sendHead implements exchange. Only a server answers.
func (o *outgoing) sendHead(*Request, int64) error { return ErrNotServer }

// sendData implements exchange.
func (o *outgoing) sendData(r *Request, data *evbuffer.Buffer) error {
	if o.written != nil {
		return data.Drain(data.Len()) // only the answer still counts
	}
	o.handed = -1
	err := sendData(o.bev.Output(), r, data, &o.scratch)
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

// sendEnd implements exchange.
func (o *outgoing) sendEnd(r *Request) error {
	if o.written != nil {
		return nil
	}
	o.handed = -1
	err := sendEnd(o.bev.Output(), r, &o.scratch)
	if err != nil && !errors.Is(err, evbuffer.ErrFrozen) {
		return err
	}
	if o.bev.Output().Len() == 0 {
		o.awaitAnswer()
	}
	return nil
}

// whenSent implements exchange.
func (o *outgoing) whenSent(_ *Request, fn func()) {
	o.sentFunc = fn
	if o.bev.Output().Len() == 0 {
		o.bev.Trigger(event.Write, bufferevent.TrigDeferCallbacks)
	}
}

// cancel implements exchange.
func (o *outgoing) cancel(r *Request) {
	i := slices.Index(o.queue, r)
	if i < 0 {
		if o.freed { // in failRest
			r.abandon()
		}
		return
	}
	o.queue = slices.Delete(o.queue, i, i+1)
	if i == 0 && o.state >= inResponse {
		o.disconnect()
	} else {
		o.stop()
	}
	r.abandon()
	o.next()
}
