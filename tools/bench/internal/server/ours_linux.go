package server

import (
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
)

// The token buckets of a limited server, as in the C peer.
const (
	ticks    = 100  // a second
	burst    = 10   // ticks that a bucket holds, so that a late one is no loss
	minShare = 1500 // what each member of a group may always read, in bytes a tick
)

// serveOurs runs an echo server on bufferevents of this library. Limits are
// bytes a second in each direction, of a connection and of all together; 0 means
// none.
func serveOurs(r ready, each, together int) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	limit, err := newLimit(each)
	if err != nil {
		return err
	}
	group, err := newGroup(base, together)
	if err != nil {
		return err
	}
	l, err := listener.NewBind(base, netip.MustParseAddrPort(address), listener.CloseOnFree, -1,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) { accept(base, fd, limit, group) })
	if err != nil {
		return err
	}
	r(l.Addr())
	return base.Dispatch()
}

func accept(base *event.Base, fd int, limit *bufferevent.TokenBucketConfig, group *bufferevent.RateLimitGroup) {
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	if err != nil {
		return // a constructor with CloseOnFree has closed the descriptor
	}
	if err := startEcho(b, limit, group); err != nil {
		b.Free()
	}
}

// startEcho makes a connection echo within its limits.
func startEcho(b *bufferevent.Bufferevent, limit *bufferevent.TokenBucketConfig, group *bufferevent.RateLimitGroup) error {
	if limit != nil {
		if err := b.SetRateLimit(limit); err != nil {
			return err
		}
	}
	if group != nil {
		if err := b.AddToRateLimitGroup(group); err != nil {
			return err
		}
	}
	b.SetCallbacks(onInput, nil, onStreamEvent)
	return b.Enable(event.Read)
}

func onInput(b *bufferevent.Bufferevent) {
	_ = b.WriteBuffer(b.Input()) // what has failed is reported as an event
}

// onStreamEvent ends a connection, after what is left to write if only the peer's
// sending has ended.
func onStreamEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	if what&bufferevent.EventError == 0 && b.Output().Len() > 0 {
		b.SetCallbacks(nil, (*bufferevent.Bufferevent).Free, onStreamEvent)
		return
	}
	b.Free()
}

// newLimit returns a bucket for so many bytes a second, or nil without a limit.
func newLimit(bytes int) (*bufferevent.TokenBucketConfig, error) {
	if bytes == 0 {
		return nil, nil
	}
	rate := bytes / ticks
	return bufferevent.NewTokenBucketConfig(rate, burst*rate, rate, burst*rate, time.Second/ticks)
}

// newGroup returns a group with one bucket for all, or nil without a limit.
func newGroup(base *event.Base, bytes int) (*bufferevent.RateLimitGroup, error) {
	limit, err := newLimit(bytes)
	if limit == nil || err != nil {
		return nil, err
	}
	group, err := bufferevent.NewRateLimitGroup(base, limit)
	if err != nil {
		return nil, err
	}
	return group, group.SetMinShare(minShare)
}
