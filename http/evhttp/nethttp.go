package evhttp

import (
	"bufio"
	"bytes"

	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// What an http.Handler may leave waiting on each side of the loop.
const (
	handlerBuffer = 4 << 10  // before anything is handed to the loop
	handlerUnsent = 64 << 10 // handed over, and not yet taken by the peer
	handlerUnread = 64 << 10 // of the body, for the handler to read
)

// HandleHTTP has requests for a path answered by a handler of net/http, in a
// goroutine for each request: so it may wait. The request's context ends when
// the client goes. Flushing, hijacking and trailers work, and what the handler
// panics with is logged, as net/http does. The error is ErrTaken.
func (s *Server) HandleHTTP(path string, h http.Handler) error {
	return s.handle(path, handler{fn: onGoroutine(h), stream: true})
}

// SetGenericHTTP has all requests answered by a handler of net/http that nobody
// else answers, as HandleHTTP does.
func (s *Server) SetGenericHTTP(h http.Handler) {
	s.generic = handler{fn: onGoroutine(h), stream: true}
}

// onGoroutine returns a handler that runs one of net/http.
func onGoroutine(h http.Handler) Handler {
	return func(r *Request) {
		w, req, err := newHTTPExchange(r)
		if err != nil {
			r.SendError(http.StatusBadRequest, "")
			return
		}
		go w.run(h, req)
	}
}

// An httpExchange connects a request on the loop with a handler in a goroutine.
// What is of the loop is touched by functions that are posted to it; the rest is
// under mu.
type httpExchange struct {
	r    *Request // the loop's
	base *event.Base
	req  *http.Request

	// The handler's goroutine's.
	header   http.Header
	wrote    bool // WriteHeader was called
	code     int
	noBody   bool
	begun    bool // the head was handed over
	buf      bytes.Buffer
	hijacked bool

	mu       sync.Mutex
	changed  sync.Cond
	body     evbuffer.Buffer // what the handler has not read
	bodyLeft bool            // there is more at the loop
	bodyEnd  bool            // and that is all
	unsent   int             // bytes handed over that the peer has not got
	err      error           // the request is over
}

func newHTTPExchange(r *Request) (*httpExchange, *http.Request, error) {
	w := &httpExchange{r: r, base: r.Conn().Base(), header: make(http.Header)}
	w.changed.L = &w.mu
	req, err := w.request()
	if err != nil {
		return nil, nil, err
	}
	w.req = req
	r.kept = true
	r.SetErrorCallback(func(_ *Request, err error) { w.fail(err) })
	r.SetChunkCallback(func(*Request) { w.pump() })
	if r.body.framing == 0 && r.incoming.Framing == 0 {
		w.bodyEnd = true
	}
	return w, req, nil
}

// request makes net/http's form of the request.
func (w *httpExchange) request() (*http.Request, error) {
	r := w.r
	u, err := requestURL(r)
	if err != nil {
		return nil, err
	}
	h := make(http.Header, r.InputHeaders().Len())
	for name, value := range r.InputHeaders().All() {
		key := http.CanonicalHeaderKey(name)
		if key != "Host" {
			h[key] = append(h[key], value)
		}
	}
	req := &http.Request{
		Method: r.Method(), URL: u, RequestURI: r.URI(),
		Proto: fmt.Sprintf("HTTP/1.%d", r.Minor()), ProtoMajor: 1, ProtoMinor: r.Minor(),
		Header: h, Host: string(r.reqHead.Host()), Body: http.NoBody,
		RemoteAddr: r.conn.peer.String(), Close: !r.reqHead.KeepAlive,
	}
	switch framing := r.incoming.Framing; {
	case framing.String() == "sized":
		req.ContentLength, req.Body = r.incoming.Length, (*httpBody)(w)
	case framing.String() == "chunked":
		req.ContentLength, req.Body = -1, (*httpBody)(w)
		req.TransferEncoding = []string{"chunked"}
		req.Trailer = announcedTrailer(h)
	}
	return req.WithContext(r.Context()), nil
}

func requestURL(r *Request) (*url.URL, error) {
	if r.method == MethodConnect {
		return &url.URL{Host: r.URI()}, nil
	}
	return url.ParseRequestURI(r.URI())
}

// announcedTrailer returns the trailer fields that a Trailer field announces,
// with values to come.
func announcedTrailer(h http.Header) http.Header {
	var t http.Header
	for _, list := range h["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			if t == nil {
				t = make(http.Header)
			}
			t[http.CanonicalHeaderKey(strings.TrimSpace(name))] = nil
		}
	}
	h.Del("Trailer")
	return t
}

