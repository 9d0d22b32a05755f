package evhttp

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/http/internal/wire"
)

// outgoing is the client's side of a connection: it connects when there is a
// request, and sends one after the other.
type outgoing struct {
	Conn
	resolver  bufferevent.Resolver
	family    int
	local     netip.AddrPort
	host      string // to connect to, or
	unix      string // the path of a Unix socket, or neither
	port      int
	hostField string
	proxyAuth string // the value of Proxy-Authorization in requests, or nothing
	newStream DialFunc
	tunnel    *tunnel // through a proxy, or nil
	pool      *pool   // that the connection is one of, or nil
	onPanic   PanicFunc
	flags     ConnFlags

	queue []*clientExchange // the first one is being sent or answered
	state outgoingState
	busy  bool // readable is at work, and will see what has changed

	// What there is for a connection.
	reused  bool  // it has carried another request before
	last    bool  // it carries no other request
	ended   error // nothing more comes, or nil
	written error // nothing more can be sent, or nil
	failure error // with expired: why it cannot be, or nil

	// What there is for a request.
	answering bool  // some of the answer has come
	timed     bool  // the time for the answer runs
	awaiting  bool  // the body waits for the server to want it
	starting  bool  // or for the loop to tell the user
	tooLarge  error // the body is being dropped because of that, or nil
	handed    int   // bytes that were given to the stream, if nothing can follow
	informed  int   // informational responses that have come

	unhook                                    func() bool // from the freeing of the base, unless in a pool
	scratch                                   []byte
	spareSent                                 []func() // memory to be used again
	connectTimeout, readTimeout, writeTimeout time.Duration
	continueTimeout, idleTimeout              time.Duration
	retries, maxRetries                       int
	initialRetry                              time.Duration
	maxQueue                                  int
	freeWhenDone                              bool
	idleSince                                 uint64 // in a pool
}

type outgoingState uint8

const (
	apart      outgoingState = iota // there is no connection
	waiting                         // nor will there be before the next try
	connecting                      // there may soon be one
	tunnelling                      // to a proxy, which has been asked to connect
	securing                        // through it, and TLS begins
	idle                            // there is one, and no request
	inResponse                      // a request is under way
	inResponseBody
	leaving // the stream is somebody else's, if he takes it
)

// next goes on with the first request in the queue, if nothing else is under way.
func (o *outgoing) next() {
	switch {
	case o.freed:
	case len(o.queue) == 0:
		if o.pool != nil {
			o.pool.put(o)
		} else if o.freeWhenDone {
			o.Free()
		} else if o.state == idle && o.idleTimeout > 0 {
			o.expect(o.idleTimeout)
		}
	case o.state == apart:
		o.connect()
	case o.state == idle:
		o.begin(o.queue[0])
	}
}

// connect begins to connect. That it fails is told by the loop, for it may be
// called by the user.
func (o *outgoing) connect() {
	o.state = connecting
	o.expect(o.connectTimeout)
	if err := o.startConnect(); err != nil {
		o.failLater(err)
	}
}

