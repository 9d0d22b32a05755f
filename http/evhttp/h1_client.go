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

// A ClientConn is a client's connection. It connects when there is a request, and sends one
// after the other (struct evhttp_connection).
//
// Like everything that belongs to a base it is for the goroutine that runs its loop. When
// the base is freed, so is the connection.
type ClientConn struct {
	Conn
	cfg       ConnConfig
	host      string // to connect to, or
	unix      string // the path of a Unix socket, or neither
	port      int
	hostField string
	proxyAuth string  // the value of Proxy-Authorization in requests, or nothing
	tunnel    *tunnel // through a proxy, or nil
	pool      *pool   // that the connection is one of, or nil

	queue   []*clientExchange // the first one is being sent or answered
	state   clientConnState
	busy    bool // readable is at work, and will see what has changed
	retries int  // how often connecting was tried again

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

	unhook       func() bool // from the freeing of the base, unless in a pool
	scratch      []byte
	spareSent    []func() // memory to be used again
	freeWhenDone bool
	idleSince    uint64 // in a pool
}

type clientConnState uint8

const (
	apart      clientConnState = iota // there is no connection
	waiting                           // nor will there be before the next try
	connecting                        // there may soon be one
	tunnelling                        // to a proxy, which has been asked to connect
	securing                          // through it, and TLS begins
	idle                              // there is one, and no request
	inResponse                        // a request is under way
	inResponseBody
	leaving // the stream is somebody else's, if he takes it
)

// established reports whether there is a connection to the server.
func (s clientConnState) established() bool { return s >= idle }

// next goes on with the first request in the queue, if nothing else is under way.
func (c *ClientConn) next() {
	switch {
	case c.freed:
	case len(c.queue) == 0:
		if c.pool != nil {
			c.pool.put(c)
		} else if c.freeWhenDone {
			c.Free()
		} else if c.state == idle && c.cfg.IdleTimeout > 0 {
			c.expect(c.cfg.IdleTimeout)
		}
	case c.state == apart:
		c.connect()
	case c.state == idle:
		c.begin(c.queue[0])
	}
}

// connect begins to connect. That it fails is told by the loop, for it may be
// called by the user.
func (c *ClientConn) connect() {
	c.state = connecting
	c.expect(c.cfg.ConnectTimeout)
	if err := c.startConnect(); err != nil {
		c.failLater(err)
	}
}

func (c *ClientConn) startConnect() error {
	if c.host == "" && c.unix == "" {
		return errClosed
	}
	if c.cfg.ConnectTimeout > 0 && c.timer.Pending(event.Timeout) == 0 {
		return event.ErrFreed
	}
	bev, err := c.cfg.Stream(c.base)
	if err != nil {
		return err
	}
	c.attach(bev)
	if c.cfg.LocalAddr != (netip.AddrPort{}) && c.unix == "" {
		if err := bev.SetLocalAddr(c.cfg.LocalAddr); err != nil {
			return err
		}
	}
	switch {
	case c.unix != "":
		return bev.ConnectUnix(c.unix)
	case c.peer.IsValid():
		bev.NamePeer(c.host)
		return bev.Connect(c.peer)
	}
	hints := evutil.AddrInfoHints{Family: c.cfg.Family, SockType: syscall.SOCK_STREAM, Protocol: syscall.IPPROTO_TCP}
	if c.cfg.Family == syscall.AF_UNSPEC {
		hints.Flags = evutil.AIAddrConfig
	}
	return bev.ConnectHostnameHints(c.cfg.Resolver, &hints, c.host, c.port)
}

// failLater has the loop fail what is under way, or does so itself if the base was
// freed, whose loop calls nobody.
func (c *ClientConn) failLater(err error) {
	c.failure = err
	c.expect(time.Nanosecond)
	if c.timer.Pending(event.Timeout) == 0 {
		c.expired()
	}
}

// connected is called when the stream is connected.
func (c *ClientConn) connected() {
	switch {
	case c.state == connecting && c.tunnel != nil:
		c.askProxy()
	case c.state == connecting, c.state == securing:
		c.established()
	}
}

// established is called when there is a connection to the server.
func (c *ClientConn) established() {
	// An end while idle is noticed, too.
	if err := errors.Join(c.bev.SetTimeouts(0, c.cfg.WriteTimeout), c.bev.Enable(event.Read)); err != nil {
		c.failLater(err)
		return
	}
	c.state, c.retries = idle, 0
	c.reused, c.last, c.ended, c.written = false, false, nil, nil
	c.expect(0)
	if c.cfg.Flags&ConReuseConnectedAddr != 0 && c.unix == "" {
		c.peer = c.bev.PeerAddr()
	}
	c.next()
}

