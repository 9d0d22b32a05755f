package listener

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// KeepAlive is after how much silence the system asks whether the peer of a
// connection is still there, on sockets that NewBind made. Another time can
// be set with evutil.SetTCPKeepAlive(l.FD(), ...), for connections yet to come.
const KeepAlive = 300 * time.Second

// NewBind makes a listener for a TCP address; port 0 is any that is free, and
// Addr tells which. TCP keep-alive is turned on, with the time KeepAlive, and
// the systems let accepted connections inherit that. The backlog must not be
// zero. The socket is closed if NewBind fails, and otherwise as New says
// (evconnlistener_new_bind).
func NewBind(b *event.Base, addr netip.AddrPort, flags Flag, backlog int, cb Callback) (*Listener, error) {
	l, err := newBind(b, addr, flags, backlog, cb)
	if err != nil {
		return nil, fmt.Errorf("listener: listen tcp %v: %w", addr, err)
	}
	return l, nil
}

func newBind(b *event.Base, addr netip.AddrPort, flags Flag, backlog int, cb Callback) (*Listener, error) {
	family, meaningless := syscall.AF_INET6, Flag(0)
	if addr.Addr().Is4() {
		family, meaningless = syscall.AF_INET, BindIPv6Only|BindIPv4AndIPv6
	}
	if err := flags.check(meaningless); err != nil {
		return nil, err
	}
	sa, err := evutil.AddrPortToSockaddr(addr)
	if err != nil {
		return nil, err
	}
	return open(b, family, flags, backlog, cb, func(fd int) (*sysio.SocketFile, error) {
		if err := prepareTCP(fd, flags); err != nil {
			return nil, err
		}
		return nil, sysio.Bind(fd, sa)
	})
}

// open makes a listener for a new socket, which bind binds, perhaps to a file.
func open(b *event.Base, family int, flags Flag, backlog int, cb Callback, bind func(fd int) (*sysio.SocketFile, error)) (*Listener, error) {
	if backlog == 0 {
		return nil, ErrBacklog
	}
	fd, err := sysio.Socket(family, sysio.Mode{Inheritable: flags&Inheritable != 0})
	if err != nil {
		return nil, err
	}
	l := newListener(b, fd, flags, cb)
	l.file, err = bind(fd)
	if err == nil {
		err = l.start(backlog)
	}
	if err != nil {
		_ = l.closeSocket() // it is closed in any case
		return nil, err
	}
	return l, nil
}

// options are what flags do to a TCP socket before it is bound.
var options = []struct {
	flag Flag
	set  func(fd int) error
}{
	{Reuseable, evutil.SetListenReuseAddr},
	{ReuseablePort, evutil.SetListenReusePort},
	{DeferredAccept, evutil.SetListenDeferred},
	{BindIPv6Only, evutil.SetListenIPv6Only},
	{BindIPv4AndIPv6, evutil.SetListenNotIPv6Only},
}

func prepareTCP(fd int, flags Flag) error {
	if err := evutil.SetTCPKeepAlive(fd, true, KeepAlive); err != nil {
		return err
	}
	for _, o := range options {
		if flags&o.flag == 0 {
			continue
		}
		if err := o.set(fd); err != nil {
			return err
		}
	}
	return nil
}
