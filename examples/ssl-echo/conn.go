package main

import (
	"errors"
	"log"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/examples/internal/tlssocket"
	"github.com/go-libevent/libevent/openssl/evtls"
)

const (
	// maxOutput is how many bytes may wait for a client to take them. While
	// there are more, the client is not read.
	maxOutput = 128 << 10
	// drainTime is how long a client may take nothing of what is left for it
	// when it has ended its stream.
	drainTime = 30 * time.Second
)

// A server has what all connections share.
type server struct {
	cfg     *evtls.Config
	verbose bool
}

// A conn is a connection to a client.
type conn struct {
	*server
	peer netip.AddrPort
}

// accept starts to serve a connection, on the loop that is to do so. The
// handshake begins by itself.
func (s *server) accept(base *event.Base, fd int, peer netip.AddrPort) {
	b, err := tlssocket.New(base, fd, evtls.Accepting, s.cfg)
	if err != nil {
		evutil.CloseSocket(fd)
		log.Printf("%v: %v", peer, err)
		return
	}
	c := &conn{s, peer}
	b.SetCallbacks(onRead, onWrite, c.onEvent)
	if err := errors.Join(b.SetWatermark(event.Write, maxOutput/2, 0), b.Enable(event.Read)); err != nil {
		log.Printf("%v: %v", peer, err)
		tlssocket.Free(b)
	}
}

// onRead sends back what has come. An error is something that onEvent hears of.
func onRead(b *bufferevent.Bufferevent) {
	b.WriteBuffer(b.Input())
	if b.Output().Len() >= maxOutput {
		b.Disable(event.Read)
	}
}

// onWrite is called when no more than the low watermark waits any more.
func onWrite(b *bufferevent.Bufferevent) {
	if b.Enabled()&event.Read == 0 {
		b.Enable(event.Read)
	}
}

func (c *conn) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch {
	case what&bufferevent.EventConnected != 0:
		if state, ok := evtls.ConnectionState(b); ok && c.verbose {
			log.Printf("%v: %s", c.peer, tlsconf.Describe(state))
		}
	case what&bufferevent.EventEOF != 0:
		c.end(b)
	default:
		log.Printf("%v: %v", c.peer, b.Err())
		tlssocket.Free(b)
	}
}

// end ends our stream, as the client has ended its own: after what is left.
func (c *conn) end(b *bufferevent.Bufferevent) {
	if err := b.CloseWrite(); err != nil {
		log.Printf("%v: %v", c.peer, err)
		tlssocket.Free(b)
		return
	}
	if b.Output().Len() == 0 {
		finish(b)
		return
	}
	b.SetWatermark(event.Write, 0, 0)
	b.SetTimeouts(0, drainTime)
	b.SetCallbacks(nil, finish, c.onEvent)
}

// finish is called when everything is encrypted, the end of the stream too.
func finish(b *bufferevent.Bufferevent) { tlssocket.Finish(b, drainTime) }
