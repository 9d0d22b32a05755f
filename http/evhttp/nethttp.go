package evhttp

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/internal/message"
)

// What an http.Handler may leave waiting on each side of the loop.
const (
	handlerBuffer = 2 << 10  // before anything is handed to the loop, as in net/http
	handlerUnsent = 64 << 10 // handed over, and not yet taken by the peer
	handlerUnread = 64 << 10 // of the body, for the handler to read
	handlerFile   = 1 << 20  // of a file, handed over at once
)

// HTTPHandler makes a handler of one of net/http, which runs in a goroutine for
// each request, so it may wait. It is for [Server.HandleStream] and its siblings,
// to have the body as it comes; with [Server.Handle] it gets the whole body. A server
// knows it when it gets it as it is: within a function of one's own it has only the
// methods that the server allows.
//
// All is as with net/http's own server: the request's context ends when the
// client goes or the handler returns, and has the keys of net/http; every method
// gets there, and "OPTIONS *" is answered without asking (see
// [Server.DisableGeneralOptionsHandler]); a client that waits before it sends the
// body is told to go on when the handler reads it; Hijack, Flush, interim replies,
// trailers and the methods of [http.ResponseController] work; files are sent by
// the kernel. These are different:
//
//   - What a handler panics with is logged and, if nothing has been sent yet,
//     answered with 500, where net/http only closes the connection.
//     [http.ErrAbortHandler] does that here, too.
//   - The body can always be read while the reply is being sent. Without
//     EnableFullDuplex such a reply is the connection's last one, and says so, if
//     more than 256 kB of the body may be to come.
//   - A body that breaks the rules of HTTP is answered with 400 by the server.
//   - Hijack is an error while there is more of the body than has come.
//   - A write deadline counts while the handler writes, and once when it has
//     returned; a read deadline is for the body alone.
//   - A Date field cannot be left out, and 205 has no body (RFC 9110, section
//     15.3.6).
func HTTPHandler(h http.Handler) Handler { return (&netHandler{h}).begin }

// A netHandler is a handler of net/http. Servers know the two ways to run it from
// all other functions, by their code, since it is to get every method.
type netHandler struct{ http.Handler }

var netHandlerCode = []uintptr{codeOf(HTTPHandler(nil)), codeOf(HTTPHandlerInline(nil))}

func codeOf(fn Handler) uintptr { return reflect.ValueOf(fn).Pointer() }

// isNetHTTP reports whether fn runs a handler of net/http.
func isNetHTTP(fn Handler) bool { return slices.Contains(netHandlerCode, codeOf(fn)) }

// begin has the handler run in a goroutine.
func (h *netHandler) begin(r *Request) {
	w, err := newHTTPExchange(r)
	if err != nil {
		r.SendError(http.StatusBadRequest, "")
		return
	}
	go w.run(h)
}

// An httpExchange connects a request on the loop with a handler in a goroutine.
// What is of the loop is touched by functions that are posted to it; the rest is
// under mu.
type httpExchange struct {
	r     *Request // the loop's
	base  *event.Base
	added int64 // bytes of the reply that were added to the output; the loop's

	// The handler's.
	httpReply
	req      *http.Request
	unhook   func() bool        // from the freeing of the base
	cancel   context.CancelFunc // of the request's context
	begun    bool               // the head was handed over
	buf      []byte             // written, and not handed over
	hijacked bool

	mu         sync.Mutex
	changed    sync.Cond
	body       evbuffer.Buffer // what the handler has not read
	bodyLeft   bool            // there is more at the loop
	bodyEnd    bool            // and that is all
	bodyClosed bool            // by the handler, or because it has returned
	trailer    http.Header     // of the request, until the handler sees its end
	asks       bool            // the client waits until the body is read
	handed     int64           // bytes of the reply that were handed over
	left       int64           // and those that have left for the peer
	err        error           // the request is over

	readBy, writeBy httpDeadline

	clientGone context.Context // that of the request on the loop
	gone       <-chan bool     // for CloseNotify
	unwatch    func() bool     // of clientGone, or nil
}

