package evhttp

import (
	"errors"
	"io"
	"net/netip"
	"slices"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// take appends a request to the queue.
func (c *ClientConn) take(x *clientExchange) {
	x.enqueue(c)
	c.queue = append(c.queue, x)
	c.next()
}

// pending returns how many requests wait or are under way.
func (c *ClientConn) pending() int {
	if c.session == nil {
		return len(c.queue)
	}
	return len(c.queue) + c.session.count()
}

// next goes on with the requests that wait, as far as the connection can carry them.
func (c *ClientConn) next() {
	for c.state == open && c.session.room() {
		x := c.nextExchange()
		if x == nil {
			break
		}
		c.session.begin(x)
	}
	switch {
	case c.freed:
	case c.state == disconnected && len(c.queue) > 0:
		c.connect()
	case c.pool != nil:
		c.pool.put(c)
	case c.pending() > 0:
	case c.freeWhenDone:
		c.Free()
	case c.state == open && c.cfg.IdleTimeout > 0:
		c.expect(c.cfg.IdleTimeout)
	}
}

// nextExchange takes the request that has waited longest, or returns nil.
func (c *ClientConn) nextExchange() *clientExchange {
	if len(c.queue) > 0 {
		x := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		return x
	}
	if c.pool == nil {
		return nil
	}
	x := c.pool.nextWaiting()
	if x != nil {
		x.enqueue(c)
	}
	return x
}

// retry has an exchange sent again, by another stream, before those that wait.
func (c *ClientConn) retry(x *clientExchange) { c.queue = slices.Insert(c.queue, 0, x) }

// takeAll returns all exchanges, those first that are under way, and leaves none.
func (c *ClientConn) takeAll() (all []*clientExchange) {
	if c.session != nil {
		all = c.session.stop()
	}
	all = append(all, c.queue...)
	c.queue = nil
	return all
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

// tell tells what was not to be told within a call of the user's.
func (c *ClientConn) tell() {
	switch {
	case c.freed:
	case c.state == open:
		c.session.onLater()
	case c.failure != nil:
		c.lost(ReqEOF, c.failure)
	}
}

// onReadable implements role.
func (c *ClientConn) onReadable() {
	for c.state == proxying && c.readProxy() {
	}
	if c.state == open {
		c.session.onReadable()
	}
}

// onDrained implements role.
func (c *ClientConn) onDrained() {
	if c.state == open {
		c.session.onDrained()
	}
}

// onEvent implements role.
func (c *ClientConn) onEvent(what bufferevent.Events) {
	outcome := what.Outcome()
	switch {
	case c.state == open && outcome != bufferevent.ConnectionMade:
		c.session.onEvent(what)
	case outcome == bufferevent.ConnectionMade:
		c.connected()
	case outcome == bufferevent.TimedOut:
		c.lost(ReqTimeout, c.bev.Err())
	case outcome == bufferevent.InputEnded:
		c.cutShort(io.ErrUnexpectedEOF)
	default:
		c.cutShort(unexpected(c.reason()))
	}
}

// cutShort is called when the stream has ended while the connection was made. What had come
// before may say more.
func (c *ClientConn) cutShort(err error) {
	b := c.bev
	c.onReadable()
	if c.bev == b || c.state == handshaking {
		c.lost(ReqEOF, err)
	}
}

// reason returns why the stream is broken. There is none if a user has only
// said so.
func (c *ClientConn) reason() error {
	if err := c.bev.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// unexpected returns err, or if that is an end of the stream, one that came too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
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
	clientStates.step(&c.state, open)
	c.retries, c.reused = 0, false
	c.session = c.newSession()
	c.expect(0)
	if c.cfg.Flags&ConReuseConnectedAddr != 0 && c.unix == "" {
		c.peer = c.bev.PeerAddr()
	}
	c.next()
}

// disconnect closes the stream, in order if no message is under way, and keeps the
// connection for another one. No request is on it any more. It may end with the connection
// freed.
func (c *ClientConn) disconnect() {
	was, bev := c.state, c.bev
	quiet := bev != nil && c.betweenMessages()
	c.expect(0)
	c.bev = nil
	if was != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.failure = nil
	c.stopSession()
	if c.cfg.Flags&ConReuseConnectedAddr == 0 {
		c.peer = netip.AddrPort{}
	}
	switch {
	case quiet:
		c.closeGracefully(bev)
	case bev != nil:
		bev.Free()
	}
	if was == open && c.onClose != nil {
		c.tellClosed(c.onClose)
	}
}

// stopSession ends the session, if there is one, which has no exchange any more.
func (c *ClientConn) stopSession() {
	if c.session != nil {
		c.session.stop()
		c.session = nil
	}
}

// handOver gives the stream away, without callbacks and timeouts.
func (c *ClientConn) handOver() *bufferevent.Bufferevent {
	b := c.bev
	c.bev = nil
	clientStates.step(&c.state, disconnected)
	c.stopSession()
	c.expect(0)
	b.SetCallbacks(nil, nil, nil)
	b.Data = nil
	_ = b.SetTimeouts(0, 0) // fails only for one that was freed
	return b
}

// asServer implements role.
func (c *ClientConn) asServer() serverSession { return nil }

// betweenMessages implements role.
func (c *ClientConn) betweenMessages() bool {
	switch {
	case c.state == open:
		return c.session != nil && c.session.betweenMessages()
	case c.state == proxying:
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

// over ends a request that is not on the connection any more, and goes on. A pool has
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
	case c.state != open:
		c.lost(ReqTimeout, errConnectTimeout)
	case c.session.count() == 0: // it was idle for too long
		c.disconnect()
		c.next()
	default:
		c.session.onTimer()
	}
}

// release implements role.
func (c *ClientConn) release() {
	all := c.takeAll()
	c.stopSession()
	if c.state != disconnected {
		clientStates.step(&c.state, disconnected)
	}
	c.later.Cancel()
	if c.unhook != nil {
		c.unhook()
	}
	for _, x := range all {
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
	all := c.takeAll()
	c.close()
	failRest(all, event.ErrFreed)
}

// stop ends connecting when no request waits for it.
func (c *ClientConn) stop() {
	if len(c.queue) == 0 && c.state.opening() {
		c.disconnect()
	}
}

// cancel gives up an exchange that is not under way.
func (c *ClientConn) cancel(x *clientExchange) {
	i := slices.Index(c.queue, x)
	if i < 0 {
		if c.freed { // in failRest
			x.abandon()
		}
		return
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	c.stop()
	x.abandon()
	c.next()
}

// panicFunc implements role.
func (c *ClientConn) panicFunc() PanicFunc { return c.cfg.OnPanic }

// panicked implements role. What called the callback goes on, unless the panic
// passes.
func (c *ClientConn) panicked(r *Request, passes bool) {
	if c.session != nil && c.session.panicked(r, passes) {
		return
	}
	if passes && c.pool == nil {
		c.next()
	}
}