// disconnect closes the stream, in order if no message is under way, and keeps the
// connection for another one. It may end with the connection freed.
func (c *ClientConn) disconnect() {
	was, bev := c.state, c.bev
	quiet := bev != nil && c.quiet()
	c.expect(0)
	c.bev, c.state = nil, apart
	c.ended, c.failure, c.tooLarge = nil, nil, nil
	c.awaiting, c.starting = false, false
	if x := c.first(); x != nil {
		x.onSent = nil
	}
	if c.cfg.Flags&ConReuseConnectedAddr == 0 {
		c.peer = netip.AddrPort{}
	}
	switch {
	case quiet:
		c.farewell(bev)
	case bev != nil:
		bev.Free()
	}
	if was >= idle && c.onClose != nil {
		c.tellClosed(c.onClose)
	}
}

// quiet implements side.
func (c *ClientConn) quiet() bool {
	switch c.state {
	case idle, leaving, tunnelling:
		return c.bev.Output().Len() == 0
	}
	return false
}

// farewell implements side.
func (c *ClientConn) farewell(b *bufferevent.Bufferevent) { b.FreeWhenWritten(c.cfg.WriteTimeout) }

// lost is called when connecting has failed: another try may be due.
func (c *ClientConn) lost(code RequestError, err error) {
	c.peer = netip.AddrPort{} // the host may have another one by now
	c.disconnect()
	if c.cfg.Retries >= 0 && c.retries >= c.cfg.Retries || c.host+c.unix == "" {
		c.retries = 0
		c.failAll(code, err)
		return
	}
	delay := maxRetryDelay
	if c.retries < 32 {
		delay = min(delay, c.cfg.InitialRetry<<c.retries)
	}
	if delay <= 0 { // shifted out
		delay = maxRetryDelay
	}
	c.retries++
	c.state = waiting
	c.expect(delay)
}

// failAll fails all requests that wait. Those that callbacks make meanwhile are
// not among them.
func (c *ClientConn) failAll(code RequestError, err error) {
	queue := c.queue
	c.queue = nil
	if c.pool != nil {
		c.next() // gives the connection back
	}
	for _, x := range queue {
		c.endRequest(x, &Error{Code: code, Err: err})
	}
	if c.pool == nil {
		c.next()
	}
}

// fail ends the request that is under way, and the connection with it.
func (c *ClientConn) fail(code RequestError, err error) {
	switch {
	case c.state == idle:
		c.disconnect()
		c.next()
		return
	case c.state < idle:
		c.lost(code, err)
		return
	}
	x := c.queue[0]
	if code == ReqEOF && c.maySendAgain(x) {
		c.disconnect()
		c.next()
		return
	}
	x.stale = code == ReqEOF && c.reused && !c.answering
	c.queue = slices.Delete(c.queue, 0, 1)
	c.disconnect()
	c.over(x, &Error{Code: code, Err: err})
}

// maySendAgain reports whether a request that failed can be sent on another
// connection: it was the server that has closed one that had been idle, the
// request is still all there, and either has no effect that twice would be more
// than once, or nothing of it was sent.
func (c *ClientConn) maySendAgain(x *clientExchange) bool {
	if !c.reused || c.answering || c.host+c.unix == "" || x.spent {
		return false
	}
	return x.method&idempotent != 0 || c.bev.Output().Len() == c.handed
}

// over ends a request that is not in the queue any more, and goes on. A pool has
// the connection back before the callback is called, which may want it.
func (c *ClientConn) over(x *clientExchange, cause error) {
	if c.pool != nil {
		c.next()
		c.endRequest(x, cause)
		return
	}
	c.endRequest(x, cause)
	c.next()
}

// endRequest tells how a request has ended.
func (c *ClientConn) endRequest(x *clientExchange, cause error) {
	switch {
	case x.ex == nil: // it was cancelled meanwhile
	case c.freed && c.pool == nil: // or the connection freed
		x.abandon()
	default:
		x.finish(cause)
	}
}

// idempotent are the methods that have no more effect twice than once.
const idempotent = MethodGet | MethodHead | MethodPut | MethodDelete | MethodOptions | MethodTrace

