package server

import (
	"bytes"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/event"
)

// eventConn is a connection that is served by one raw event, which waits either
// to read or, while there is something left, to write.
type eventConn struct {
	event   event.Event
	buf     []byte // shared by all connections
	pending []byte
}

// serveEvent runs an echo server on raw events of this library, whose loop waits
// by parking its goroutine or, with block, by blocking a thread of its own.
func serveEvent(r ready, block bool) error {
	var cfg event.Config
	if block {
		cfg.Flags = event.LockThread
	}
	base, err := event.NewBaseWithConfig(&cfg)
	if err != nil {
		return err
	}
	buf := make([]byte, readSize)
	return serveBase(r, base, func(fd int) {
		c := &eventConn{buf: buf}
		c.event.Data = c
		if err := c.await(base, fd, event.Read, onReadable); err != nil {
			unix.Close(fd)
		}
	})
}

// serveBase runs a loop that accepts connections.
func serveBase(r ready, base *event.Base, accepted func(fd int)) error {
	listener, addr, err := listen()
	if err != nil {
		return err
	}
	ev, err := base.NewEvent(listener, event.Read|event.Persist, func(*event.Event, event.What) {
		acceptAll(listener, accepted)
	})
	if err != nil {
		return err
	}
	if err := ev.Add(); err != nil {
		return err
	}
	r(addr)
	return base.Dispatch()
}

// await makes the connection wait for one direction.
func (c *eventConn) await(base *event.Base, fd int, what event.What, callback event.Callback) error {
	if err := c.event.Assign(base, fd, what|event.Persist, callback); err != nil {
		return err
	}
	return c.event.Add()
}

// turn makes the connection wait for the other direction, or closes it.
func (c *eventConn) turn(what event.What, callback event.Callback) {
	base, fd := c.event.Base(), c.event.FD()
	err := c.event.Del()
	if err == nil {
		err = c.await(base, fd, what, callback)
	}
	if err != nil {
		c.close()
	}
}

func (c *eventConn) close() {
	fd := c.event.FD()
	c.event.Free()
	unix.Close(fd)
}

// onReadable reads once and writes that.
func onReadable(ev *event.Event, _ event.What) {
	c := ev.Data.(*eventConn)
	n, err := unix.Read(ev.FD(), c.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if n <= 0 {
		c.close()
		return
	}
	written, err := c.write(c.buf[:n])
	switch {
	case err != nil:
		c.close()
	case written < n:
		c.pending = bytes.Clone(c.buf[written:n])
		c.turn(event.Write, onWritable)
	}
}

// onWritable writes what is left, and reads again when nothing is.
func onWritable(ev *event.Event, _ event.What) {
	c := ev.Data.(*eventConn)
	n, err := c.write(c.pending)
	if err != nil {
		c.close()
		return
	}
	c.pending = c.pending[n:]
	if len(c.pending) == 0 {
		c.pending = nil
		c.turn(event.Read, onReadable)
	}
}

// write writes some of p, or nothing if the socket takes nothing.
func (c *eventConn) write(p []byte) (int, error) {
	n, err := unix.Write(c.event.FD(), p)
	if err == unix.EAGAIN || err == unix.EINTR {
		return 0, nil
	}
	return n, err
}
