package main

import (
	"errors"
	"log"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/examples/internal/output"
)

const (
	// stock is how many bytes of the text wait for a client at most, beside the
	// part that was added last.
	stock = 32 << 10
	// lingerTime is how long a client that has got everything may take to end
	// its own stream.
	lingerTime = 10 * time.Second
)

// A server sends all clients the same.
type server struct {
	base    *event.Base
	each    *bufferevent.TokenBucketConfig
	group   *bufferevent.RateLimitGroup
	source  source
	clients map[*client]bool
	served  int
	started time.Time
}

func newServer(base *event.Base, l limits, minShare int, src source) (*server, error) {
	group, err := bufferevent.NewRateLimitGroup(base, l.all)
	if err != nil {
		return nil, err
	}
	if err := group.SetMinShare(minShare); err != nil {
		return nil, err
	}
	return &server{
		base: base, each: l.each, group: group, source: src,
		clients: make(map[*client]bool), started: base.Now(),
	}, nil
}

// A client is a connection. What it sends is read and dropped.
type client struct {
	server *server
	bev    *bufferevent.Bufferevent
	number int
	began  time.Time
	added  int64 // to the output, since the beginning
	done   bool  // nothing will be added any more
	silent bool  // it has ended its stream
}

// serve starts to serve a connection.
func (s *server) serve(_ *listener.Listener, fd int, _ netip.AddrPort) {
	s.served++
	c := &client{server: s, number: s.served, began: s.base.Now()}
	bev, err := bufferevent.NewSocket(s.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		c.log(err)
		return
	}
	c.bev = bev
	s.clients[c] = true
	bev.SetCallbacks(c.onRead, c.onWrite, c.onEvent)
	err = errors.Join(
		bev.SetRateLimit(s.each),
		bev.AddToRateLimitGroup(s.group),
		bev.SetWatermark(event.Write, stock/2, 0),
		bev.Enable(event.Read))
	if err != nil {
		c.log(err)
		c.free()
		return
	}
	c.fill()
}

// fill sees to it that there is something to send.
func (c *client) fill() {
	out := c.bev.Output()
	for !c.done && out.Len() < stock {
		n, done, err := c.server.source.add(out, c.added)
		if err != nil {
			c.log(err)
			c.free()
			return
		}
		c.added += int64(n)
		c.done = done
	}
	if !c.done {
		return
	}
	if err := c.bev.CloseWrite(); err != nil { // once all is written
		c.log(err)
		c.free()
	}
}

func (c *client) onRead(b *bufferevent.Bufferevent) { b.Input().Drain(b.Input().Len()) }

// onWrite goes on, or waits for the client to end its stream, too. To hang up
// while something of it is unread could cost it the end of the text.
func (c *client) onWrite(b *bufferevent.Bufferevent) {
	switch {
	case !c.done:
		c.fill()
	case b.Output().Len() > 0:
	case c.silent:
		c.end()
	default:
		_ = b.SetTimeouts(lingerTime, 0) // fails only for one that was freed
	}
}

func (c *client) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		if c.silent = true; !c.done || b.Output().Len() > 0 {
			return // it still reads
		}
		c.end()
	case bufferevent.TimedOut:
		c.end()
	case bufferevent.OutputFailed, bufferevent.Failed:
		if err := b.Err(); !evutil.IsDisconnect(err) {
			c.log(err)
		}
		c.end()
	}
}

// end says what a client has got, and frees it.
func (c *client) end() {
	output.Printf("client %d: %d bytes in %v\n", c.number, c.written(), c.server.base.Now().Sub(c.began))
	c.free()
}

func (c *client) written() int64 { return c.added - int64(c.bev.Output().Len()) }

func (c *client) free() {
	delete(c.server.clients, c)
	c.bev.Free()
}

func (c *client) log(err error) { log.Printf("client %d: %v", c.number, err) }

// report prints what all clients have got.
func (s *server) report() {
	read, written := s.group.Totals()
	output.Printf("total: %d clients, %d of them connected, %d bytes sent, %d received in %v\n",
		s.served, len(s.clients), written, read, s.base.Now().Sub(s.started))
}

// stop closes all connections.
func (s *server) stop() {
	for c := range s.clients {
		c.end()
	}
	if err := s.group.Free(); err != nil {
		log.Print(err)
	}
}
