package evhttp

// WantBody says on a server whether the body of the request is wanted now. A client that
// waits before it sends the body (see [Request.ExpectsContinue]) is sent "100 Continue" when the
// handler of a stream has returned, or its chunk callback begins an answer. With false
// that is put off, and the time for the body does not run, until WantBody is called with
// true. It does nothing when the client does not wait, and on a client.
func (r *Request) WantBody(want bool) {
	if r.ex != nil {
		r.ex.wantBody(want)
	}
}

// AllowHalfClose has an answer go on when the client has ended its stream, though there
// is an error callback (see [Request.SetErrorCallback]). The context of the request is
// done then in any case.
func (r *Request) AllowHalfClose() { r.outlasts = true }

// A duplexMode says whether all of a request's body is taken while the answer is sent.
type duplexMode uint8

const (
	duplexByAnswer duplexMode = iota // if it is one of 2xx that begins with SendReplyStart
	duplexOn
	duplexOff
)

// SetFullDuplex says whether the chunk callback takes all of the request's body while the
// answer is sent, so that an answer that begins before that body has come need not be the
// last one of its connection; see [Request.SendReplyStart] for what is assumed otherwise.
// It is called before the answer begins.
func (r *Request) SetFullDuplex(on bool) {
	r.duplex = duplexOff
	if on {
		r.duplex = duplexOn
	}
}

// OmitDefaults leaves fields out of the answer that its sender has not set: the default
// content type of the server and, in an answer to HEAD whose length is not known,
// Transfer-Encoding. It is called before the answer begins.
func (r *Request) OmitDefaults() { r.bare = true }

// Abort gives up a message that has begun and will not be complete. With a cause, which
// [Request.Err] returns from then on, what was sent before still leaves, and the peer can
// tell that the message is not complete; without one, as after Cancel, nothing more is
// sent. The error callback is called with a cause.
func (r *Request) Abort(cause error) { r.abort(cause) }
