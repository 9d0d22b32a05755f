package evhttp

import (
	"io"
	"net/http"

	"github.com/go-libevent/libevent/core/event"
)

// HTTPHandlerInline makes a handler of one of net/http that runs on the loop, so
// it must not wait for anything. It is faster than HTTPHandler. The body is
// complete when the handler is called, so it is for [Server.Handle],
// [Server.HandlePattern] and [Server.SetGenericCallback]; the reply is sent when
// it has returned. There is no flushing and no hijacking, and the request has an
// empty context. What the handler panics with is logged and answered with 500.
func HTTPHandlerInline(h http.Handler) Handler { return (&netHandler{h}).serve }

// serve runs the handler on the loop.
func (h *netHandler) serve(r *Request) {
	if !r.Complete() {
		event.Logger().Error("evhttp: handler of net/http was to run before the body has come", "uri", r.URI())
		r.SendError(http.StatusInternalServerError, "")
		return
	}
	req, err := newHTTPRequest(r)
	if err != nil {
		r.SendError(http.StatusBadRequest, "")
		return
	}
	if req.ContentLength != 0 {
		req.Body = &inlineBody{r: r, req: req}
	}
	w := &inlineWriter{r: r, req: req}
	w.init(req)
	if w.serve(h) {
		w.reply()
	}
}

// An inlineBody is the body of a request, for the handler.
type inlineBody struct {
	r   *Request
	req *http.Request
	got bool
}

// Read implements io.Reader.
func (b *inlineBody) Read(p []byte) (int, error) {
	switch {
	case b.r == nil:
		return 0, http.ErrBodyReadAfterClose
	case len(p) == 0:
		return 0, nil
	case b.r.input.Len() > 0:
		return b.r.input.Remove(p)
	}
	if !b.got {
		b.got = true
		addTrailer(b.req, inputTrailer(b.r))
	}
	return 0, io.EOF
}

// Close implements io.Closer.
func (b *inlineBody) Close() error {
	b.r = nil
	return nil
}

// An inlineWriter gathers a reply in the request's output.
type inlineWriter struct {
	httpReply
	r   *Request
	req *http.Request
}

// serve reports whether the handler has returned as it should.
func (w *inlineWriter) serve(h http.Handler) (ok bool) {
	defer func() {
		w.req.Body.Close()
		if w.req.MultipartForm != nil {
			w.req.MultipartForm.RemoveAll()
		}
		p := recover()
		switch {
		case p == nil:
		case p == http.ErrAbortHandler:
			w.r.Cancel()
		default:
			logPanic(w.req, p)
			w.r.SendError(http.StatusInternalServerError, "")
		}
	}()
	h.ServeHTTP(w, w.req)
	return true
}

// reply sends what was gathered.
func (w *inlineWriter) reply() {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	r := w.r
	addHeader(&r.header, w.complete(w.front(), false))
	r.untyped = true
	var err error
	switch {
	case w.hasTrailer():
		if err = r.SendReplyStart(w.code, ""); err == nil {
			addHeader(r.OutputTrailers(), w.outputTrailer())
			err = r.SendReplyEnd()
		}
	case w.room > 0: // less than was announced is no whole reply
		if err = r.SendReplyStart(w.code, ""); err == nil {
			err = r.SendReplyEnd()
		}
	default:
		err = r.SendReply(w.code, "", nil)
	}
	if err != nil {
		r.Cancel()
	}
}

// front returns the first bytes of the body.
func (w *inlineWriter) front() []byte {
	p, _ := w.r.output.Pullup(min(w.r.output.Len(), 512))
	return p
}

// WriteHeader implements http.ResponseWriter.
func (w *inlineWriter) WriteHeader(code int) {
	if interim := w.decide(code); interim {
		sendInterim(w.r, code, w.handler)
	}
}

// Write implements http.ResponseWriter.
func (w *inlineWriter) Write(p []byte) (int, error) {
	if err := w.mayWrite(len(p)); err != nil {
		return 0, err
	}
	return len(p), w.r.output.Add(p)
}

// WriteString implements io.StringWriter.
func (w *inlineWriter) WriteString(s string) (int, error) {
	if err := w.mayWrite(len(s)); err != nil {
		return 0, err
	}
	return len(s), w.r.output.AddString(s)
}

func (w *inlineWriter) mayWrite(n int) error {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	return w.take(n)
}