func (o *outgoing) startConnect() error {
	if o.host == "" && o.unix == "" {
		return errClosed
	}
	if o.connectTimeout > 0 && o.timer.Pending(event.Timeout) == 0 {
		return event.ErrFreed
	}
	bev, err := o.newStream(o.base)
	if err != nil {
		return err
	}
	o.attach(bev)
	if o.local != (netip.AddrPort{}) && o.unix == "" {
		if err := bev.SetLocalAddr(o.local); err != nil {
			return err
		}
	}
	switch {
	case o.unix != "":
		return bev.ConnectUnix(o.unix)
	case o.peer.IsValid():
		bev.NamePeer(o.host)
		return bev.Connect(o.peer)
	}
	hints := evutil.AddrInfoHints{Family: o.family, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	if o.family == syscall.AF_UNSPEC {
		hints.Flags = evutil.AIAddrConfig
	}
	return bev.ConnectHostnameHints(o.resolver, &hints, o.host, o.port)
}

// failLater has the loop fail what is under way, or does so itself if the base was
// freed, whose loop calls nobody.
func (o *outgoing) failLater(err error) {
	o.failure = err
	o.expect(time.Nanosecond)
	if o.timer.Pending(event.Timeout) == 0 {
		o.expired()
	}
}

// connected is called when the stream is connected.
func (o *outgoing) connected() {
	switch {
	case o.state == connecting && o.tunnel != nil:
		o.askProxy()
	case o.state == connecting, o.state == securing:
		o.established()
	}
}

// established is called when there is a connection to the server.
func (o *outgoing) established() {
	// An end while idle is noticed, too.
	if err := errors.Join(o.bev.SetTimeouts(0, o.writeTimeout), o.bev.Enable(event.Read)); err != nil {
		o.failLater(err)
		return
	}
	o.state, o.retries = idle, 0
	o.reused, o.last, o.ended, o.written = false, false, nil, nil
	o.expect(0)
	if o.flags&ConReuseConnectedAddr != 0 && o.unix == "" {
		o.peer = o.bev.PeerAddr()
	}
	o.next()
}

// disconnect closes the stream, in order if no message is under way, and keeps the
// connection for another one. It may end with the connection freed.
func (o *outgoing) disconnect() {
	was, bev := o.state, o.bev
	quiet := bev != nil && o.quiet()
	o.expect(0)
	o.bev, o.state = nil, apart
	o.ended, o.failure, o.tooLarge = nil, nil, nil
	o.awaiting, o.starting = false, false
	if x := o.first(); x != nil {
		x.onSent = nil
	}
	if o.flags&ConReuseConnectedAddr == 0 {
		o.peer = netip.AddrPort{}
	}
	switch {
	case quiet:
		o.farewell(bev)
	case bev != nil:
		bev.Free()
	}
	if was >= idle && o.onClose != nil {
		o.tellClosed(o.onClose)
	}
}

// quiet implements side.
func (o *outgoing) quiet() bool {
	switch o.state {
	case idle, leaving, tunnelling:
		return o.bev.Output().Len() == 0
	}
	return false
}

// farewell implements side.
func (o *outgoing) farewell(b *bufferevent.Bufferevent) { b.FreeWhenWritten(o.writeTimeout) }

// lost is called when connecting has failed: another try may be due.
func (o *outgoing) lost(code RequestError, err error) {
	o.peer = netip.AddrPort{} // the host may have another one by now
	o.disconnect()
	if o.maxRetries >= 0 && o.retries >= o.maxRetries || o.host+o.unix == "" {
		o.retries = 0
		o.failAll(code, err)
		return
	}
	delay := maxRetryDelay
	if o.retries < 32 {
		delay = min(delay, o.initialRetry<<o.retries)
	}
	if delay <= 0 { // shifted out
		delay = maxRetryDelay
	}
	o.retries++
	o.state = waiting
	o.expect(delay)
}

// failAll fails all requests that wait. Those that callbacks make meanwhile are
// not among them.
func (o *outgoing) failAll(code RequestError, err error) {
	queue := o.queue
	o.queue = nil
	if o.pool != nil {
		o.next() // gives the connection back
	}
	for _, x := range queue {
		o.endRequest(x, &Error{Code: code, Err: err})
	}
	if o.pool == nil {
		o.next()
	}
}

// fail ends the request that is under way, and the connection with it.
func (o *outgoing) fail(code RequestError, err error) {
	switch {
	case o.state == idle:
		o.disconnect()
		o.next()
		return
	case o.state < idle:
		o.lost(code, err)
		return
	}
	x := o.queue[0]
	if code == ReqEOF && o.maySendAgain(x) {
		o.disconnect()
		o.next()
		return
	}
	x.stale = code == ReqEOF && o.reused && !o.answering
	o.queue = slices.Delete(o.queue, 0, 1)
	o.disconnect()
	o.over(x, &Error{Code: code, Err: err})
}

// maySendAgain reports whether a request that failed can be sent on another
// connection: it was the server that has closed one that had been idle, the
// request is still all there, and either has no effect that twice would be more
// than once, or nothing of it was sent.
func (o *outgoing) maySendAgain(x *clientExchange) bool {
	if !o.reused || o.answering || o.host+o.unix == "" || x.spent {
		return false
	}
	return x.method&idempotent != 0 || o.bev.Output().Len() == o.handed
}

// over ends a request that is not in the queue any more, and goes on. A pool has
// the connection back before the callback is called, which may want it.
func (o *outgoing) over(x *clientExchange, cause error) {
	if o.pool != nil {
		o.next()
		o.endRequest(x, cause)
		return
	}
	o.endRequest(x, cause)
	o.next()
}

// endRequest tells how a request has ended.
func (o *outgoing) endRequest(x *clientExchange, cause error) {
	switch {
	case x.ex == nil: // it was cancelled meanwhile
	case o.freed && o.pool == nil: // or the connection freed
		x.abandon()
	default:
		x.finish(cause)
	}
}

// idempotent are the methods that have no more effect twice than once.
const idempotent = MethodGet | MethodHead | MethodPut | MethodDelete | MethodOptions | MethodTrace

// drained implements side.
func (o *outgoing) drained() {
	if o.state >= inResponse && len(o.queue) > 0 && o.queue[0].sending == sendDone {
		o.awaitAnswer()
	}
	if x := o.first(); x != nil && len(x.onSent) > 0 {
		o.sent(x)
	}
}

// sent calls the functions that wait for all to have left.
func (o *outgoing) sent(x *clientExchange) {
	waiting := x.onSent
	x.onSent, o.spareSent = o.spareSent, nil
	for i, fn := range waiting {
		if !o.current(x) {
			break
		}
		waiting[i] = nil
		o.run(&x.Request, fn)
	}
	clear(waiting)
	o.spareSent = waiting[:0]
}

// awaitAnswer starts the time that the server has for its answer, once.
func (o *outgoing) awaitAnswer() {
	if !o.timed {
		o.timed = true
		o.expect(o.readTimeout)
	}
}

// happened implements side.
func (o *outgoing) happened(what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		o.connected()
	case bufferevent.InputEnded:
		o.finished(io.EOF)
	case bufferevent.TimedOut:
		o.fail(ReqTimeout, o.bev.Err())
	case bufferevent.OutputFailed:
		if o.flags&ConReadOnWriteError == 0 || o.state < inResponse || !peerReadsNoMore(o.bev.Err()) {
			o.finished(o.reason())
			return
		}
		o.written = o.reason()
		o.last, o.queue[0].onSent = true, nil
		o.awaitAnswer()
		if err := o.bev.Enable(event.Read); err != nil {
			o.finished(err)
		}
	case bufferevent.Failed:
		o.finished(o.reason())
	}
}

