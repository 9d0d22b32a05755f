package evnethttp

import (
	"io"
	"net/http"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/evhttp"
)

// WriteHeader implements http.ResponseWriter.
func (w *exchange) WriteHeader(code int) {
	if w.hijacked {
		return
	}
	if interim := w.decide(code); interim {
		h := w.handler.Clone()
		_ = w.base.Post(func() { // fails when the base was freed, and the request is over
			if !w.over() {
				sendInterim(w.r, code, h)
			}
		})
	}
}

// Write implements http.ResponseWriter.
func (w *exchange) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements io.StringWriter.
func (w *exchange) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *exchange, p T) (n int, err error) {
	if err := w.mayWrite(len(p)); err != nil {
		return 0, err
	}
	for n < len(p) {
		part := p[n:min(len(p), n+handlerUnsent)]
		if w.buf == nil {
			w.buf = make([]byte, 0, max(handlerBuffer, len(part)))
		}
		w.buf = append(w.buf, part...)
		n += len(part)
		if len(w.buf) <= handlerBuffer {
			continue
		}
		if err := w.flush(false); err != nil {
			return n, err
		}
	}
	return n, nil
}

// mayWrite returns an error unless n bytes may be written now.
func (w *exchange) mayWrite(n int) error {
	if w.hijacked {
		return http.ErrHijacked
	}
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	return w.take(n)
}

// Flush implements http.Flusher.
func (w *exchange) Flush() { _ = w.FlushError() } // Flush has no result

// FlushError is Flush for http.ResponseController.
func (w *exchange) FlushError() error {
	if err := w.mayWrite(0); err != nil {
		return err
	}
	return w.flush(false)
}

// flush hands what was written to the loop, and waits while too much of it is on
// its way. With whole, that is all.
func (w *exchange) flush(whole bool) error {
	if w.failed != nil {
		return w.failed
	}
	data := w.buf
	w.buf = nil
	first := !w.begun
	if first {
		w.begin(data, whole)
	}
	if w.method == http.MethodHead || len(data) == 0 {
		if first && !whole {
			return w.note(w.base.Post(w.send))
		}
		return w.note(w.outError())
	}
	var buf evbuffer.Buffer
	if err := buf.AddReference(data, nil); err != nil {
		return err
	}
	return w.note(w.out.WriteBuffer(&buf))
}

// outError returns why nothing can be written, or nil.
func (w *exchange) outError() error {
	_, err := w.out.Write(nil)
	return err
}

// begin hands the header over; it precedes what is in the pipe.
func (w *exchange) begin(first []byte, whole bool) {
	w.begun = true
	head := w.complete(first, whole)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.head, w.whole = head, whole
}

// note notes that nothing more can be written if err is not nil: a reply of which a part
// is missing is not continued.
func (w *exchange) note(err error) error {
	if err != nil && w.failed == nil {
		w.failed = err
	}
	return err
}

// finish sends the rest, when the handler has returned.
func (w *exchange) finish() {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	err := w.flush(true)
	if err == nil && w.timed {
		err = w.out.Flush()
	}
	if err != nil { // it is over, or the client takes nothing
		_ = w.base.Post(w.r.Cancel) // fails when the base was freed, and the request is over
		return
	}
	if trailer := w.outputTrailer(); len(trailer) > 0 {
		w.mu.Lock()
		w.outTrailer = trailer
		w.mu.Unlock()
	}
	_ = w.out.Close() // it is open
}

// send sends on the loop what was handed over, a part when the one before has left.
func (w *exchange) send() {
	if w.sending == 0 {
		w.sendTaken()
	}
}

// sendTaken sends on the loop all that was handed over.
func (w *exchange) sendTaken() {
	if w.over() {
		w.fail(evhttp.ErrDone)
		return
	}
	if err := w.sendPart(); err != nil {
		w.r.Cancel()
		w.fail(err)
	}
}

func (w *exchange) sendPart() error {
	if err := w.sendHead(); err != nil {
		return err
	}
	n, end := w.out.Take(&w.taken)
	w.sending += n
	var err error
	switch {
	case n == 0:
	case end == io.EOF: // nothing waits for the last part to leave
		err = w.r.SendReplyChunk(&w.taken)
	default:
		err = w.r.SendReplyChunkFunc(&w.taken, w.sent)
	}
	if err != nil {
		return err
	}
	switch end {
	case nil:
	case io.EOF:
		w.sendEnd()
	default:
		w.cutOff(end)
	}
	return nil
}

// cutOff ends a reply that will not be complete.
func (w *exchange) cutOff(cause error) {
	if cause != errPanicked || w.r.SendError(http.StatusInternalServerError, "") != nil {
		w.r.Abort(evhttp.ErrDone)
	}
}

// sendHead sends the header if it has not been.
func (w *exchange) sendHead() error {
	w.mu.Lock()
	head, whole := w.head, w.whole
	w.head = nil
	w.mu.Unlock()
	if head == nil {
		return nil
	}
	if whole {
		w.r.SetFullDuplex(false)
	}
	addHeader(w.r.OutputHeaders(), head)
	w.r.OmitDefaults()
	return w.r.SendReplyStart(w.code, "")
}

// sent is called on the loop when all that was taken has left.
func (w *exchange) sent() {
	n := w.sending
	w.sending = 0
	w.out.Ack(n)
	if !w.ended {
		w.send()
	}
}

// sendEnd ends the reply.
func (w *exchange) sendEnd() {
	if w.ended {
		return
	}
	w.ended = true
	w.mu.Lock()
	trailer := w.outTrailer
	w.mu.Unlock()
	if len(trailer) > 0 {
		addHeader(w.r.OutputTrailers(), trailer)
	}
	_ = w.r.SendReplyEnd() // if it fails, that is seen by the client
}

// EnableFullDuplex is for http.ResponseController. The body can be read while the
// answer is sent anyway; this says that it will be, so that the answer need not end
// the connection.
func (w *exchange) EnableFullDuplex() error {
	return w.base.Post(func() { w.r.SetFullDuplex(true) })
}

// SetReadDeadline is for http.ResponseController: reading the body fails once t
// has passed.
func (w *exchange) SetReadDeadline(t time.Time) error {
	if w.in != nil {
		_ = w.in.SetDeadline(t) // fails only once the body is closed
	}
	return nil
}

// SetWriteDeadline is for http.ResponseController: when t passes while the handler
// waits because the client does not read, the request is over.
func (w *exchange) SetWriteDeadline(t time.Time) error {
	w.timed = !t.IsZero()
	_ = w.out.SetDeadline(t) // fails only once the handler has returned
	return nil
}
