package evhttp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// What an http.Handler may leave waiting on each side of the loop.
const (
	handlerBuffer = 2 << 10  // before anything is handed to the loop, as in net/http
	handlerUnsent = 64 << 10 // handed over, and not yet taken by the peer
	handlerUnread = 64 << 10 // of the body, for the handler to read
)

// HTTPHandler makes a handler of one of net/http, which runs in a goroutine for
// each request, so it may wait. It is for [Server.HandleStream] and its siblings,
// to have the body as it comes; with [Server.Handle] it gets the whole body. The
// request's context ends when the client goes. Flushing, hijacking, interim
// answers and trailers work as in net/http, and what the handler panics with is
// logged and answered with 500.
func HTTPHandler(h http.Handler) Handler {
	return func(r *Request) {
		w, err := newHTTPExchange(r)
		if err != nil {
			r.SendError(http.StatusBadRequest, "")
			return
		}
		go w.run(h)
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
	set      http.Header // as it was when WriteHeader was called
	wrote    bool        // it was
	code     int
	noBody   bool
	left     int64 // bytes that may be written yet, or -1
	unsaid   int   // bytes that were written of a body that is not sent
	begun    bool  // the head was handed over
	buf      bytes.Buffer
	asks     bool // the client waits until the body is read
	hijacked bool
	unhook   context.CancelCauseFunc // of the context, if it was hijacked

	mu       sync.Mutex
	changed  sync.Cond
	body     evbuffer.Buffer // what the handler has not read
	bodyLeft bool            // there is more at the loop
	bodyEnd  bool            // and that is all
	unsent   int             // bytes handed over that the peer has not got
	err      error           // the request is over
}

func newHTTPExchange(r *Request) (*httpExchange, error) {
	w := &httpExchange{r: r, base: r.conn.base, header: make(http.Header), left: -1}
	w.changed.L = &w.mu
	req, err := newHTTPRequest(r)
	if err != nil {
		return nil, err
	}
	ctx := context.WithValue(r.Context(), http.ServerContextKey, httpServer)
	w.req = req.WithContext(ctx)
	r.SetErrorCallback(func(_ *Request, err error) { w.fail(err) })
	if r.incoming.Framing == wire.NoBody {
		w.bodyEnd = true
		return w, nil
	}
	w.req.Body = (*httpBody)(w)
	w.asks = r.reqHead.Expect == wire.ExpectContinue
	r.patient = true
	r.SetChunkCallback(func(*Request) { w.pump() })
	if r.received {
		w.pump()
	}
	return w, nil
}

// httpServer is there for handlers that look for a server to see whether they
// may end a request with http.ErrAbortHandler.
var httpServer = new(http.Server)

// newHTTPRequest makes net/http's form of a request, without its body.
func newHTTPRequest(r *Request) (*http.Request, error) {
	u, err := requestURL(r)
	if err != nil {
		return nil, err
	}
	h := make(http.Header, r.InputHeaders().Len())
	for name, value := range r.InputHeaders().All() {
		if key := http.CanonicalHeaderKey(name); key != "Host" {
			h[key] = append(h[key], value)
		}
	}
	req := &http.Request{
		Method: r.Method(), URL: u, RequestURI: r.URI(),
		Proto: protocolOf(r.Minor()), ProtoMajor: 1, ProtoMinor: r.Minor(),
		Header: h, Host: string(r.reqHead.Host()), Body: http.NoBody,
		RemoteAddr: remoteAddr(r.conn), Close: !r.reqHead.KeepAlive,
	}
	if fn := r.conn.Server().tlsState; fn != nil {
		if state, ok := fn(r.conn.bev); ok {
			req.TLS = &state
		}
	}
	switch r.incoming.Framing {
	case wire.Sized:
		req.ContentLength = r.incoming.Length
	case wire.Chunked:
		req.ContentLength = -1
		req.TransferEncoding = []string{"chunked"}
		h.Del("Transfer-Encoding")
		req.Trailer = announcedTrailer(h)
	}
	return req, nil
}

// remoteAddr returns the peer's address as net/http has it: "@" is that of Unix
// sockets without a name.
func remoteAddr(c *Conn) string {
	if !c.peer.IsValid() {
		return "@"
	}
	return c.peer.String()
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
	if w.asks {
		w.asks = false
		w.base.Post(w.askForBody)
	}
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

// askForBody tells the client that the handler wants the body.
func (w *httpExchange) askForBody() {
	if c, ok := w.r.ex.(*served); ok {
		c.askForBody(w.r)
	}
}

// Close implements io.Closer.
func (b *httpBody) Close() error { return nil }

// run is the handler's goroutine.
func (w *httpExchange) run(h http.Handler) {
	defer func() {
		p := recover()
		if w.unhook != nil {
			w.unhook(nil)
		}
		if p == nil {
			w.finish()
			return
		}
		logPanic(w.req, p)
		w.abort(p != http.ErrAbortHandler && !w.begun)
	}()
	h.ServeHTTP(w, w.req)
}

// logPanic logs what a handler has panicked with, unless it only means to end the
// request.
func logPanic(req *http.Request, p any) {
	if p != http.ErrAbortHandler {
		slog.Error("http handler panicked", "remote", req.RemoteAddr, "uri", req.RequestURI,
			"panic", p, "stack", string(debug.Stack()))
	}
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
			w.r.cutOff(ErrDone)
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
		w.inform(code)
		return
	}
	w.wrote, w.code = true, code
	w.set = w.header.Clone()
	w.noBody = code == 204 || code == 304 || code == 101 || w.req.Method == http.MethodHead
	if n, err := strconv.ParseInt(w.set.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.left = n
	} else {
		w.set.Del("Content-Length")
	}
}

// inform sends an interim answer.
func (w *httpExchange) inform(code int) {
	h := w.header.Clone()
	w.base.Post(func() {
		if w.r.ex == nil {
			return
		}
		addHeader(w.r, h)
		w.r.SendInformational(code)
		w.r.header.Clear()
	})
}

// Write implements http.ResponseWriter.
func (w *httpExchange) Write(p []byte) (int, error) {
	if w.hijacked {
		return 0, http.ErrHijacked
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case w.code == 204 || w.code == 304 || w.code == 101:
		return 0, http.ErrBodyNotAllowed
	case w.left >= 0 && int64(len(p)) > w.left:
		return 0, http.ErrContentLength
	case w.left >= 0:
		w.left -= int64(len(p))
	}
	w.sniff(p)
	if w.noBody {
		w.unsaid += len(p)
		return len(p), nil
	}
	w.buf.Write(p)
	if w.buf.Len() < handlerBuffer {
		return len(p), nil
	}
	return len(p), w.flush()
}

// sniff sets a Content-Type as net/http does, if there is none.
func (w *httpExchange) sniff(p []byte) {
	if _, ok := w.set["Content-Type"]; ok || w.begun || w.buf.Len()+w.unsaid > 0 {
		return
	}
	if w.set.Get("Content-Encoding") == "" {
		w.set.Set("Content-Type", http.DetectContentType(p))
	}
}

// Flush implements http.Flusher.
func (w *httpExchange) Flush() { w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *httpExchange) FlushError() error {
	if w.hijacked {
		return http.ErrHijacked
	}
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
	h, n := w.set, w.buf.Len()
	if w.req.Method == http.MethodHead {
		n = w.unsaid
	}
	known := whole && w.left < 0 && (!w.noBody || 0 < n && n < handlerBuffer)
	if known && !hasTrailer(w.header) {
		h.Set("Content-Length", strconv.Itoa(n))
	}
	return h
}

// hasTrailer reports whether there will be fields after the body.
func hasTrailer(h http.Header) bool {
	if h.Get("Trailer") != "" {
		return true
	}
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
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
		addHeader(r, head)
		r.untyped = true
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
	return r.SendReplyChunkFunc(&buf, w.sent)
}

// addHeader adds net/http's form of a header to what is sent, as net/http does:
// without ends of lines in values, and without what is not valid even so.
func addHeader(r *Request, h http.Header) {
	for name, values := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			continue
		}
		for _, v := range values {
			r.header.Add(name, strings.TrimSpace(lineEnds.Replace(v)))
		}
	}
}

var lineEnds = strings.NewReplacer("\n", " ", "\r", " ")

// sent is called on the loop when all that was sent has left.
func (w *httpExchange) sent() {
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
			w.r.cutOff(ErrDone)
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
		// The context lasts as long as the handler.
		unhook := w.r.cancel
		w.r.cancel = nil
		if b, err = w.r.Hijack(); err != nil {
			w.r.cancel = unhook
			return
		}
		w.unhook = unhook
		conn = bufferevent.NewConn(b)
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
