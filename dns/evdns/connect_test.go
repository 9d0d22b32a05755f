package evdns_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/dns/evdns"
)

// listen returns the port of a listener at 127.0.0.1, which greets everybody.
func listen(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ok(t, err)
	ended := make(chan bool)
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("hello"))
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return l.Addr().(*net.TCPAddr).Port
}

// connect connects a bufferevent by name, and returns what comes from the other
// end, or why nothing does.
func connect(t testing.TB, loop *event.Base, b *evdns.Base, host string, port int) (string, error) {
	t.Helper()
	bev, err := bufferevent.NewSocket(loop, -1, bufferevent.CloseOnFree)
	ok(t, err)
	defer bev.Free()
	var failure error
	connected := false
	bev.SetCallbacks(nil, nil, func(bev *bufferevent.Bufferevent, what bufferevent.Events) {
		switch {
		case what&bufferevent.EventConnected != 0:
			connected = true
			return
		case what&bufferevent.EventError != 0:
			failure = errors.New("no connection")
			if dnsErr := bev.DNSError(); dnsErr != nil {
				failure = dnsErr
			}
		}
		loop.LoopExit(0)
	})
	ok(t, bev.Enable(event.Read))
	ok(t, bev.ConnectHostname(b, "tcp", host, port))
	dispatch(t, loop)
	if failure == nil && !connected {
		t.Error("never connected")
	}
	text := make([]byte, 100)
	n, _ := bev.Read(text)
	return string(text[:n]), failure
}

func TestABuffereventConnectsByName(t *testing.T) {
	port := listen(t)
	loop, u := newLoop(t), newUpstream(t)
	u.does(zone(t, "server.example. 300 A 127.0.0.1"))
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	hosts := filepath.Join(evdns.TempDir(t), "hosts")
	ok(t, os.WriteFile(hosts, []byte("127.0.0.1 neighbour\n"), 0o600))
	ok(t, b.LoadHosts(hosts))
	for _, host := range []string{"server.example", "SERVER.example.", "neighbour", "127.0.0.1"} {
		got, err := connect(t, loop, b, host, port)
		if got != "hello" || err != nil {
			t.Errorf("%s: got %q, %v", host, got, err)
		}
	}
}

func TestABuffereventIsToldThatThereIsNoSuchName(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	u.does(complains(dns.RcodeNameError))
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	for _, host := range []string{"nowhere.example", "no..name", "1::2::3"} {
		if _, err := connect(t, loop, b, host, 80); !errors.Is(err, evutil.EAINoName) {
			t.Errorf("%s: error %v", host, err)
		}
	}
}

func TestABuffereventMayBeFreedWhileItsNameIsLookedUp(t *testing.T) {
	loop, u := newLoop(t), newUpstream(t)
	u.does(silent)
	b := newResolverWith(t, loop, evdns.DisableWhenInactive, u)
	set(t, b, "timeout", "1000")
	bev, err := bufferevent.NewSocket(loop, -1, bufferevent.CloseOnFree)
	ok(t, err)
	bev.SetCallbacks(nil, nil, func(*bufferevent.Bufferevent, bufferevent.Events) {
		t.Error("a callback of what was freed")
	})
	ok(t, bev.ConnectHostname(b, "tcp", "server.example", 80))
	run(t, loop, func() bool { return len(u.questions()) > 0 })
	bev.Free()
	dispatch(t, loop) // would take 1000 seconds
}
