// Package tlssocket makes and ends TLS connections whose last words are sent.
//
// What a TLS bufferevent has encrypted, up to the close_notify that CloseWrite
// adds, is with the socket below, which writes it when the callback that has
// added it is over, or when the peer makes room for it. Who frees both at once
// cuts the stream off. So the two are freed separately here.
package tlssocket

import (
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// New makes a socket with TLS over it, or without if cfg is nil. fd may be
// evutil.InvalidSocket, and the bufferevent be connected later. If New fails, fd
// is still the caller's to close. The bufferevent is freed with Finish or Free.
func New(base *event.Base, fd int, state evtls.State, cfg *evtls.Config) (*bufferevent.Bufferevent, error) {
	socket, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil || cfg == nil {
		return socket, err
	}
	b, err := evtls.NewFilter(socket, state, cfg, 0)
	if err != nil {
		socket.SetFD(evutil.InvalidSocket)
		socket.Free()
		return nil, err
	}
	return b, nil
}

// socketOf returns the socket below b, or b if it is one.
func socketOf(b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
	if under := b.Underlying(); under != nil {
		return under
	}
	return b
}

// Free frees b and its socket. What is not written is lost.
func Free(b *bufferevent.Bufferevent) {
	socket := socketOf(b)
	b.Free()
	socket.Free()
}

// Finish frees b, and its socket once that has written what it has, or can write
// nothing of it for as long as the patience lasts. Nothing more is read.
func Finish(b *bufferevent.Bufferevent, patience time.Duration) {
	socket := socketOf(b)
	if socket.Output().Len() == 0 {
		Free(b)
		return
	}
	b.Free()
	socket.Disable(event.Read)
	socket.SetWatermark(event.Write, 0, 0)
	socket.SetCallbacks(nil, (*bufferevent.Bufferevent).Free, func(b *bufferevent.Bufferevent, _ bufferevent.Events) { b.Free() })
	// When it really ends, which is after its callback, b takes its timeout off
	// the socket.
	socket.Base().Post(func() { socket.SetTimeouts(0, patience) })
}
