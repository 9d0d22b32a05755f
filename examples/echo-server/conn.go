package main

import (
	"bytes"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/sock"
)

// A conn is the connection to a client. It waits either to read or, if the
// client is slow to take what it gets back, to write; so it never holds more
// than one buffer's worth of data. Its events keep it alive while it waits.
type conn struct {
	fd    int
	read  event.Event
	write event.Event
	buf   []byte // the loop's
	rest  []byte // read and not written yet; empty while it waits to read
}

// serve starts to serve a connection.
func serve(b *event.Base, fd int, buf []byte) error {
	c := &conn{fd: fd, buf: buf}
	c.read.Data, c.write.Data = c, c
	err := c.read.Assign(b, fd, event.Read|event.Persist, onReadable)
	if err == nil {
		err = c.write.Assign(b, fd, event.Write|event.Persist, onWritable)
	}
	if err == nil {
		err = c.read.Add()
	}
	if err != nil {
		c.close()
	}
	return err
}

// onReadable serves all connections: whose event it is, its Data says.
func onReadable(ev *event.Event, _ event.What) {
	c := ev.Data.(*conn)
	n, err := sock.Read(c.fd, c.buf)
	switch {
	case evutil.IsRetriable(err):
	case err != nil || n == 0:
		c.close()
	default:
		c.echo(c.buf[:n])
	}
}

// echo sends data back. Most of the time the system takes it all at once. If
// not, the conn keeps the rest and waits to write instead of to read.
func (c *conn) echo(data []byte) {
	n, ok := c.send(data)
	if !ok || n == len(data) {
		return
	}
	c.rest = bytes.Clone(data[n:])
	c.wait(&c.write, &c.read)
}

// onWritable sends more of the rest; after that the conn reads again.
func onWritable(ev *event.Event, _ event.What) {
	c := ev.Data.(*conn)
	n, ok := c.send(c.rest)
	if !ok {
		return
	}
	c.rest = c.rest[n:]
	if len(c.rest) == 0 {
		c.rest = nil
		c.wait(&c.read, &c.write)
	}
}

// send writes what the system takes now. It returns false, and the conn is
// closed, if the client has gone.
func (c *conn) send(data []byte) (n int, ok bool) {
	n, err := sock.Write(c.fd, data)
	if err != nil && !evutil.IsRetriable(err) {
		c.close()
		return 0, false
	}
	return n, true
}

// wait adds one event and deletes the other.
func (c *conn) wait(add, del *event.Event) {
	if add.Add() != nil || del.Del() != nil {
		c.close()
	}
}

// close deletes the events first, as one must before closing a descriptor.
func (c *conn) close() {
	c.read.Free()
	c.write.Free()
	evutil.CloseSocket(c.fd)
}
