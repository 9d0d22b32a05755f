package main

import (
	"io"
	"os"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// A stdio is standard input or output as a bufferevent: straight over the
// descriptor if the loop may and can wait for that, and otherwise one half of a
// pair, whose other half a goroutine reads or writes in the ordinary way.
type stdio struct {
	bev     *bufferevent.Bufferevent
	pumped  bool   // by a goroutine
	restore func() // undoes what was done to the descriptor, or nil
}

// ended is told, on the loop, that standard input or output has failed or, with
// nil, that all output is written.
type ended func(error)

func openInput(base *event.Base, failed ended) (*stdio, error) {
	s, conn, err := open(base, os.Stdin)
	if err != nil || !s.pumped {
		return s, err
	}
	go func() {
		if _, err := io.Copy(conn, os.Stdin); err != nil {
			base.Post(func() { failed(err) })
			return
		}
		_ = conn.CloseWrite() // an error comes as an event
	}()
	return s, nil
}

// openOutput: done is told when finish has been called and all is written.
func openOutput(base *event.Base, done ended) (*stdio, error) {
	s, conn, err := open(base, os.Stdout)
	if err != nil || !s.pumped {
		return s, err
	}
	go func() {
		_, err := io.Copy(os.Stdout, conn)
		base.Post(func() { done(err) })
	}()
	return s, nil
}

// open returns the stdio of f and, if it needs a goroutine, the end for that.
func open(base *event.Base, f *os.File) (s *stdio, conn *bufferevent.Conn, err error) {
	s, err = openDirect(base, f)
	if err != nil || s != nil {
		return s, nil, err
	}
	ours, theirs, err := bufferevent.NewPair(base, 0)
	if err != nil {
		return nil, nil, err
	}
	return &stdio{bev: ours, pumped: true}, bufferevent.NewConn(theirs), nil
}

func (s *stdio) close() {
	if s.restore != nil {
		s.restore()
	}
	s.bev.Free()
}
