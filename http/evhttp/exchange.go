package evhttp

import "github.com/go-libevent/libevent/core/evbuffer"

// An exchange is what a request and its answer travel on: a turn of an HTTP/1.1
// connection, or whatever else can carry one message each way. A [Request] has
// one as long as it can still be answered or sent.
//
// The calls come in the order of the message: the head once, data any number of
// times, the end once.
type exchange interface {
	// sendHead sends the head of our message. length is that of the body, or
	// -1 if that is not known yet.
	sendHead(r *Request, length int64) error
	// sendData sends a part of the body, and takes it out of data.
	sendData(r *Request, data *evbuffer.Buffer) error
	// sendEnd ends our message.
	sendEnd(r *Request) error
	// whenSent has a function called when all that was sent so far has left,
	// in place of an earlier one.
	whenSent(r *Request, fn func())
	// resume goes on with reading the body of the peer's message, if that
	// rests because too much of it has not been taken.
	resume(r *Request)
	// cancel gives the exchange up.
	cancel(r *Request)
}
