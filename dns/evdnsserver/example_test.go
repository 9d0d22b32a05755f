package evdnsserver_test

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/dns/evdns"
	"github.com/go-libevent/libevent/dns/evdnsserver"
)

// serveExample starts a server on a free UDP port.
func serveExample(loop *event.Base, cb evdnsserver.Callback) (*evdnsserver.Server, netip.AddrPort, error) {
	fd, err := datagram.Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	addr, err := datagram.LocalAddr(fd)
	if err != nil {
		return nil, addr, err
	}
	port, err := evdnsserver.NewUDP(loop, fd, cb)
	return port, addr, err
}

// askExample looks a name up at a nameserver, and calls done with what it says.
func askExample(loop *event.Base, server netip.AddrPort, name string, done func()) error {
	resolver, err := evdns.NewBase(loop, evdns.NoCache)
	if err != nil {
		return err
	}
	if err := resolver.AddNameserver(server); err != nil {
		return err
	}
	_, err = resolver.ResolveIPv4(name, evdns.NoSearch, func(answer evdns.Answer, err error) {
		switch {
		case errors.Is(err, evdns.ErrNotExist):
			fmt.Println(name, "does not exist")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println(name, answer.Addrs, answer.TTL)
		}
		resolver.Free(false)
		done()
	})
	return err
}

// A server that knows one address.
func ExampleNewUDP() {
	loop, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loop.Free()

	address := netip.MustParseAddr("192.0.2.1")
	port, addr, err := serveExample(loop, func(r *evdnsserver.Request) {
		r.SetFlags(evdnsserver.FlagAA)
		for _, q := range r.Questions {
			if !dns.IsSubDomain("example.com.", dns.CanonicalName(q.Name)) {
				r.Respond(dns.RcodeNameError)
				return
			}
			if q.Qtype != dns.TypeA { // the name exists, and has no such records
				continue
			}
			if err := r.AddA(q.Name, time.Hour, address); err != nil {
				fmt.Println(err)
			}
		}
		r.Respond(0)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = askExample(loop, addr, "www.example.com", func() {
		err := askExample(loop, addr, "www.example.org", port.Close)
		if err != nil {
			fmt.Println(err)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loop.Dispatch())
	// Output:
	// www.example.com [192.0.2.1] 1h0m0s
	// www.example.org does not exist
	// <nil>
}

// A server that takes TCP connections on the same port as UDP messages, as
// clients expect it for answers that are too long for UDP.
func ExampleNewTCP() {
	loop, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loop.Free()

	serve := func(r *evdnsserver.Request) {
		fmt.Println("TCP:", r.TCP())
		for i := range 100 {
			r.AddA(r.Questions[0].Name, time.Minute, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
		r.Respond(0)
	}
	// A free port for UDP may be one that somebody has for TCP.
	udp, addr, err := serveExample(loop, serve)
	l, listenErr := listener.NewBind(loop, addr, listener.CloseOnFree, listener.DefaultBacklog, nil)
	for err == nil && errors.Is(listenErr, listener.ErrAddrInUse) {
		udp.Close()
		udp, addr, err = serveExample(loop, serve)
		l, listenErr = listener.NewBind(loop, addr, listener.CloseOnFree, listener.DefaultBacklog, nil)
	}
	if err != nil || listenErr != nil {
		fmt.Println(err, listenErr)
		return
	}
	tcp, err := evdnsserver.NewTCP(loop, l, serve)
	if err != nil {
		fmt.Println(err)
		return
	}
	tcp.SetMaxClients(100)
	tcp.SetIdleTimeout(time.Minute)

	resolver, err := evdns.NewBase(loop, evdns.NoCache)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := resolver.AddNameserver(addr); err != nil {
		fmt.Println(err)
		return
	}
	_, err = resolver.ResolveIPv4("www.example.com", evdns.NoSearch, func(answer evdns.Answer, err error) {
		fmt.Println(len(answer.Addrs), "addresses", err)
		resolver.Free(false)
		udp.Close()
		tcp.Close()
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loop.Dispatch())
	// Output:
	// TCP: false
	// TCP: true
	// 100 addresses <nil>
	// <nil>
}

// A server that asks another one, and answers when that has.
func ExampleRequest_RespondMsg() {
	loop, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer loop.Free()

	upstream, upstreamAddr, err := serveExample(loop, func(r *evdnsserver.Request) {
		r.AddA(r.Questions[0].Name, time.Minute, netip.MustParseAddr("192.0.2.1"))
		r.Respond(0)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resolver, err := evdns.NewBase(loop, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := resolver.AddNameserver(upstreamAddr); err != nil {
		fmt.Println(err)
		return
	}
	forwarder, addr, err := serveExample(loop, func(r *evdnsserver.Request) {
		// Whatever happens, the request ends, and its client is told.
		check := func(err error) {
			if err != nil {
				fmt.Println(err)
			}
		}
		if len(r.Questions) != 1 {
			check(r.Respond(dns.RcodeFormatError))
			return
		}
		q := r.Questions[0]
		_, err := resolver.Query(q.Name, q.Qtype, evdns.NoSearch, func(m *dns.Msg, err error) {
			if m == nil {
				check(r.Respond(dns.RcodeServerFailure))
				return
			}
			check(r.RespondMsg(m))
		})
		if err != nil {
			check(r.Respond(dns.RcodeServerFailure))
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = askExample(loop, addr, "www.example.com", func() {
		resolver.Free(false)
		forwarder.Close()
		upstream.Close()
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(loop.Dispatch())
	// Output:
	// www.example.com [192.0.2.1] 1m0s
	// <nil>
}
