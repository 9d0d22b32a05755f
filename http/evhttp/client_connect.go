package evhttp

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

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
	case c.state == disconnected:
		c.connect()
	case c.state == idle:
		c.begin(c.queue[0])
	}
}

// connect begins to connect. That it fails is told by the loop, for it may be
// called by the user.
func (c *ClientConn) connect() {
	clientStates.step(&c.state, connecting)
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
// freed, whose loop calls nothing.
func (c *ClientConn) failLater(err error) {
	c.failure = err
	c.tellLater()
}

// tellLater has the loop call tell.
func (c *ClientConn) tellLater() {
	if !c.later.Schedule() && !c.later.Scheduled() {
		c.tell()
	}
}

func onClientLater(d *event.Deferred) { d.Data.(*ClientConn).tell() }

// tell tells what was not to be told within a call of the user's: a failure, or that it is
// time for the body.
func (c *ClientConn) tell() {
	switch {
	case c.freed:
	case c.failure != nil && c.state.exchanging():
		c.fail(ReqBufferError, c.failure)
	case c.failure != nil:
		c.fail(ReqEOF, c.failure)
	case c.body == bodyReady:
		c.sendBody(c.queue[0])
	}
}

// connected is called when the stream is connected.
func (c *ClientConn) connected() {
	switch {
	case c.state == connecting && c.tunnel != nil:
		c.askProxy()
	case c.state == connecting, c.state == handshaking:
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
	clientStates.step(&c.state, idle)
	c.retries = 0
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
	quiet := bev != nil && c.betweenMessages()
	c.expect(0)
	c.bev = nil
	if was != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.ended, c.failure, c.tooLarge, c.body = nil, nil, nil, bodyFree
	if x := c.first(); x != nil {
		x.onSent = nil
	}
	if c.cfg.Flags&ConReuseConnectedAddr == 0 {
		c.peer = netip.AddrPort{}
	}
	switch {
	case quiet:
		c.closeGracefully(bev)
	case bev != nil:
		bev.Free()
	}
	if was.open() && c.onClose != nil {
		c.tellClosed(c.onClose)
	}
}

// session implements role.
func (c *ClientConn) session() serverSession { return nil }

// betweenMessages implements role.
func (c *ClientConn) betweenMessages() bool {
	switch c.state {
	case idle, upgraded, proxying:
		return c.bev.Output().Len() == 0
	}
	return false
}

// closeGracefully implements role.
func (c *ClientConn) closeGracefully(b *bufferevent.Bufferevent) {
	b.FreeWhenWritten(c.cfg.WriteTimeout)
}

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
	clientStates.step(&c.state, retrying)
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
	case !c.state.open():
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

// onTimer implements role: the time is up for what the state is.
func (c *ClientConn) onTimer() {
	switch {
	case c.state == retrying:
		clientStates.step(&c.state, disconnected)
		c.next()
	case c.body == bodyAsked && !c.timed:
		c.sendBody(c.queue[0])
	case !c.state.open():
		c.fail(ReqTimeout, errConnectTimeout)
	case c.state == idle:
		c.fail(ReqTimeout, nil)
	case c.written != nil:
		c.fail(ReqEOF, c.written)
	default:
		c.fail(ReqTimeout, errAnswerTimeout)
	}
}

// release implements role.
func (c *ClientConn) release() {
	queue := c.queue
	c.queue = nil
	if c.state != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.later.Cancel()
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

// stop ends connecting when no request waits for it.
func (c *ClientConn) stop() {
	if len(c.queue) == 0 && c.state.opening() {
		c.disconnect()
	}
}
