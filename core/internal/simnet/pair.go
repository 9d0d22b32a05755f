package simnet

import (
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// streamPair makes two stream sockets of a host that are connected to each other.
func (n *Network) streamPair(h *Host, family int) ([2]int, error) {
	a, b := n.newStream(h, family), n.newStream(h, family)
	join(a, b, nil, nil)
	a.state, b.state = streamConnected, streamConnected
	if family == syscall.AF_INET {
		for _, s := range []*stream{a, b} {
			if err := s.bindTo(netip.AddrPortFrom(loopback4, 0)); err != nil {
				return noPair, err
			}
		}
		a.remote, b.remote = b.local, a.local
	}
	return [2]int{n.open(h, a), n.open(h, b)}, nil
}

// noPair is what a failed call returns.
var noPair = [2]int{sysio.InvalidSocket, sysio.InvalidSocket}

// datagramPair is streamPair for messages.
func (n *Network) datagramPair(h *Host, family int) [2]int {
	a, b := n.newDatagram(h, family), n.newDatagram(h, family)
	a.other, b.other = b, a
	return [2]int{n.open(h, a), n.open(h, b)}
}

// A channel wakes up who waits for descriptors. It is one descriptor, like an eventfd.
type channel struct {
	file    *file
	signals int
}

func (c *channel) opened(f *file)   { c.file = f }
func (c *channel) close()           { c.file = nil }
func (c *channel) describe() string { return "wake channel" }

func (c *channel) ready() poller.Interest {
	if c.signals > 0 {
		return poller.Read | poller.Write
	}
	return poller.Write
}

func (c *channel) signal() {
	c.signals++
	c.file.changed(poller.Read)
}

// drain takes all signals, which are one message then.
func (c *channel) drain() (int, error) {
	if c.signals == 0 {
		return 0, sysio.ErrAgain
	}
	c.signals = 0
	return sysio.WakeMessageLen, nil
}
