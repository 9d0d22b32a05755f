//go:build unix

package pthreads_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
	"golang.org/x/sys/unix"
)

// An echo server that uses all processors.
func ExampleGroup_Listen() {
	hangUp := func(ev *event.Event) {
		fd := ev.FD()
		ev.Free()
		evutil.CloseSocket(fd)
	}
	onReadable := func(ev *event.Event, _ event.What) {
		var buf [4096]byte
		n, err := unix.Read(ev.FD(), buf[:])
		if err == nil && n > 0 {
			_, err = unix.Write(ev.FD(), buf[:n]) // what does not fit is lost: it is an example
		}
		if n == 0 || err != nil && !evutil.IsRetriable(err) {
			hangUp(ev)
		}
	}
	accept := func(b *event.Base, fd int, _ netip.AddrPort) {
		ev, err := b.NewEvent(fd, event.Read|event.Persist, onReadable)
		if err == nil {
			err = ev.Add()
		}
		if err != nil {
			evutil.CloseSocket(fd)
		}
	}
	closeConnections := func(_ int, b *event.Base) {
		for _, ev := range slices.Collect(b.Events()) { // all of them are connections
			hangUp(ev)
		}
	}

	g, err := pthreads.NewGroup(&pthreads.GroupConfig{Teardown: closeConnections})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Stop(ctx); err != nil {
			fmt.Println(err)
		}
	}()
	addr, err := g.Listen("127.0.0.1:0", accept)
	if err != nil {
		fmt.Println(err)
		return
	}

	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello")
	var reply [5]byte
	_, err = io.ReadFull(conn, reply[:])
	fmt.Println(string(reply[:]), err)
	// Output: hello <nil>
}
