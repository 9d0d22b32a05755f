package evtls_test

import (
	"fmt"
	"net/netip"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// A server that echoes, and a client, in one loop. serverTLS and clientTLS make
// a *tls.Config each, with certificates, and with a name and who is trusted.
func Example() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	serving := &evtls.Config{TLS: serverTLS(0)}
	l, err := listener.NewBind(base, netip.MustParseAddrPort("127.0.0.1:0"), listener.CloseOnFree, listener.DefaultBacklog,
		func(_ *listener.Listener, fd int, _ netip.AddrPort) {
			b, err := evtls.NewSocket(base, fd, evtls.Accepting, serving, bufferevent.CloseOnFree)
			if err != nil {
				fmt.Println(err)
				return
			}
			echo := func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }
			b.SetCallbacks(echo, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
				fmt.Println("server:", what)
				switch what.Outcome() {
				case bufferevent.InputEnded: // after what is left we end, too, and say so
					b.FreeWhenWritten(0)
				case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
					b.Free()
				}
			})
			b.Enable(event.Read)
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Free()

	calling := &evtls.Config{TLS: clientTLS(0)}
	c, err := evtls.NewSocket(base, -1, evtls.Connecting, calling, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	c.SetCallbacks(func(b *bufferevent.Bufferevent) {
		p := make([]byte, 100)
		n, _ := b.Read(p)
		fmt.Printf("client: %s\n", p[:n])
		b.CloseWrite() // tells the server that we have ended
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		if what.Outcome() != bufferevent.ConnectionMade {
			fmt.Println("client:", what, b.Err())
			b.Free()
			base.LoopExit(0)
		}
	})
	c.Enable(event.Read)
	c.WriteString("hello") // goes out when the handshake is done
	c.Connect(l.AddrPort())

	if err := base.Dispatch(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// server: connected
	// client: hello
	// server: reading|EOF
	// client: reading|EOF EOF
}

// A protocol that begins in clear and goes on in TLS: both sides put TLS over
// the bufferevent that they have talked over (STARTTLS).
func ExampleNewFilter() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	client, server, err := bufferevent.NewPair(base, 0)
	if err != nil {
		fmt.Println(err)
		return
	}

	// secure puts TLS over b, which belongs to that from now on.
	secure := func(b *bufferevent.Bufferevent, state evtls.State, cfg *evtls.Config, onRead bufferevent.DataCallback) *bufferevent.Bufferevent {
		over, err := evtls.NewFilter(b, state, cfg, bufferevent.CloseOnFree)
		if err != nil {
			fmt.Println(err)
			return nil
		}
		over.SetCallbacks(onRead, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			fmt.Println(state, what)
		})
		over.Enable(event.Read)
		return over
	}
	show := func(b *bufferevent.Bufferevent) {
		p := make([]byte, 100)
		n, _ := b.Read(p)
		fmt.Printf("in TLS: %s\n", p[:n])
		base.LoopExit(0)
	}
	server.SetCallbacks(func(b *bufferevent.Bufferevent) {
		b.Input().Drain(b.Input().Len()) // it can only be STARTTLS
		b.WriteString("go ahead")
		secure(b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0)}, show)
	}, nil, nil)
	client.SetCallbacks(func(b *bufferevent.Bufferevent) {
		b.Input().Drain(b.Input().Len())
		over := secure(b, evtls.Connecting, &evtls.Config{TLS: clientTLS(0)}, nil)
		over.WriteString("a secret")
	}, nil, nil)
	server.Enable(event.Read)
	client.Enable(event.Read)
	client.WriteString("STARTTLS")

	base.Loop(event.LoopNoExitOnEmpty)
	// Output:
	// connecting connected
	// accepting connected
	// in TLS: a secret
}

// A program that goes on over a bufferevent in clear after TLS has ended keeps
// the connection apart from it.
func ExampleDetach() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	a, b, err := bufferevent.NewPair(base, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := evtls.NewFilter(b, evtls.Accepting, &evtls.Config{TLS: serverTLS(0)}, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Free()
	client, err := evtls.NewFilter(a, evtls.Connecting, &evtls.Config{TLS: clientTLS(0)}, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	client.SetCallbacks(nil, nil, func(client *bufferevent.Bufferevent, _ bufferevent.Events) {
		conn, err := evtls.Detach(client) // frees it, and leaves a
		if err != nil {
			fmt.Println(err)
			return
		}
		again, err := evtls.NewFilter(a, evtls.Open, &evtls.Config{Conn: conn}, bufferevent.CloseOnFree)
		if err != nil {
			fmt.Println(err)
			return
		}
		state, open := evtls.ConnectionState(again)
		fmt.Println(open, state.ServerName)
		again.Free()
	})
	base.Loop(event.LoopNonblock)
	base.Loop(event.LoopNonblock)
	base.Loop(event.LoopNonblock)
	// Output:
	// true server.test
}
