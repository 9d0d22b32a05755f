package main

import (
	"errors"
	"log"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
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
	b, err := evtls.NewSocket(base, fd, evtls.Accepting, s.cfg, bufferevent.CloseOnFree)
	if err != nil {
		log.Printf("%v: %v", peer, err)
		return
	}
	c := &conn{s, peer}
	b.SetCallbacks(onRead, onWrite, c.onEvent)
	if err := errors.Join(b.SetWatermark(event.Write, maxOutput/2, 0), b.Enable(event.Read)); err != nil {
		log.Printf("%v: %v", peer, err)
		b.Free()
	}
}

// onRead sends back what has come.
func onRead(b *bufferevent.Bufferevent) {
	if err := b.WriteBuffer(b.Input()); err != nil {
		log.Printf("%v: %v", b.PeerAddr(), err)
		b.Free()
		return
	}
	if b.Output().Len() >= maxOutput {
		b.Disable(event.Read)
	}
}

// onWrite is called when no more than the low watermark waits any more.
func onWrite(b *bufferevent.Bufferevent) {
	if b.Enabled()&event.Read != 0 {
		return
	}
	if err := b.Enable(event.Read); err != nil {
		log.Printf("%v: %v", b.PeerAddr(), err)
		b.Free()
	}
}

// onEvent ends the connection in order when the client has ended its stream, and
// otherwise at once if it is of no use any more.
func (c *conn) onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.ConnectionMade:
		if state, ok := evtls.ConnectionState(b); ok && c.verbose {
			log.Printf("%v: %s", c.peer, tlsconf.Describe(state))
		}
	case bufferevent.InputEnded:
		b.FreeWhenWrittenFunc(drainTime, c.drained)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		log.Printf("%v: %v", c.peer, b.Err())
		b.Free()
	}
}

// drained is called when a connection has ended in order, or could not.
func (c *conn) drained(err error) {
	if err != nil {
		log.Printf("%v: %v", c.peer, err)
	}
}
