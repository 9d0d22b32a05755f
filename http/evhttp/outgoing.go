package evhttp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// Defaults of a client's connection.
const (
	DefaultConnectTimeout  = 45 * time.Second
	DefaultResponseTimeout = 50 * time.Second
	DefaultInitialRetry    = 2 * time.Second

	maxRetryDelay = time.Hour
)

// outgoing is the client's side of a connection: it connects when there is a
// request, and sends one after the other.
type outgoing struct {
	Conn
	resolver  bufferevent.Resolver
	family    int
	host      string // to connect to, and for the Host field; or
	unix      string // the path of a Unix socket
	port      int
	newStream func(base *event.Base) (*bufferevent.Bufferevent, error)

	queue []*Request // the first one is being sent or answered
	state outgoingState
	busy  bool // readable is at work, and will see what has changed

	reused    bool // the connection has carried another request before
	answering bool // some of the answer has come
	sentAll   bool // all of the request was handed to the stream
	last      bool // the connection carries no other request
	writeErr  error
	scratch   []byte
	sentFunc  func()

	connectTimeout, readTimeout, writeTimeout time.Duration
	retries, maxRetries                       int
	initialRetry                              time.Duration
	freeWhenDone                              bool
}

type outgoingState uint8

const (
	apart      outgoingState = iota // there is no connection
	waiting                         // nor will there be before the next try
	connecting                      // there may soon be one
	idle                            // there is one, and no request
	inResponse                      // a request is under way
	inResponseBody
)

// NewConn makes a connection to a host, which a resolver looks up; nil stands for
// Go's. It connects when there is a request, and again when there is one after
// it was closed (evhttp_connection_base_new).
func NewConn(base *event.Base, resolver bufferevent.Resolver, host string, port int) (*Conn, error) {
	return NewConnFunc(base, resolver, host, port, nil)
}

// NewConnFunc is NewConn with streams of another kind, such as TLS, which a
// function makes: without a descriptor, and not connected. nil stands for plain
// sockets (evhttp_connection_base_bufferevent_new).
func NewConnFunc(base *event.Base, resolver bufferevent.Resolver, host string, port int,
	newStream func(base *event.Base) (*bufferevent.Bufferevent, error)) (*Conn, error) {
	if port < 1 || port > 65535 || host == "" {
		return nil, fmt.Errorf("new connection to %s port %d: %w", host, port, ErrInvalid)
	}
	o := &outgoing{resolver: resolver, host: host, port: port, newStream: newStream}
	return o.prepare(base)
}

// NewConnUnix is NewConnFunc for a Unix socket. The Host field is empty unless
// the request has one (evhttp_connection_base_bufferevent_unix_new).
func NewConnUnix(base *event.Base, path string, newStream func(base *event.Base) (*bufferevent.Bufferevent, error)) (*Conn, error) {
	return (&outgoing{unix: path, newStream: newStream}).prepare(base)
}

// NewConnReuse makes a connection of a bufferevent that is connected, and
// becomes the connection's. When it is closed there is none any more
// (evhttp_connection_base_bufferevent_reuse_new).
func NewConnReuse(b *bufferevent.Bufferevent, host string) (*Conn, error) {
	o := &outgoing{host: host}
	c, err := o.prepare(b.Base())
	if err != nil {
		return nil, err
	}
	o.attach(b)
	o.connected()
	return c, nil
}

func (o *outgoing) prepare(base *event.Base) (*Conn, error) {
	if o.newStream == nil {
		o.newStream = plainClient
	}
	o.limits = new(wire.Limits)
	o.connectTimeout, o.readTimeout, o.writeTimeout = DefaultConnectTimeout, DefaultResponseTimeout, DefaultResponseTimeout
	o.initialRetry = DefaultInitialRetry
	if err := o.init(base, o); err != nil {
		return nil, err
	}
	return &o.Conn, nil
}

func plainClient(base *event.Base) (*bufferevent.Bufferevent, error) {
	return bufferevent.NewSocket(base, evutil.InvalidSocket, bufferevent.CloseOnFree)
}

