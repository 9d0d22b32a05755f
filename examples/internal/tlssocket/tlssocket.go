// Package tlssocket makes and ends TLS connections whose last words are sent.
//
// When the output of a TLS bufferevent is empty, it is encrypted, but the socket
// below may still have to write it. Freeing both then would cut the stream off,
// where the same program without TLS would have done well. So the two are freed
// separately here.
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

// Socket returns the socket below b, or b if it is one.
func Socket(b *bufferevent.Bufferevent) *bufferevent.Bufferevent {
	if under := b.Underlying(); under != nil {
		return under
	}
	return b
}

// Free frees b and its socket. What is not written is lost.
func Free(b *bufferevent.Bufferevent) {
	socket := Socket(b)
	b.Free()
	socket.Free()
}

// Finish frees b, and its socket once that has written what it has, or can write
// nothing of it for as long as the patience lasts. Nothing more is read.
func Finish(b *bufferevent.Bufferevent, patience time.Duration) {
	socket := Socket(b)
	if socket.Output().Len() == 0 {
		Free(b)
		return
	}
	b.Free()
	socket.Disable(event.Read)
	socket.SetWatermark(event.Write, 0, 0)
	socket.SetTimeouts(0, patience)
	socket.SetCallbacks(nil, (*bufferevent.Bufferevent).Free, func(b *bufferevent.Bufferevent, _ bufferevent.Events) { b.Free() })
}