// pump moves some of the body to where the handler reads it. It runs on the loop.
func (w *httpExchange) pump() {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.r.Input()
	if room := handlerUnread - w.body.Len(); room > 0 {
		in.RemoveBuffer(&w.body, room)
	}
	w.bodyLeft = in.Len() > 0
	if w.r.Complete() && !w.bodyLeft && !w.bodyEnd {
		w.bodyEnd = true
		w.setTrailer()
	}
	w.changed.Broadcast()
}

func (w *httpExchange) setTrailer() {
	for name, value := range w.r.InputTrailers().All() {
		if w.req.Trailer == nil {
			w.req.Trailer = make(http.Header)
		}
		w.req.Trailer.Add(name, value)
	}
}

// fail tells the handler's goroutine that nobody listens any more. It runs on
// the loop.
func (w *httpExchange) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
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
	for w.body.Len() == 0 {
		switch {
		case w.bodyEnd:
			return 0, io.EOF
		case w.err != nil:
			return 0, w.err
		}
		w.changed.Wait()
	}
	n, err := w.body.Remove(p)
	if w.bodyLeft && w.body.Len() < handlerUnread/2 {
		w.bodyLeft = false
		w.base.Post(func() {
			if w.r.ex != nil {
				w.pump()
			}
		})
	}
	return n, err
}

// Close implements io.Closer.
func (b *httpBody) Close() error { return nil }

// run is the handler's goroutine.
func (w *httpExchange) run(h http.Handler, req *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			w.finish()
			return
		}
		if p != http.ErrAbortHandler {
			slog.Error("http handler panicked", "remote", req.RemoteAddr, "uri", req.RequestURI,
				"panic", p, "stack", string(debug.Stack()))
		}
		w.abort(p != http.ErrAbortHandler && !w.begun)
	}()
	h.ServeHTTP(w, req)
}

// abort ends the request after a panic: with an error if nothing was sent.
func (w *httpExchange) abort(answer bool) {
	if w.hijacked {
		return
	}
	w.base.Post(func() {
		if w.r.ex == nil {
			return
		}
		if !answer || w.r.SendError(http.StatusInternalServerError, "") != nil {
			w.r.Cancel()
		}
	})
}

// Header implements http.ResponseWriter.
func (w *httpExchange) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *httpExchange) WriteHeader(code int) {
	if w.wrote || w.hijacked {
		return
	}
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	if code < 200 && code != http.StatusSwitchingProtocols {
		return // informational
	}
	w.wrote, w.code = true, code
	w.noBody = code == 204 || code == 304 || w.req.Method == http.MethodHead
}

// Write implements http.ResponseWriter.
func (w *httpExchange) Write(p []byte) (int, error) {
	if w.hijacked {
		return 0, http.ErrHijacked
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.code == 204 || w.code == 304 {
		return 0, http.ErrBodyNotAllowed
	}
	if w.noBody {
		return len(p), nil
	}
	w.sniff(p)
	w.buf.Write(p)
	if w.buf.Len() < handlerBuffer {
		return len(p), nil
	}
	return len(p), w.flush()
}

// sniff sets a Content-Type as net/http does, if there is none.
func (w *httpExchange) sniff(p []byte) {
	if _, ok := w.header["Content-Type"]; ok || w.begun || w.buf.Len() > 0 {
		return
	}
	if w.header.Get("Content-Encoding") == "" && len(p) > 0 {
		w.header.Set("Content-Type", http.DetectContentType(p))
	}
}

// Flush implements http.Flusher.
func (w *httpExchange) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *httpExchange) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.flush()
}

