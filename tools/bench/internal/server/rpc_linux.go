package server

import (
	"net"
	"net/netip"
	"net/rpc"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
)

// rpcServers are those that answer calls.
var rpcServers = map[string]func(ready) error{
	"rpc-ours": serveRPCOurs,
	"rpc-net":  serveRPCNet,
}

// serveRPCOurs runs a server of evrpc, with its defaults.
func serveRPCOurs(r ready) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	web := evhttp.NewServer(base)
	s, err := evrpc.NewServer(web, nil)
	if err != nil {
		return err
	}
	err = greeting.RegisterGreet(s, func(c *evrpc.Call[greeting.Greeting, greeting.Greeting]) {
		greeting.Copy(c.Reply(), c.Request())
		_ = c.Done() // a client that is gone has no use for it
	})
	if err != nil {
		return err
	}
	b, err := web.Bind(netip.MustParseAddrPort(address))
	if err != nil {
		return err
	}
	r(net.TCPAddrFromAddrPort(b.AddrPort()))
	return base.Dispatch()
}

// serveRPCNet runs a server of net/rpc, with its defaults.
func serveRPCNet(r ready) error {
	s := rpc.NewServer()
	if err := s.Register(greeting.Greeter{}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r(l.Addr())
	s.Accept(l)
	return nil
}