// peerReadsNoMore reports whether output has failed because of the peer, who may have
// said why before. After any other failure it waits for the rest of the request.
func peerReadsNoMore(err error) bool {
	return err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

// reason returns why the stream is broken. There is none if somebody has only
// said so.
func (o *outgoing) reason() error {
	if err := o.bev.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// finished is called when nothing more comes, because the server has ended the
// stream (io.EOF) or something has broken it.
func (o *outgoing) finished(err error) {
	o.ended = err
	o.readable()
}

// end draws the conclusions from the end of the stream, when everything that had
// come before was taken.
func (o *outgoing) end() {
	err := o.ended
	switch {
	case o.state == inResponseBody && o.queue[0].paused && o.bev.Input().Len() > 0:
		return // the user has yet to take it
	case o.state == inResponseBody && o.queue[0].body.framing == wire.UntilClose && err == io.EOF && !o.reset():
		o.last = true
		o.complete(o.queue[0])
		return
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	// What reading has failed with says more than what writing has, of which it is
	// the cause, such as an alert of TLS.
	if o.written != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = o.written
	}
	o.fail(ReqEOF, err)
}

// reset reports whether the end of the stream may be that of a reset, which a
// write was told of: a peer that has ended its stream before breaks the pipe.
func (o *outgoing) reset() bool {
	return o.written != nil && !errors.Is(o.written, syscall.EPIPE) && o.bev.Underlying() == nil
}

// expired implements side.
func (o *outgoing) expired() {
	switch {
	case o.failure != nil && o.state >= inResponse:
		o.fail(ReqBufferError, o.failure)
	case o.failure != nil:
		o.fail(ReqEOF, o.failure)
	case o.state == waiting:
		o.state = apart
		o.next()
	case o.awaiting, o.starting:
		o.goOn(o.queue[0])
	case o.state < idle:
		o.fail(ReqTimeout, errConnectTimeout)
	case o.state == idle:
		o.fail(ReqTimeout, nil)
	case o.written != nil:
		o.fail(ReqEOF, o.written)
	default:
		o.fail(ReqTimeout, errAnswerTimeout)
	}
}

// release implements side.
func (o *outgoing) release() {
	queue := o.queue
	o.queue, o.state = nil, apart
	if o.unhook != nil {
		o.unhook()
	}
	for _, x := range queue {
		x.abandon()
	}
	if o.pool != nil {
		o.pool.gone(o)
	}
}

// baseFreed is called when no loop will end the requests any more.
func (o *outgoing) baseFreed() {
	if o.freed {
		return
	}
	queue := o.queue
	o.queue = nil
	o.close()
	failRest(queue, event.ErrFreed)
}

// stop ends a connection that is being made for nobody.
func (o *outgoing) stop() {
	if len(o.queue) == 0 && o.state < idle && o.state != apart {
		o.disconnect()
	}
}
