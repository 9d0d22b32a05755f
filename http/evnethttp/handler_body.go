package evnethttp

import (
	"io"
	"net/http"
)

// receive moves some of the body to where the handler reads it. It runs on the loop.
func (w *exchange) receive() {
	in := w.r.Input()
	w.in.Put(in)
	if w.r.Complete() && in.Len() == 0 {
		trailer := inputTrailer(w.r)
		w.mu.Lock()
		w.inTrailer = trailer
		w.mu.Unlock()
		w.in.End(io.EOF)
	}
}

// body is the body of the request, for the handler.
type body exchange

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	w := (*exchange)(b)
	if w.asks.CompareAndSwap(true, false) {
		_ = w.base.Post(w.askForBody) // fails when the base was freed, which Read finds out
	}
	n, err := w.in.Read(p)
	if err == io.EOF {
		w.mu.Lock()
		defer w.mu.Unlock()
		addTrailer(w.req, w.inTrailer)
	}
	return n, err
}

// askForBody has the client send the body that it holds back, on the loop.
func (w *exchange) askForBody() { w.r.WantBody(true) }

// Close implements io.Closer.
func (b *body) Close() error {
	_ = b.in.CloseWithError(http.ErrBodyReadAfterClose) // fails only if it is closed already
	return nil
}
