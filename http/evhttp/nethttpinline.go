package evhttp

import (
	"io"
	"net/http"
)

// HTTPHandlerInline makes a handler of one of net/http that runs on the loop, so
// it must not wait for anything. It is faster than HTTPHandler. The body is
// complete when the handler is called, so it is for [Server.Handle] and
// [Server.HandlePattern]; the answer is sent when it has returned. There is no
// flushing and no hijacking. What the handler panics with is logged and answered
// with 500.
func HTTPHandlerInline(h http.Handler) Handler {
	return func(r *Request) {
		req, err := newHTTPRequest(r)
		if err != nil {
			r.SendError(http.StatusBadRequest, "")
			return
		}
		if r.input.Len() > 0 {
			req.Body = io.NopCloser(&r.input)
		}
		for name, value := range r.InputTrailers().All() {
			if req.Trailer == nil {
				req.Trailer = make(http.Header)
			}
			req.Trailer.Add(name, value)
		}
		w := &inlineWriter{r: r, req: req, header: make(http.Header)}
		if w.serve(h) {
			w.reply()
		}
	}
}

// An inlineWriter gathers an answer in the request's output.
type inlineWriter struct {
	r      *Request
	req    *http.Request
	header http.Header
	code   int
}

// serve reports whether the handler has returned as it should.
func (w *inlineWriter) serve(h http.Handler) (ok bool) {
	defer func() {
		p := recover()
		switch {
		case p == nil:
			ok = true
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
	w.WriteHeader(http.StatusOK)
	addHeader(w.r, w.header)
	w.r.untyped = true
	if w.r.SendReply(w.code, "", nil) != nil {
		w.r.Cancel()
	}
}

// Header implements http.ResponseWriter.
func (w *inlineWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *inlineWriter) WriteHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code = code
	}
}

// Write implements http.ResponseWriter.
func (w *inlineWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.code == 204 || w.code == 304 {
		return 0, http.ErrBodyNotAllowed
	}
	if _, set := w.header["Content-Type"]; !set && w.r.output.Len() == 0 && len(p) > 0 {
		w.header.Set("Content-Type", http.DetectContentType(p))
	}
	return len(p), w.r.output.Add(p)
}
