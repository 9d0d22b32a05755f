package listener_test

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// A server that hangs up on its one and only client.
func Example() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	onConnection := func(l *listener.Listener, fd int, peer netip.AddrPort) {
		fmt.Println("a connection from", peer.Addr())
		evutil.CloseSocket(fd)
		l.Free()
	}
	l, err := listener.Listen(base, "localhost:0", listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, onConnection)
	if err != nil {
		fmt.Println(err)
		return
	}

	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(base.Dispatch())
	// Output:
	// a connection from 127.0.0.1
	// <nil>
}

// A program that limits its connections: it disables the listener at the limit,
// and the others wait in the system's queue.
func ExampleListener_Disable() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	const most = 2
	var open []int
	l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog,
		func(l *listener.Listener, fd int, _ netip.AddrPort) {
			open = append(open, fd)
			if len(open) == most {
				l.Disable()
			}
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Free()

	for range 3 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
	}
	closeAll := func() {
		for _, fd := range open {
			evutil.CloseSocket(fd)
		}
		open = nil
	}
	fmt.Println(base.Dispatch(), len(open)) // until there is nothing to wait for
	closeAll()
	fmt.Println(l.Enable())
	base.Loop(event.LoopOnce)
	fmt.Println(len(open), "more")
	closeAll()
	// Output:
	// <nil> 2
	// <nil>
	// 1 more
}

// A server that a service manager may have opened the sockets for.
func ExampleInherited() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	serve := func(_ *listener.Listener, fd int, _ netip.AddrPort) { evutil.CloseSocket(fd) }
	fds, err := listener.Inherited()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, in := range fds {
		l, err := listener.New(base, in.FD, listener.CloseOnFree, 0, serve)
		if err != nil {
			fmt.Println(in.Name, err)
			return
		}
		defer l.Free()
	}
	if len(fds) == 0 {
		fmt.Println("no sockets from a service manager")
	}
	// Output: no sockets from a service manager
}
