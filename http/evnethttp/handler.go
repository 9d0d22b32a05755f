package evnethttp

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// Handler makes a handler of evhttp of one of net/http, which runs in a goroutine for
// each request, so it may wait. It is for [evhttp.Server.HandleStream] and its siblings,
// to have the body as it comes; with [evhttp.Server.Handle] it gets the whole body. It
// gets requests of every method, as [evhttp.AllMethods] says.
//
// All is as with net/http's own server: the request's context ends when the
// client goes or the handler returns, and has the keys of net/http; every method
// gets there, and "OPTIONS *" is answered without asking (see
// [evhttp.Server.DisableGeneralOptionsHandler]); a client that waits before it sends the
// body is sent "100 Continue" when the handler reads it; Hijack, Flush, interim replies,
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
func Handler(h http.Handler) evhttp.Handler {
	return evhttp.AllMethods(func(r *evhttp.Request) {
		w, err := newExchange(r)
		if err != nil {
			_ = r.SendError(http.StatusBadRequest, "") // fails only when the request is over
			return
		}
		go w.run(h)
	})
}

// An exchange connects a request on the loop with a handler in a goroutine. It is the
// ResponseWriter.
type exchange struct {
	base *event.Base
	in   *bridge.Reader // the body of the request, or nil if there is none
	out  bridge.Writer  // that of the reply

	// The loop's.
	r       *evhttp.Request
	taken   evbuffer.Buffer // from out, for the connection
	sending int             // how much of that has not left for the peer
	ended   bool            // the end of the reply was sent

	// The handler's.
	response
	req       *http.Request
	unhook    func() bool        // undoes AfterFree
	cancel    context.CancelFunc // of the request's context
	begun     bool               // the head was handed over
	buf       []byte             // written, and not handed over
	hijacked  bool
	timed     bool        // there is a write deadline
	failed    error       // nothing can be written any more
	asks      atomic.Bool // the client waits until the body is read
	connGone  context.Context
	stopWatch func() bool // of connGone, for CloseNotify

	mu         sync.Mutex
	head       http.Header // that was handed over, until the loop sends it
	whole      bool        // all of the reply was handed over with it
	outTrailer http.Header // of the reply
	inTrailer  http.Header // of the request, until the handler sees its end
	gone       chan bool   // for CloseNotify
}

// newExchange makes the exchange of a request, on the loop.
func newExchange(r *evhttp.Request) (*exchange, error) {
	conn := r.Conn()
	w := &exchange{r: r, base: conn.Base(), connGone: r.Context()}
	req, err := newRequest(r)
	if err != nil {
		return nil, err
	}
	w.init(req)
	ctx, cancel := context.WithCancel(handlerContext{w.connGone, conn.LocalAddr()})
	w.cancel = cancel
	w.req = req.WithContext(ctx)
	w.out.Init(w.base, bridge.Config{High: handlerUnsent, Ready: w.send})
	w.unhook = w.base.AfterFree(w.baseFreed)
	r.SetErrorCallback(func(_ *evhttp.Request, err error) { w.fail(err) })
	r.AllowHalfClose() // the context ends, as with net/http
	if r.BodyLength() == 0 {
		return w, nil
	}
	w.in = new(bridge.Reader)
	w.in.Init(w.base, bridge.Config{High: handlerUnread, Ready: w.receive})
	w.req.Body = (*body)(w)
	w.asks.Store(r.ExpectsContinue())
	r.WantBody(false)
	r.SetFullDuplex(false)
	r.SetChunkCallback(func(*evhttp.Request) { w.receive() })
	if r.Complete() {
		w.receive()
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
		return server
	}
	return c.Context.Value(key)
}

// server is there for handlers that look for one to see whether they may end a request
// with http.ErrAbortHandler.
var server = new(http.Server)

// over reports, on the loop, whether the request is.
func (w *exchange) over() bool { return w.r.Conn() == nil }

// fail ends both directions, on the loop.
func (w *exchange) fail(err error) {
	if w.in != nil {
		w.in.End(err)
	}
	w.out.End(err)
}

// baseFreed ends what the handler waits for when there is no loop any more that
// could.
func (w *exchange) baseFreed() {
	w.fail(event.ErrFreed)
	w.cancel()
}

// run is the handler's goroutine.
func (w *exchange) run(h http.Handler) {
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
		event.Logger().Error("evnethttp: handler panicked", "remote", req.RemoteAddr, "uri", req.RequestURI,
			"panic", p, "stack", string(debug.Stack()))
	}
}

// abort has the loop cut the reply off after what was written, or answer that there was
// an error.
func (w *exchange) abort(answer bool) {
	cause := errAborted
	if answer {
		cause = errPanicked
	}
	_ = w.out.CloseWithError(cause) // it is open
}

// release ends what could outlive the handler.
func (w *exchange) release() {
	w.unhook()
	w.cancel()
	w.req.Body.Close()
	_ = w.out.Close() // fails only if it was done before
	w.mu.Lock()
	if w.stopWatch != nil {
		w.stopWatch()
	}
	w.mu.Unlock()
	if w.req.MultipartForm != nil {
		w.req.MultipartForm.RemoveAll()
	}
}

// CloseNotify implements http.CloseNotifier, which is deprecated and still used.
func (w *exchange) CloseNotify() <-chan bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone == nil {
		gone := make(chan bool, 1)
		w.gone = gone
		ctx := w.connGone
		w.stopWatch = context.AfterFunc(ctx, func() {
			if context.Cause(ctx) != context.Canceled { // the request has not just ended
				gone <- true
			}
		})
	}
	return w.gone
}

// Hijack implements http.Hijacker. What was written before is sent.
func (w *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
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
		w.sendTaken()
		var b *bufferevent.Bufferevent
		if b, err = w.r.Hijack(); err == nil {
			conn = bufferevent.NewConn(b)
		}
	})
	if post != nil {
		return nil, nil, post
	}
	freed := make(chan struct{})
	stop := w.base.AfterFree(func() { close(freed) })
	defer stop()
	select { // in any order: which of them it was is asked again
	case <-done:
	case <-freed:
	}
	select {
	case <-done:
	default: // and the function never runs
		return nil, nil, event.ErrFreed
	}
	if err != nil {
		return nil, nil, err
	}
	w.hijacked = true
	return conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)), nil
}
