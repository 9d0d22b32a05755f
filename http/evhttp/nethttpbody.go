package evhttp

import (
	"io"
	"net/http"
	"os"
)

// pump moves some of the body to where the handler reads it. It runs on the loop.
func (w *httpExchange) pump() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bodyClosed || w.bodyEnd {
		return
	}
	in := w.r.Input()
	if room := handlerUnread - w.body.Len(); room > 0 {
		_, _ = in.RemoveBuffer(&w.body, room) // in memory, at an end that is not frozen
	}
	w.bodyLeft = in.Len() > 0
	if w.r.Complete() && !w.bodyLeft {
		w.bodyEnd = true
		w.trailer = inputTrailer(w.r)
	}
	w.changed.Broadcast()
}

// httpBody is the body of the request, for the handler.
type httpBody httpExchange

// Read implements io.Reader.
func (b *httpBody) Read(p []byte) (int, error) {
	w := (*httpExchange)(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if w.asks {
		w.asks = false
		w.base.Post(w.askForBody)
	}
	for w.body.Len() == 0 || w.bodyClosed || w.readBy.passed() {
		switch {
		case w.bodyClosed:
			return 0, http.ErrBodyReadAfterClose
		case w.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case w.bodyEnd:
			addTrailer(w.req, w.trailer)
			return 0, io.EOF
		case w.err != nil:
			return 0, w.err
		}
		w.changed.Wait()
	}
	n, err := w.body.Remove(p)
	if w.bodyLeft && w.body.Len() < handlerUnread/2 {
		w.bodyLeft = false
		w.base.Post(w.pumpMore)
	}
	return n, err
}

// pumpMore is pump for a request that may be over.
func (w *httpExchange) pumpMore() {
	if w.r.ex != nil {
		w.pump()
	}
}

// askForBody tells the client that the handler wants the body.
func (w *httpExchange) askForBody() {
	if w.r.ex != nil {
		w.r.ex.wantBody(true)
	}
}

// Close implements io.Closer.
func (b *httpBody) Close() error {
	w := (*httpExchange)(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bodyClosed = true
	w.body.Free()
	w.changed.Broadcast()
	return nil
}
