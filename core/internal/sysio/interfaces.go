package sysio

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// LocalAddrs returns the addresses of the interfaces of this host. What the kernel
// has said is believed for a second: interfaces come and go, but not as often as
// names are looked up, and to ask is several system calls. The result belongs to all
// callers.
func LocalAddrs() ([]netip.Addr, error) {
	return retry(OpLocalAddrs, InvalidSocket, 0, func(s System, _ int) ([]netip.Addr, error) {
		if s != nil {
			return s.LocalAddrs()
		}
		return kernelAddrs.get(time.Now())
	})
}

// kernelAddrs is what the kernel has said last.
var kernelAddrs = interfaces{ask: net.InterfaceAddrs}

// interfaces remembers addresses of interfaces for a while.
type interfaces struct {
	ask func() ([]net.Addr, error)

	mu    sync.Mutex
	addrs []netip.Addr
	at    time.Time // when they were asked for
}

const askAgain = time.Second

func (i *interfaces) get(now time.Time) ([]netip.Addr, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if age := now.Sub(i.at); age >= 0 && age < askAgain { // and not in a time of its own, see testing/synctest
		return i.addrs, nil
	}
	found, err := i.ask()
	if err != nil {
		return nil, err
	}
	i.addrs, i.at = nil, now
	for _, a := range found {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil { // or no address of IP
			i.addrs = append(i.addrs, prefix.Addr())
		}
	}
	return i.addrs, nil
}