// drained implements side.
func (c *ClientConn) drained() {
	if c.state >= inResponse && len(c.queue) > 0 && c.queue[0].sending == sendDone {
		c.awaitAnswer()
	}
	if x := c.first(); x != nil && len(x.onSent) > 0 {
		c.sent(x)
	}
}

// sent calls the functions that wait for all to have left.
func (c *ClientConn) sent(x *clientExchange) {
	waiting := x.onSent
	x.onSent, c.spareSent = c.spareSent, nil
	for i, fn := range waiting {
		if !c.current(x) {
			break
		}
		waiting[i] = nil
		c.run(&x.Request, fn)
	}
	clear(waiting)
	c.spareSent = waiting[:0]
}

// awaitAnswer starts the time that the server has for its answer, once.
func (c *ClientConn) awaitAnswer() {
	if !c.timed {
		c.timed = true
		c.expect(c.cfg.ReadTimeout)
	}
}

// happened implements side.
func (c *ClientConn) happened(what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		c.connected()
	case bufferevent.InputEnded:
		c.finished(io.EOF)
	case bufferevent.TimedOut:
		c.fail(ReqTimeout, c.bev.Err())
	case bufferevent.OutputFailed:
		if c.cfg.Flags&ConReadOnWriteError == 0 || c.state < inResponse || !peerReadsNoMore(c.bev.Err()) {
			c.finished(c.reason())
			return
		}
		c.written = c.reason()
		c.last, c.queue[0].onSent = true, nil
		c.awaitAnswer()
		if err := c.bev.Enable(event.Read); err != nil {
			c.finished(err)
		}
	case bufferevent.Failed:
		c.finished(c.reason())
	}
}

// peerReadsNoMore reports whether output has failed because of the peer, who may have
// said why before. After any other failure it waits for the rest of the request.
func peerReadsNoMore(err error) bool {
	return err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
}

// reason returns why the stream is broken. There is none if somebody has only
// said so.
func (c *ClientConn) reason() error {
	if err := c.bev.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// finished is called when nothing more comes, because the server has ended the
// stream (io.EOF) or something has broken it.
func (c *ClientConn) finished(err error) {
	c.ended = err
	c.readable()
}

// end draws the conclusions from the end of the stream, when everything that had
// come before was taken.
func (c *ClientConn) end() {
	err := c.ended
	switch {
	case c.state == inResponseBody && c.queue[0].paused && c.bev.Input().Len() > 0:
		return // the user has yet to take it
	case c.state == inResponseBody && c.queue[0].body.framing == wire.UntilClose && err == io.EOF && !c.reset():
		c.last = true
		c.complete(c.queue[0])
		return
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	// What reading has failed with says more than what writing has, of which it is
	// the cause, such as an alert of TLS.
	if c.written != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		err = c.written
	}
	c.fail(ReqEOF, err)
}

// reset reports whether the end of the stream may be that of a reset, which a
// write was told of: a peer that has ended its stream before breaks the pipe.
func (c *ClientConn) reset() bool {
	return c.written != nil && !errors.Is(c.written, syscall.EPIPE) && c.bev.Underlying() == nil
}

// expired implements side.
func (c *ClientConn) expired() {
	switch {
	case c.failure != nil && c.state >= inResponse:
		c.fail(ReqBufferError, c.failure)
	case c.failure != nil:
		c.fail(ReqEOF, c.failure)
	case c.state == waiting:
		c.state = apart
		c.next()
	case c.awaiting, c.starting:
		c.goOn(c.queue[0])
	case c.state < idle:
		c.fail(ReqTimeout, errConnectTimeout)
	case c.state == idle:
		c.fail(ReqTimeout, nil)
	case c.written != nil:
		c.fail(ReqEOF, c.written)
	default:
		c.fail(ReqTimeout, errAnswerTimeout)
	}
}

// release implements side.
func (c *ClientConn) release() {
	queue := c.queue
	c.queue, c.state = nil, apart
	if c.unhook != nil {
		c.unhook()
	}
	for _, x := range queue {
		x.abandon()
	}
	if c.pool != nil {
		c.pool.gone(c)
	}
}

// baseFreed is called when no loop will end the requests any more.
func (c *ClientConn) baseFreed() {
	if c.freed {
		return
	}
	queue := c.queue
	c.queue = nil
	c.close()
	failRest(queue, event.ErrFreed)
}

// stop ends a connection that is being made for nobody.
func (c *ClientConn) stop() {
	if len(c.queue) == 0 && c.state < idle && c.state != apart {
		c.disconnect()
	}
}
