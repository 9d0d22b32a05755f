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

// A server that sends back what it gets, and a client, on one loop.
func ExampleSocket() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	loopback := netip.MustParseAddrPort("127.0.0.1:0")
	server, err := datagram.ListenSocket(base, loopback, 0, datagram.Config{
		OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
			for _, m := range messages {
				if err := s.Send(m); err != nil {
					fmt.Println(err)
				}
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := server.LocalAddr()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := datagram.DialSocket(base, netip.AddrPort{}, addr, 0, datagram.Config{
		OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
			fmt.Printf("%s\n", messages[0].Data)
			s.Close()
			server.Close()
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range []*datagram.Socket{server, client} {
		if err := s.Enable(); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := client.Send(datagram.Message{Data: []byte("hello")}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(base.Dispatch()) // until both are closed
	// Output:
	// hello
	// <nil>
}

// A program that makes its messages when there is room for them.
func ExampleSocket_SendNow() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	received := 0
	receiver, err := datagram.ListenSocket(base, netip.MustParseAddrPort("127.0.0.1:0"), 0, datagram.Config{
		OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
			if received += len(messages); received == 100 {
				s.Close()
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := receiver.Enable(); err != nil {
		fmt.Println(err)
		return
	}
	addr, err := receiver.LocalAddr()
	if err != nil {
		fmt.Println(err)
		return
	}
	todo := 100
	more := func(s *datagram.Socket) {
		for todo > 0 {
			n, err := s.SendNow([]datagram.Message{{Data: []byte("data"), Addr: addr}})
			if err != nil || n == 0 {
				fmt.Println(err)
				return // OnDrained goes on
			}
			todo--
		}
	}
	sender, err := datagram.ListenSocket(base, netip.MustParseAddrPort("127.0.0.1:0"), 0, datagram.Config{
		MaxQueued: -1, // nothing is queued
		OnDrained: more,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sender.Close()
	more(sender)
	fmt.Println(base.Dispatch(), received)
	// Output:
	// <nil> 100
}
