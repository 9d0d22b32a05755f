package bufferevent_test

import (
	"net"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// A peer that takes nothing does not keep what was written alive for ever after Close,
// however much that is.
func TestConnCloseWithAPeerThatTakesNothing(t *testing.T) {
	clock := evtest.NewClock()
	base := clock.Base(t)
	fd, peer := evtest.Sockets(t)
	defer evutil.CloseSocket(peer)
	b, err := bufferevent.NewSocket(base, fd, bufferevent.CloseOnFree)
	ok(t, err)
	c := bufferevent.NewConn(b)
	written := make(chan error, 1)
	go func() {
		for block := make([]byte, 1<<20); ; {
			if _, err := c.Write(block); err != nil {
				written <- err
				return
			}
		}
	}()
	full := func() bool { return b.Output().Len() >= 64<<10 }
	evtest.Await(t, base, "a full output", full)
	ok(t, c.Close())
	wantError(t, "Write", <-written, net.ErrClosed)
	evtest.Turn(t, base)
	before := evtest.Descriptors()
	clock.Advance(time.Minute)
	evtest.Turn(t, base)
	if after := evtest.Descriptors(); after != before-1 && before >= 0 {
		t.Errorf("%d descriptors after a minute, %d before", after, before)
	}
}
