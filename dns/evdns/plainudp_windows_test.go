package evdns_test

import (
	"net"
	"net/netip"
	"sync"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A loopUDP does without package net, whose UDP sockets Wine does not have. Its
// loop runs while somebody reads.
type loopUDP struct {
	fd       int
	addr     netip.AddrPort
	loop     *event.Base
	readable *event.Event
	in       *datagram.Batch
	arrived  []datagram.Message

	mu      sync.Mutex
	out     *datagram.Batch
	reading bool
	closed  bool
}

func listenUDP(addr netip.AddrPort) (plainUDP, error) {
	loop, err := event.NewBase()
	if err != nil {
		return nil, err
	}
	fd, err := datagram.Listen(addr, 0)
	if err != nil {
		loop.Free()
		return nil, err
	}
	c := &loopUDP{fd: fd, loop: loop, in: datagram.NewBatch(16, 1<<16), out: datagram.NewBatch(1, 1)}
	if c.addr, err = datagram.LocalAddr(fd); err == nil {
		c.readable, err = loop.NewEvent(fd, event.Read, func(*event.Event, event.What) {})
	}
	if err != nil {
		evutil.CloseSocket(fd)
		loop.Free()
		return nil, err
	}
	return c, nil
}

func (c *loopUDP) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

func (c *loopUDP) ReadFromUDPAddrPort(p []byte) (int, netip.AddrPort, error) {
	if !c.beginReading() {
		return 0, netip.AddrPort{}, net.ErrClosed
	}
	defer c.endReading()
	for len(c.arrived) == 0 {
		if err := c.receive(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
	m := c.arrived[0]
	c.arrived = c.arrived[1:]
	return copy(p, m.Data), m.Addr, nil
}

// receive waits for messages, or for Close.
func (c *loopUDP) receive() error {
	if c.isClosed() {
		return net.ErrClosed
	}
	var err error
	if c.arrived, err = c.in.Recv(c.fd); err != nil || len(c.arrived) > 0 {
		return err
	}
	if err := c.readable.Add(); err != nil {
		return err
	}
	_, err = c.loop.Loop(event.LoopOnce)
	return err
}

func (c *loopUDP) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *loopUDP) beginReading() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = !c.closed
	return c.reading
}

func (c *loopUDP) endReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if c.closed {
		c.free()
	}
}

func (c *loopUDP) free() {
	c.readable.Free()
	c.loop.Free()
	evutil.CloseSocket(c.fd)
}

func (c *loopUDP) WriteToUDPAddrPort(p []byte, to netip.AddrPort) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	if _, err := c.out.Send(c.fd, []datagram.Message{{Data: p, Addr: to}}); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close closes the socket, or has the goroutine that reads do it.
func (c *loopUDP) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	if c.reading {
		return c.loop.Post(func() {})
	}
	c.free()
	return nil
}
