package simnet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// What keep-alive finds out about a peer from which nothing comes, and when.
func TestKeepAlive(t *testing.T) {
	for _, tt := range []struct {
		name     string
		accident func(n *Network, peer *Host)
		after    time.Duration // when the error is there
		want     error
	}{
		{"a peer that is there", func(*Network, *Host) {}, 0, nil},
		{"a cut", func(n *Network, peer *Host) { n.Cut(n.hosts[0], peer) }, 20*time.Second + 3*5*time.Second, sysio.ErrTimedOut},
		{"a peer that was stopped", func(_ *Network, peer *Host) { peer.Stop() }, 20*time.Second + 3*5*time.Second, sysio.ErrTimedOut},
		{"a peer that has started anew", func(_ *Network, peer *Host) { peer.Stop(); peer.Start() }, 20 * time.Second, sysio.ErrReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New(1)
				defer n.Close()
				a, b := n.AddHost("a"), n.AddHost("b")
				s := connected(t, n, a, b)
				s.options.keepAlive, s.options.idle, s.options.interval, s.options.count = true, 20, 5, 3
				s.watchSilence()
				start := time.Now()
				tt.accident(n, b)
				err := n.Await(time.Hour, func() bool { return s.err != nil })
				if s.err != tt.want {
					t.Errorf("error %v, want %v (%v)", s.err, tt.want, err)
				}
				if d := time.Since(start); tt.want != nil && d != tt.after {
					t.Errorf("found out after %v, want %v", d, tt.after)
				}
			})
		})
	}
}

// connected returns a's end of a new connection between two hosts.
func connected(t *testing.T, n *Network, a, b *Host) *stream {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	s, peer := n.newStream(a, 2), n.newStream(b, 2)
	join(s, peer, n.link(a, b), n.link(b, a))
	n.open(a, s)
	n.open(b, peer)
	s.connected()
	peer.connected()
	return s
}
