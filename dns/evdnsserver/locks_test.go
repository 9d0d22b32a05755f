package evdnsserver_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/dns/evdnsserver"
	"github.com/go-libevent/libevent/dns/internal/dnstest"
)

// Errors of locks go to the fatal callback.
func TestBrokenLocksAreFatal(t *testing.T) {
	loop, err := event.NewBase()
	ok(t, err)
	t.Cleanup(loop.Free)
	fd, err := datagram.Listen(serverAddr, 0)
	ok(t, err)
	dnstest.CheckBrokenLocks(t, func() (func(), error) {
		s, err := evdnsserver.NewUDP(loop, fd, func(*evdnsserver.Request) {})
		if err != nil {
			return nil, err
		}
		t.Cleanup(s.Close)
		return func() { s.Stats() }, nil
	})
}
