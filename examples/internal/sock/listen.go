// Package sock has the few socket calls that the examples need and that are
// not the same on all systems. Everything in it works on plain descriptors,
// which is what events watch, and never blocks.
package sock

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A Listener is a TCP listener that an event can watch. Package net makes it,
// which knows names, IPv6 and the usual options; connections are accepted
// here, because net would block.
type Listener struct {
	tcp *net.TCPListener
	fd  int
}

// Listen listens at a "host:port"; port 0 is a free one.
func Listen(addr string) (*Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // net's default on Linux; here, TCP means TCP
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	listener := &Listener{tcp: l.(*net.TCPListener)}
	if err := listener.takeDescriptor(); err != nil {
		l.Close()
		return nil, err
	}
	return listener, nil
}

// takeDescriptor finds out the descriptor. It remains net's to close, so it is
// good until Close.
func (l *Listener) takeDescriptor() error {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		l.fd = int(fd)
		failed = evutil.SetNonblock(l.fd)
	})
	return errors.Join(err, failed)
}

// FD returns the descriptor, which is readable when a connection waits.
func (l *Listener) FD() int { return l.fd }

// Addr returns the address that connections go to.
func (l *Listener) Addr() string { return l.tcp.Addr().String() }

// Accept returns the descriptor of the next connection, non-blocking and
// close-on-exec. See evutil.IsAcceptRetriable for errors that only mean that
// there is none.
func (l *Listener) Accept() (fd int, err error) { return accept(l.fd) }

// Serve calls accept with the descriptor of each connection, on the loop of
// base, as long as the event that it returns is pending. A connection that
// cannot be accepted ends the loop; failed is told why.
func (l *Listener) Serve(base *event.Base, accept func(fd int), failed func(error)) (*event.Event, error) {
	ev, err := base.NewEvent(l.fd, event.Read|event.Persist, func(*event.Event, event.What) {
		fd, err := l.Accept()
		switch {
		case err == nil:
			accept(fd)
		case !evutil.IsAcceptRetriable(err): // the client has not just gone again
			failed(fmt.Errorf("accept: %w", err))
		}
	})
	if err != nil {
		return nil, err
	}
	return ev, ev.Add()
}

// Close ends the listener. Events on the descriptor must be deleted before.
func (l *Listener) Close() error { return l.tcp.Close() }