// next goes on with the first request in the queue, if nothing else is under way.
func (o *outgoing) next() {
	switch {
	case o.freed:
	case len(o.queue) == 0:
		if o.freeWhenDone {
			o.Free()
		}
	case o.state == apart:
		o.connect()
	case o.state == idle:
		o.begin(o.queue[0])
	}
}

// connect begins to connect.
func (o *outgoing) connect() {
	if o.host == "" && o.unix == "" {
		o.failAll(ReqEOF, errClosed)
		return
	}
	o.state = connecting
	bev, err := o.newStream(o.base)
	if err == nil {
		o.attach(bev)
		o.expect(o.connectTimeout)
		err = o.startConnect(bev)
	}
	if err != nil {
		o.lost(ReqEOF, err)
	}
}

func (o *outgoing) startConnect(bev *bufferevent.Bufferevent) error {
	if o.unix != "" {
		return bev.ConnectUnix(o.unix)
	}
	hints := evutil.AddrInfoHints{Family: o.family, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	if o.family == 0 {
		hints.Flags = evutil.AIAddrConfig
	}
	return bev.ConnectHostnameHints(o.resolver, &hints, o.host, o.port)
}

// connected is called when there is a connection.
func (o *outgoing) connected() {
	o.state, o.retries, o.reused = idle, 0, false
	o.last, o.writeErr = false, nil
	o.expect(0)
	o.bev.SetTimeouts(0, o.writeTimeout)
	o.bev.Enable(event.Read) // an end while idle is noticed, too
	o.next()
}

// disconnect closes the stream, and keeps the connection for another one.
func (o *outgoing) disconnect() {
	o.expect(0)
	if o.bev != nil {
		o.bev.Free()
		o.bev = nil
	}
	o.state = apart
}

// lost is called when connecting has failed, or a request has before it can have
// had any effect: another try may be due.
func (o *outgoing) lost(code RequestError, err error) {
	o.disconnect()
	if o.maxRetries >= 0 && o.retries >= o.maxRetries {
		o.retries = 0
		o.failAll(code, err)
		return
	}
	delay := o.initialRetry << min(o.retries, 20)
	o.retries++
	o.state = waiting
	o.expect(min(delay, maxRetryDelay))
}

// failAll fails all requests that wait.
func (o *outgoing) failAll(code RequestError, err error) {
	queue := o.queue
	o.queue = nil
	for _, r := range queue {
		o.endRequest(r, &Error{Code: code, Err: err})
	}
	o.next()
}

// fail ends the request that is under way, and the connection with it.
func (o *outgoing) fail(code RequestError, err error) {
	if o.state != inResponse && o.state != inResponseBody {
		o.lost(code, err)
		return
	}
	r := o.queue[0]
	o.disconnect()
	if o.maySendAgain(r) {
		r.sending, r.code = sendNothing, 0
		o.next()
		return
	}
	o.queue = slices.Delete(o.queue, 0, 1)
	o.endRequest(r, &Error{Code: code, Err: err})
	o.next()
}

// maySendAgain reports whether a request that failed can be sent on another
// connection: the server has closed one that had been idle, the request has no
// effect that twice would be more than once, and it is still all there.
func (o *outgoing) maySendAgain(r *Request) bool {
	const idempotent = MethodGet | MethodHead | MethodPut | MethodDelete | MethodOptions | MethodTrace
	return o.reused && !o.answering && o.unix+o.host != "" && r.method&idempotent != 0 && r.sent == 0
}

// endRequest tells how a request has ended.
func (o *outgoing) endRequest(r *Request, cause error) {
	r.cause = cause
	r.over(cause)
	if r.onDone != nil {
		r.onDone(r)
	}
}

// readable implements side.
func (o *outgoing) readable() {
	if o.busy {
		return
	}
	o.busy = true
	for more := true; more && o.bev != nil; {
		switch o.state {
		case inResponse:
			more = o.readHead()
		case inResponseBody:
			more = o.readBody()
		case idle:
			if more = false; o.bev.Input().Len() > 0 { // nobody has asked
				o.disconnect()
			}
		default:
			more = false
		}
	}
	o.busy = false
}

func (o *outgoing) readHead() (more bool) {
	r, in := o.queue[0], o.bev.Input()
	if in.Len() == 0 {
		return false
	}
	o.answering = true
	done, err := readHead(in, &r.respHead, o.limits)
	switch {
	case err != nil:
		o.fail(ReqInvalidHeader, err)
		return false
	case !done:
		return false
	case r.respHead.Informational():
		if r.respHead.Status == 100 {
			o.goOn(r)
		}
		r.respHead.Again()
		return true
	}
	return o.headComplete(r)
}

func (o *outgoing) headComplete(r *Request) (more bool) {
	o.state = inResponseBody
	r.incoming = &r.respHead.Head
	r.code, r.reason = r.respHead.Status, string(r.respHead.Reason())
	o.last = o.last || !r.respHead.KeepAlive
	if r.onHeader != nil && !r.onHeader(r) {
		if o.current(r) {
			o.fail(ReqCancel, ErrDone)
		}
		return false
	}
	if !o.current(r) {
		return false
	}
	limit := o.maxBody
	if limit <= 0 {
		limit = 1<<63 - 1
	}
	if err := r.body.begin(r.incoming, limit); err != nil {
		o.fail(ReqDataTooLong, err)
		return false
	}
	return true
}

// current reports whether r is still the request that is under way.
func (o *outgoing) current(r *Request) bool {
	return o.bev != nil && len(o.queue) > 0 && o.queue[0] == r
}

func (o *outgoing) readBody() (more bool) {
	r := o.queue[0]
	most := 1<<31 - 1
	if r.stream {
		if most = maxUntaken - r.input.Len(); most <= 0 {
			r.paused = true
			o.bev.Disable(event.Read)
			o.expect(0)
			return false
		}
	}
	n, err := r.body.read(o.bev.Input(), &r.input, most, o.limits)
	switch {
	case errors.Is(err, wire.ErrBodyTooLarge):
		o.fail(ReqDataTooLong, err)
	case err != nil:
		o.fail(ReqInvalidHeader, err)
	case r.body.complete():
		o.complete(r)
	case n > 0:
		o.expect(o.readTimeout)
		if r.onChunk != nil {
			r.onChunk(r)
		}
		return true
	}
	return o.bev != nil && o.state == inResponse
}

// complete is called when all of the answer has come.
func (o *outgoing) complete(r *Request) {
	r.received = true
	if r.stream {
		r.onChunk(r)
		if !o.current(r) {
			return
		}
	}
	o.queue = slices.Delete(o.queue, 0, 1)
	o.expect(0)
	o.reused, o.sentFunc = true, nil
	o.state = idle
	if r.body.framing == wire.Tunnel {
		o.last = true
	} else if o.last || r.sending != sendDone {
		o.disconnect()
	}
	o.endRequest(r, nil)
	o.next()
}

// drained implements side.
func (o *outgoing) drained() {
	if fn := o.sentFunc; fn != nil {
		o.sentFunc = nil
		fn()
	}
}

// happened implements side.
func (o *outgoing) happened(what bufferevent.Events) {
	switch {
	case what&bufferevent.EventConnected != 0:
		o.connected()
	case what&bufferevent.EventEOF != 0:
		o.ended()
	case what&bufferevent.EventTimeout != 0:
		o.fail(ReqTimeout, o.bev.Err())
	case what&bufferevent.EventError != 0:
		o.fail(ReqEOF, o.bev.Err())
	}
}

// ended is called when the server has closed the connection.
func (o *outgoing) ended() {
	o.readable()
	switch {
	case o.bev == nil:
	case o.state == idle:
		o.disconnect()
		if o.onClose != nil {
			o.onClose(&o.Conn)
		}
	case o.state == inResponseBody && o.queue[0].body.framing == wire.UntilClose:
		o.last = true
		o.complete(o.queue[0])
	default:
		o.fail(ReqEOF, io.ErrUnexpectedEOF)
	}
}

// expired implements side.
func (o *outgoing) expired() {
	if o.state == waiting {
		o.state = apart
		o.next()
		return
	}
	o.fail(ReqTimeout, errTimeout)
}

// release implements side.
func (o *outgoing) release() {
	queue := o.queue
	o.queue, o.state = nil, apart
	for _, r := range queue {
		r.over(errClosed)
	}
}
