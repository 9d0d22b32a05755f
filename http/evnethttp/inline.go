package evnethttp

import (
	"io"
	"net/http"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// InlineHandler makes a handler of evhttp of one of net/http that runs on the loop, so
// it must not wait for anything. It is faster than [Handler]. The body is complete when
// the handler is called, so it is for [evhttp.Server.Handle],
// [evhttp.Server.HandlePattern] and [evhttp.Server.SetGenericCallback]; the reply is sent
// when it has returned. There is no flushing and no hijacking, and the request has an
// empty context. What the handler panics with is logged and answered with 500. It gets
// requests of every method, as [evhttp.AllMethods] says.
func InlineHandler(h http.Handler) evhttp.Handler {
	return evhttp.AllMethods(func(r *evhttp.Request) { serveInline(r, h) })
}

// serveInline runs a handler on the loop.
func serveInline(r *evhttp.Request, h http.Handler) {
	if !r.Complete() {
		event.Logger().Error("evnethttp: handler of net/http was to run before the body has come", "uri", r.URI())
		_ = r.SendError(http.StatusInternalServerError, "") // fails only when the request is over
		return
	}
	req, err := newRequest(r)
	if err != nil {
		_ = r.SendError(http.StatusBadRequest, "") // the same
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
	r   *evhttp.Request
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
	case b.r.Input().Len() > 0:
		return b.r.Input().Remove(p)
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
	response
	r   *evhttp.Request
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
	addHeader(r.OutputHeaders(), w.complete(w.front(), false))
	r.OmitDefaults()
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
	p, _ := w.r.Output().Pullup(min(w.r.Output().Len(), 512))
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
	return len(p), w.r.Output().Add(p)
}

// WriteString implements io.StringWriter.
func (w *inlineWriter) WriteString(s string) (int, error) {
	if err := w.mayWrite(len(s)); err != nil {
		return 0, err
	}
	return len(s), w.r.Output().AddString(s)
}

func (w *inlineWriter) mayWrite(n int) error {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	return w.take(n)
}