// flush hands what was written to the loop, and waits while too much of it is on
// its way.
func (w *httpExchange) flush() error {
	head := w.head(false)
	data := bytes.Clone(w.buf.Bytes())
	w.buf.Reset()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.unsent > handlerUnsent && w.err == nil {
		w.changed.Wait()
	}
	if w.err != nil {
		return w.err
	}
	w.unsent += len(data)
	return w.base.Post(func() { w.send(head, data) })
}

// head returns the head if it was not handed over yet. With whole, the body is
// complete, and the head says how long it is.
func (w *httpExchange) head(whole bool) http.Header {
	if w.begun {
		return nil
	}
	w.begun = true
	h := w.header.Clone()
	if whole && !w.noBody && h.Get("Trailer") == "" {
		h.Set("Content-Length", fmt.Sprint(w.buf.Len()))
	}
	return h
}

// send sends on the loop what was handed over.
func (w *httpExchange) send(head http.Header, data []byte) {
	if w.r.ex == nil {
		w.fail(ErrDone)
		return
	}
	if err := w.trySend(head, data); err != nil {
		w.r.Cancel()
		w.fail(err)
	}
}

func (w *httpExchange) trySend(head http.Header, data []byte) error {
	r := w.r
	if head != nil {
		for name, values := range head {
			if strings.HasPrefix(name, http.TrailerPrefix) || name == "Trailer" && len(values) == 0 {
				continue
			}
			for _, v := range values {
				r.OutputHeaders().Add(name, strings.TrimSpace(v)) // as net/http, silently without what is invalid
			}
		}
		if err := r.SendReplyStart(w.code, ""); err != nil {
			return err
		}
	}
	if len(data) == 0 {
		return nil
	}
	var buf evbuffer.Buffer
	if err := buf.AddReference(data, nil); err != nil {
		return err
	}
	n := len(data)
	return r.SendReplyChunkFunc(&buf, func() { w.sent(n) })
}

// sent is called on the loop when all that was sent has left.
func (w *httpExchange) sent(int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsent = 0
	w.changed.Broadcast()
}

// finish sends the rest, when the handler has returned.
func (w *httpExchange) finish() {
	if w.hijacked {
		return
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	head := w.head(true)
	data := bytes.Clone(w.buf.Bytes())
	trailer := w.trailer()
	w.base.Post(func() {
		w.send(head, data)
		if w.r.ex == nil {
			return
		}
		for name, value := range trailer {
			for _, v := range value {
				w.r.OutputTrailers().Add(name, v)
			}
		}
		if w.r.SendReplyEnd() != nil {
			w.r.Cancel()
		}
	})
}

// trailer returns the fields that were announced as trailers, or are named as
// such.
func (w *httpExchange) trailer() http.Header {
	t := make(http.Header)
	for _, list := range w.header["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			if v := w.header.Values(strings.TrimSpace(name)); len(v) > 0 {
				t[http.CanonicalHeaderKey(strings.TrimSpace(name))] = v
			}
		}
	}
	for name, v := range w.header {
		if rest, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			t[rest] = v
		}
	}
	return t
}

// Hijack implements http.Hijacker.
func (w *httpExchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.begun {
		return nil, nil, errors.New("hijack after the reply has begun")
	}
	var conn net.Conn
	var err error
	done := make(chan struct{})
	post := w.base.Post(func() {
		defer close(done)
		var b *bufferevent.Bufferevent
		if b, err = w.r.Hijack(); err == nil {
			conn = bufferevent.NewConn(b)
		}
	})
	if post != nil {
		return nil, nil, post
	}
	<-done
	if err != nil {
		return nil, nil, err
	}
	w.hijacked = true
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}