func newHTTPExchange(r *Request) (*httpExchange, error) {
	w := &httpExchange{r: r, base: r.conn.base, clientGone: r.Context()}
	w.changed.L = &w.mu
	req, err := newHTTPRequest(r)
	if err != nil {
		return nil, err
	}
	w.httpReply.init(req)
	ctx, cancel := context.WithCancel(handlerContext{r.Context(), r.conn.localAddr()})
	w.cancel = cancel
	w.req = req.WithContext(ctx)
	w.unhook = w.base.AfterFree(w.baseFreed)
	r.SetErrorCallback(func(_ *Request, err error) { w.fail(err) })
	r.outlasts = true // the context ends, as with net/http
	if r.incoming.Length == 0 {
		w.bodyEnd = true
		return w, nil
	}
	w.req.Body = (*httpBody)(w)
	w.asks = r.asked.Expect == message.ExpectContinue
	r.ex.wantBody(false)
	r.SetChunkCallback(func(*Request) { w.pump() })
	if r.received {
		w.pump()
	}
	return w, nil
}

// A handlerContext has the values that net/http gives to handlers.
type handlerContext struct {
	context.Context
	local net.Addr
}

// Value implements context.Context.
func (c handlerContext) Value(key any) any {
	switch key {
	case http.LocalAddrContextKey:
		return c.local
	case http.ServerContextKey:
		return httpServer
	}
	return c.Context.Value(key)
}

// httpServer is there for handlers that look for a server to see whether they
// may end a request with http.ErrAbortHandler.
var httpServer = new(http.Server)

// fail tells the handler that nobody listens any more. It runs on the loop.
func (w *httpExchange) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
}

// baseFreed ends what the handler waits for when there is no loop any more that
// could.
func (w *httpExchange) baseFreed() {
	w.fail(event.ErrFreed)
	w.cancel()
}

// run is the handler's goroutine.
func (w *httpExchange) run(h http.Handler) {
	returned := false
	defer func() {
		p := recover()
		if p != nil {
			logPanic(w.req, p)
		}
		switch {
		case w.hijacked:
		case returned:
			w.finish()
		default: // it has panicked, or called runtime.Goexit
			w.abort(p != nil && p != http.ErrAbortHandler && !w.begun)
		}
		w.release()
	}()
	h.ServeHTTP(w, w.req)
	returned = true
}

// logPanic logs what a handler has panicked with, unless it only means to end the
// request.
func logPanic(req *http.Request, p any) {
	if p != http.ErrAbortHandler {
		event.Logger().Error("evhttp: handler of net/http panicked", "remote", req.RemoteAddr, "uri", req.RequestURI,
			"panic", p, "stack", string(debug.Stack()))
	}
}

// abort ends the request without a reply, or with one that says that there was
// an error.
func (w *httpExchange) abort(answer bool) {
	w.base.Post(func() {
		if w.r.ex == nil {
			return
		}
		if !answer || w.r.SendError(http.StatusInternalServerError, "") != nil {
			w.r.abort(ErrDone)
		}
	})
}

// release ends what could outlive the handler.
func (w *httpExchange) release() {
	w.unhook()
	w.cancel()
	w.req.Body.Close()
	w.mu.Lock()
	w.readBy.stop()
	w.writeBy.stop()
	if w.unwatch != nil {
		w.unwatch()
	}
	w.mu.Unlock()
	if w.req.MultipartForm != nil {
		w.req.MultipartForm.RemoveAll()
	}
}

// CloseNotify implements http.CloseNotifier, which is deprecated and still used.
func (w *httpExchange) CloseNotify() <-chan bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone == nil {
		gone := make(chan bool, 1)
		w.gone = gone
		ctx := w.clientGone
		w.unwatch = context.AfterFunc(ctx, func() {
			if context.Cause(ctx) != context.Canceled { // the request has not just ended
				gone <- true
			}
		})
	}
	return w.gone
}

// Hijack implements http.Hijacker. What was written before is sent.
func (w *httpExchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.hijacked {
		return nil, nil, http.ErrHijacked
	}
	if w.wrote() {
		if err := w.flush(false); err != nil {
			return nil, nil, err
		}
	}
	var conn net.Conn
	var err error
	done := make(chan struct{})
	post := w.base.Post(func() {
		defer close(done)
		var b *bufferevent.Bufferevent
		// The context lasts as long as the handler.
		cancel := w.r.cancel
		w.r.cancel = nil
		if b, err = w.r.Hijack(); err != nil {
			w.r.cancel = cancel
			return
		}
		conn = bufferevent.NewConn(b)
	})
	if post != nil {
		return nil, nil, post
	}
	freed := make(chan struct{})
	stop := w.base.AfterFree(func() { close(freed) })
	defer stop()
	select {
	case <-done:
	case <-freed:
		return nil, nil, event.ErrFreed
	}
	if err != nil {
		return nil, nil, err
	}
	w.hijacked = true
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}
