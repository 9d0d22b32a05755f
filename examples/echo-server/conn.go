package main

import (
	"errors"
	"log"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

const (
	// maxOutput is how many bytes may wait for a client to take them. While there
	// are more, the client is not read, so one that never reads costs no more.
	maxOutput = 128 << 10
	// drainTime is how long a client may take nothing of what is left for it when
	// it has ended its stream.
	drainTime = 30 * time.Second
)

// serve starts to serve a connection, on the loop that is to do so.
func serve(base *event.Base, fd int, peer netip.AddrPort) {
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		log.Printf("%v: %v", peer, err)
		return
	}
	b.SetCallbacks(onRead, onWrite, onEvent)
	if err := errors.Join(b.SetWatermark(event.Write, maxOutput/2, 0), b.Enable(event.Read)); err != nil {
		b.Free()
		log.Printf("%v: %v", peer, err)
	}
}

// onRead sends back what has come. That moves it to the output, whence the loop
// writes it.
func onRead(b *bufferevent.Bufferevent) {
	if err := b.WriteBuffer(b.Input()); err != nil {
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

// onEvent ends the connection: if the client has only ended its stream, once it
// has got everything back.
func onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		b.FreeWhenWrittenFunc(drainTime, logFailure)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		logFailure(b.Err())
		b.Free()
	}
}

// logFailure logs why a connection has failed, unless the client is gone.
func logFailure(err error) {
	if err != nil && !evutil.IsDisconnect(err) {
		log.Print(err)
	}
}
