package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// connectTime is how long the server may take to answer.
const connectTime = 30 * time.Second

// A client has a connection that a loop makes. Standard input and output can be
// files, for which loops cannot wait; so goroutines copy to the connection and
// from it, by means of a net.Conn.
type client struct {
	base    *event.Base
	verbose bool
	sent    atomic.Bool // all of standard input
	over    bool        // the program ends
	err     error
}

// talk is the client. It ends when the server has ended its stream.
func (o *options) talk() error {
	host, port, err := splitTarget(o.connect)
	if err != nil {
		return err
	}
	cfg, err := o.clientConfig(host)
	if err != nil {
		return err
	}
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	c := &client{base: base, verbose: o.verbose}
	if err := c.connect(cfg, host, port); err != nil {
		return err
	}
	return errors.Join(base.Dispatch(), c.err)
}

func (o *options) clientConfig(host string) (*evtls.Config, error) {
	cfg, err := o.verification.Client(host)
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = o.alpn
	if o.identity.Given() {
		cert, err := o.identity.Certificate()
		if err != nil {
			return nil, err
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return &evtls.Config{TLS: cfg}, nil
}

func (c *client) connect(cfg *evtls.Config, host string, port int) error {
	b, err := evtls.NewSocket(c.base, evutil.InvalidSocket, evtls.Connecting, cfg, bufferevent.CloseOnFree)
	if err != nil {
		return err
	}
	b.SetCallbacks(nil, nil, c.onEvent)
	return errors.Join(
		b.SetTimeouts(0, connectTime),
		b.ConnectHostname(nil, "tcp", host, port))
}

// onEvent hears whether there is a connection. What happens to that afterwards
// is for the goroutines.
func (c *client) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what.Outcome() != bufferevent.ConnectionMade {
		c.exit(b.Err())
		return
	}
	if state, ok := evtls.ConnectionState(b); ok && c.verbose {
		log.Print(tlsconf.Describe(state))
	}
	_ = b.SetTimeouts(0, 0) // fails only for one that was freed
	conn := bufferevent.NewConn(b)
	go c.send(conn)
	go c.receive(conn)
}

func (c *client) send(conn *bufferevent.Conn) {
	_, err := io.Copy(conn, os.Stdin)
	c.sent.Store(err == nil)
	if err := errors.Join(err, conn.CloseWrite()); err != nil {
		c.base.Post(func() { c.exit(err) })
	}
}

func (c *client) receive(conn *bufferevent.Conn) {
	n, err := io.Copy(os.Stdout, conn)
	if err == nil && !c.sent.Load() {
		err = fmt.Errorf("the server has ended its stream after %d bytes, before standard input ended", n)
	}
	c.base.Post(func() { c.exit(err) })
}

// exit ends the program. The first reason counts.
func (c *client) exit(err error) {
	if !c.over {
		c.over, c.err = true, err
		c.base.LoopBreak()
	}
}
