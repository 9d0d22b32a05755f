package simnet

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A descriptor of the kernel that strays into a network is an error which says so, and
// never that of something else.
func TestDescriptorsOfTheKernelAreNotOfTheNetwork(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *Network) {
		p, err := poller.Methods()[0].Open(poller.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		const fd = 3
		_, recv := sysio.Recv(fd, [][]byte{make([]byte, 1)})
		_, _, accept := sysio.Accept(fd, sysio.Mode{})
		for name, err := range map[string]error{
			"Recv":        recv,
			"Accept":      accept,
			"Listen":      sysio.Listen(fd, 1),
			"SetOption":   sysio.SetOption(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1),
			"CloseSocket": sysio.CloseSocket(fd),
			"Update":      p.Update(fd, 0, poller.Read),
		} {
			const want = "descriptor 3 is one of the kernel, not of the simulated network"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	})
}

// The hosts of a network are different machines: none has what another has opened.
func TestDescriptorsOfOtherHostsAreNotWatched(t *testing.T) {
	inNetwork(t, func(t *testing.T, n *Network) {
		fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{})
		if err != nil {
			t.Fatal(err)
		}
		defer sysio.CloseSocket(fd)
		n.AddHost("other").In(func() {
			p, err := poller.Methods()[0].Open(poller.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Update(fd, 0, poller.Read); !errors.Is(err, errOtherHost) {
				t.Errorf("error %v", err)
			}
		})
	})
}
