package simnet

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// What connects goes on when the call was interrupted.
func TestAnInterruptedConnectGoesOn(t *testing.T) {
	inNetwork(t, func(t *testing.T, n *Network) {
		at, err := sysio.AddrPortToSockaddr(netip.MustParseAddrPort("127.0.0.1:7"))
		if err != nil {
			t.Fatal(err)
		}
		var fds [2]int
		for i := range fds {
			if fds[i], err = sysio.Socket(syscall.AF_INET, sysio.Mode{}); err != nil {
				t.Fatal(err)
			}
			defer sysio.CloseSocket(fds[i])
		}
		if err := sysio.Bind(fds[0], at); err != nil {
			t.Fatal(err)
		}
		if err := sysio.Listen(fds[0], 1); err != nil {
			t.Fatal(err)
		}
		n.SetFaults(Faults{Interrupt: 1})
		if err := (system{n}).Connect(fds[1], at); err != sysio.ErrInterrupted {
			t.Fatalf("connect: %v", err)
		}
		n.SetFaults(Faults{})
		p, err := poller.Methods()[0].Open(poller.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.Update(fds[1], 0, poller.Write); err != nil {
			t.Fatal(err)
		}
		ready, _, err := p.Wait(poller.Never, nil)
		if err != nil || len(ready) != 1 || ready[0].Ready != poller.Write {
			t.Fatalf("ready: %v, %v", ready, err)
		}
		if m, err := sysio.Send(fds[1], [][]byte{{1}}); m != 1 || err != nil {
			t.Errorf("send: %d, %v", m, err)
		}
	})
}
