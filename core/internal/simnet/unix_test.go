package simnet

import (
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// A path stays taken when its socket is closed, until it is removed; a later socket
// at the path is another.
func TestPathsOfUnixSockets(t *testing.T) {
	inNetwork(t, func(t *testing.T, n *Network) {
		bind := func() error {
			fd, err := sysio.Socket(syscall.AF_UNIX, sysio.Mode{})
			if err != nil {
				t.Fatal(err)
			}
			defer sysio.CloseSocket(fd)
			return sysio.Bind(fd, sysio.UnixSockaddr("/run/socket"))
		}
		if _, err := sysio.FindSocket("/run/socket"); err != errNoEntry {
			t.Errorf("error %v of a path that no socket has", err)
		}
		if err := bind(); err != nil {
			t.Fatal(err)
		}
		if err := bind(); err != sysio.ErrAddrInUse {
			t.Errorf("error %v of a path that is taken", err)
		}
		first, err := sysio.FindSocket("/run/socket")
		if err != nil || !first.IsSocket() {
			t.Errorf("found %v, error %v", first, err)
		}
		if err := first.Remove(); err != nil {
			t.Error(err)
		}
		if err := bind(); err != nil {
			t.Errorf("error %v of a path that is free again", err)
		}
		if err := first.Remove(); err != nil { // it is another
			t.Error(err)
		}
		if err := bind(); err != sysio.ErrAddrInUse {
			t.Errorf("error %v: another socket was removed", err)
		}
		if addrs, err := sysio.LocalAddrs(); err != nil || len(addrs) != 4 {
			t.Errorf("addresses %v, error %v", addrs, err)
		}
		t.Logf("\n%s", n.Last(20))
	})
}
