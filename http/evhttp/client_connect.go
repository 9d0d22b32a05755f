package evhttp

import (
	"errors"
	"io"
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

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

// stopConnecting ends connecting when no request waits for it.
func (c *ClientConn) stopConnecting() {
	if len(c.queue) == 0 && c.state.opening() {
		c.disconnect()
	}
}
