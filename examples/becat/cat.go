package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/examples/internal/relay"
)

// A cat copies between standard input and output and one connection at a time.
type cat struct {
	*options
	base          *event.Base
	stdin, stdout *stdio
	inputOver     bool // standard input has ended
	closing       bool // the program ends when all output is written
	over          bool // the program ends
	err           error

	listener *listener.Listener       // or nil
	conn     *bufferevent.Bufferevent // nil while there is none
	up, down *relay.Flow              // to the connection, from it
}

func run(o *options) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	c := &cat{options: o, base: base}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	if err := c.openStdio(); err != nil {
		return err
	}
	defer c.stdin.close()
	defer c.stdout.close()
	if o.listen {
		if err := c.startListening(); err != nil {
			return err
		}
		defer c.listener.Free()
	} else if err := c.connect(); err != nil {
		return err
	}
	if !c.over { // LoopBreak has no effect on a loop that does not run yet
		err = base.Dispatch()
	}
	return errors.Join(err, c.err)
}

func (c *cat) openStdio() (err error) {
	if c.stdin, err = openInput(c.base, c.exit); err != nil {
		return err
	}
	if c.stdout, err = openOutput(c.base, c.exit); err != nil {
		c.stdin.close()
		return err
	}
	in, out := c.stdin.bev, c.stdout.bev
	in.SetCallbacks(c.onInput, nil, c.onInputEvent)
	out.SetCallbacks(nil, c.onOutput, c.onOutputEvent)
	return in.SetWatermark(event.Read, 0, c.buffer)
}

// exit ends the program, at once.
func (c *cat) exit(err error) {
	c.over, c.err = true, errors.Join(c.err, err)
	c.base.LoopBreak()
}

// finish ends the program when all output is written.
func (c *cat) finish(err error) {
	c.err, c.closing = err, true
	switch out := c.stdout; {
	case out.pumped:
		if err := out.bev.CloseWrite(); err != nil {
			c.exit(err)
		}
	case out.bev.Output().Len() == 0:
		c.exit(nil)
	}
}

func (c *cat) startListening() (err error) {
	addr, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(c.host, strconv.Itoa(c.port)))
	if err != nil {
		return err
	}
	at := addr.AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	c.listener, err = listener.NewBind(c.base, at, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, c.serve)
	if err != nil {
		return err
	}
	c.note("listening on %v", c.listener.Addr())
	return nil
}

// serve serves a connection. There is no other, or the next one waits.
func (c *cat) serve(l *listener.Listener, fd int, peer netip.AddrPort) {
	c.note("accepted a connection from %v", peer)
	if err := c.newConn(fd); err != nil {
		c.exit(err)
		return
	}
	if !c.keep {
		l.Free()
	} else if err := l.Disable(); err != nil {
		c.exit(err)
		return
	}
	c.start()
}

func (c *cat) connect() error {
	if err := c.newConn(evutil.InvalidSocket); err != nil {
		return err
	}
	if err := c.conn.ConnectHostname(nil, "tcp", c.host, c.port); err != nil {
		return err
	}
	c.start()
	return nil
}

func (c *cat) newConn(fd int) (err error) {
	c.conn, err = bufferevent.NewSocket(c.base, fd, bufferevent.CloseOnFree)
	return err
}

// start lets data flow. What is read before there is a connection waits.
func (c *cat) start() {
	if err := c.configure(); err != nil {
		c.exit(err)
		return
	}
	c.up.Carry()
	if c.inputOver {
		c.endInput()
	}
}

func (c *cat) configure() (err error) {
	b := c.conn
	b.SetCallbacks(c.onRead, c.onWrite, c.onEvent)
	if c.up, err = relay.New(c.stdin.bev, b, c.buffer); err != nil {
		return err
	}
	if c.down, err = relay.New(b, c.stdout.bev, c.buffer); err != nil {
		return err
	}
	if b.FD() >= 0 && c.keepAlive > 0 {
		err = evutil.SetTCPKeepAlive(b.FD(), true, c.keepAlive)
	}
	err = errors.Join(err,
		b.SetWatermark(event.Read, 0, c.buffer),
		b.SetMaxSingleRead(c.maxRead),
		b.SetMaxSingleWrite(c.maxWrite),
		b.SetTimeouts(c.readTimeout, c.writeTimeout),
		b.SetRateLimit(c.rate),
		c.down.Start())
	if err != nil || c.inputOver {
		return err
	}
	return c.up.Start()
}

func (c *cat) onInput(*bufferevent.Bufferevent) {
	if c.conn != nil {
		c.up.Carry()
	}
}

func (c *cat) onInputEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		if c.inputOver = true; c.conn != nil {
			c.endInput()
		}
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		c.exit(fmt.Errorf("standard input: %w", b.Err()))
	}
}

// endInput passes the end of standard input on.
func (c *cat) endInput() {
	c.up.End()
	if err := c.conn.CloseWrite(); err != nil {
		c.endConn(err)
		return
	}
	c.endConnIfDone()
}

func (c *cat) onOutput(b *bufferevent.Bufferevent) {
	if c.conn != nil {
		if err := c.down.Resume(); err != nil {
			c.endConn(err)
		} else {
			c.endConnIfDone()
		}
	}
	if c.closing && !c.stdout.pumped && b.Output().Len() == 0 {
		c.exit(nil)
	}
}

func (c *cat) onOutputEvent(b *bufferevent.Bufferevent, _ bufferevent.Events) {
	c.exit(fmt.Errorf("standard output: %w", b.Err()))
}

func (c *cat) onRead(*bufferevent.Bufferevent) { c.down.Carry() }

func (c *cat) onWrite(*bufferevent.Bufferevent) {
	if err := c.up.Resume(); err != nil {
		c.exit(fmt.Errorf("standard input: %w", err))
		return
	}
	c.endConnIfDone()
}

func (c *cat) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		c.note("connected")
		if c.keepAlive > 0 {
			if err := evutil.SetTCPKeepAlive(b.FD(), true, c.keepAlive); err != nil {
				c.endConn(err)
			}
		}
	case bufferevent.InputEnded:
		c.note("the peer has ended its stream")
		c.down.End()
		if c.quit {
			c.up.End()
		}
		c.endConnIfDone()
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		c.endConn(b.Err())
	}
}

func (c *cat) endConnIfDone() {
	if c.up.Done() && c.down.Done() {
		c.endConn(nil)
	}
}

// endConn ends the connection and, if there is not to be another, the program.
func (c *cat) endConn(err error) {
	c.conn.Free()
	c.conn = nil
	c.stdin.bev.Disable(event.Read)
	if !c.keep {
		c.finish(err)
		return
	}
	if err != nil {
		log.Print(err)
	}
	if err := c.listener.Enable(); err != nil {
		c.exit(err)
	}
}

func (c *cat) note(format string, args ...any) {
	if c.verbose {
		log.Printf(format, args...)
	}
}
