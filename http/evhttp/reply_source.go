package evhttp

import (
	"errors"
	"io"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A BodySource yields the body of an answer a piece at a time, for
// [Request.SendReplySource].
type BodySource interface {
	// Next adds the next piece of the body, which is not empty, to an empty
	// buffer. With the last piece, or after it, the error is io.EOF. Any other
	// error cuts the answer off.
	Next(piece *evbuffer.Buffer) error
	// Close is called once, after which the source is not used any more: with
	// nil when all of the body was handed over, otherwise with what has ended
	// the answer. What was handed over may still wait to be sent.
	Close(err error)
}

// A sourceReply is an answer whose body comes from a source.
type sourceReply struct {
	r     *Request
	src   BodySource
	piece evbuffer.Buffer
	next  func()
}

// SendReplySource answers with a body that src yields at the pace of the client:
// each piece is asked for when the one before has left, so that memory holds one
// at a time. As with SendReplyStart, a Content-Length among the output headers
// announces the length. The source is not asked where the answer has no body, as
// that to HEAD. The answer goes on when the client has ended its stream. The
// source is closed in any case, also when there is an error; the errors are those
// of SendReply.
func (r *Request) SendReplySource(code int, reason string, src BodySource) error {
	before := r.outlasts
	r.outlasts = true
	if err := r.SendReplyStart(code, reason); err != nil {
		r.outlasts = before
		src.Close(err)
		return err
	}
	s := &sourceReply{r: r, src: src}
	s.next = s.send
	r.source = s
	s.send()
	return nil
}

// send sends the next piece, and is called again when that has left.
func (s *sourceReply) send() {
	last, err := s.pull()
	switch r := s.r; {
	case r.source != s: // the source has ended the request
		s.piece.Free()
		return
	case err != nil:
	case !last:
		err = r.SendReplyChunkFunc(&s.piece, s.next)
	default:
		if err = r.SendReplyChunk(&s.piece); err == nil {
			r.source = nil
			s.src.Close(r.SendReplyEnd())
			return
		}
	}
	if err != nil {
		s.abort(err)
	}
}

// pull gets the next piece, and reports whether it is the last one.
func (s *sourceReply) pull() (last bool, err error) {
	if s.r.expected == noBody {
		return true, nil
	}
	err = s.src.Next(&s.piece)
	switch {
	case errors.Is(err, io.EOF):
		return true, nil
	case err == nil && s.piece.Len() == 0:
		err = io.ErrNoProgress
	}
	return false, err
}

// abort cuts the answer off.
func (s *sourceReply) abort(err error) {
	s.piece.Free()
	r := s.r
	if r.ex == nil {
		return // the end of the request has closed the source
	}
	r.cause = err
	r.ex.abort(nil)
}

// closeSource ends an answer from a source that is not complete.
func (r *Request) closeSource(cause error) {
	s := r.source
	if s == nil {
		return
	}
	if r.source = nil; cause == nil {
		cause = ErrDone
	}
	s.src.Close(cause)
}
