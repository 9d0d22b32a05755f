package datagram_test

import (
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// A server that sends back what it gets, and a client that asks it twice.
func Example() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	server, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evutil.CloseSocket(server)
	batch := datagram.NewBatch(64, 2048)
	echo := func(ev *event.Event, _ event.What) {
		messages, err := batch.Recv(ev.FD())
		if err != nil {
			fmt.Println(err)
		}
		if _, err = batch.Send(ev.FD(), messages); err != nil {
			fmt.Println(err)
		}
	}
	readable, err := base.NewEvent(server, event.Read|event.Persist, echo)
	if err != nil {
		fmt.Println(err)
		return
	}
	readable.Add()

	addr, err := datagram.LocalAddr(server)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := datagram.Dial(netip.AddrPort{}, addr, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evutil.CloseSocket(client)
	answers := 0
	answer := func(ev *event.Event, _ event.What) {
		messages, err := batch.Recv(ev.FD())
		if err != nil {
			fmt.Println(err)
		}
		for _, m := range messages {
			fmt.Printf("%s from the server: %t\n", m.Data, m.Addr == addr)
			answers++
		}
		if answers == 2 {
			base.LoopExit(0)
		}
	}
	answered, err := base.NewEvent(client, event.Read|event.Persist, answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	answered.Add()

	done, err := batch.Send(client, []datagram.Message{{Data: []byte("hello")}, {Data: []byte("again")}})
	fmt.Println(done, err)
	base.Dispatch()
	// Output:
	// 2 <nil>
	// hello from the server: true
	// again from the server: true
}

// A message that cannot be sent does not stop the others.
func ExampleBatch_Send() {
	base, err := event.NewBase() // which Windows needs for sockets
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	fd, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evutil.CloseSocket(fd)
	self, err := datagram.LocalAddr(fd)
	if err != nil {
		fmt.Println(err)
		return
	}
	messages := []datagram.Message{
		{Addr: self, Data: make([]byte, 100_000)},
		{Addr: self, Data: []byte("short")},
	}
	done, err := datagram.NewBatch(64, 2048).Send(fd, messages)
	fmt.Println(done, err != nil)
	for _, m := range messages {
		fmt.Println(len(m.Data), m.Err != nil)
	}
	// Output:
	// 2 true
	// 100000 true
	// 5 false
}
