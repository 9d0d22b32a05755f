package bufferevent_test

import (
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
)

// One end of a connection sends back what it gets, and the other one prints it.
func Example() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	evutil.SetNonblock(pair[0])
	evutil.SetNonblock(pair[1])

	server, _ := bufferevent.NewSocket(base, pair[0], bufferevent.CloseOnFree)
	server.SetCallbacks(
		func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil,
		func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			fmt.Println("server:", what, b.Err())
			b.Free()
		})
	server.Enable(event.Read)

	client, _ := bufferevent.NewSocket(base, pair[1], bufferevent.CloseOnFree)
	client.SetCallbacks(func(b *bufferevent.Bufferevent) {
		line, err := b.Input().ReadLine(evbuffer.EOLLF)
		if err != nil {
			return // not all of it is here yet
		}
		fmt.Printf("client: %s\n", line)
		b.Free()
	}, nil, nil)
	client.Enable(event.Read)
	client.WriteString("hello\n")

	base.Dispatch()
	// Output:
	// client: hello
	// server: reading|EOF EOF
}

func ExampleBufferevent_ConnectHostname() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	go func() { // an ordinary server, somewhere
		if c, err := server.Accept(); err == nil {
			io.WriteString(c, "welcome")
			c.Close()
		}
	}()

	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		log.Fatal(err)
	}
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.ConnectionMade:
			fmt.Println("connected")
		case bufferevent.InputEnded:
			text, _ := io.ReadAll(b)
			fmt.Printf("%s\n", text)
			b.FreeWhenWritten(0)
		case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
			if err := b.DNSError(); err != nil {
				fmt.Println("no such host:", err)
			} else {
				fmt.Println(b.Err())
			}
			b.Free()
		}
	})
	b.Enable(event.Read)
	port := server.Addr().(*net.TCPAddr).Port
	if err := b.ConnectHostname(nil, "tcp4", "localhost", port); err != nil {
		log.Fatal(err)
	}
	base.Dispatch()
	// Output:
	// connected
	// welcome
}

func ExampleBufferevent_ReadErr() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	one, two, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer one.Free()
	defer two.Free()
	two.Enable(event.Read)
	one.CloseWrite()
	base.Dispatch()
	fmt.Println("one:", one.ReadErr(), "/", one.WriteErr())
	fmt.Println("two:", two.ReadErr(), "/", two.WriteErr())
	// Output:
	// one: <nil> / writing side was closed
	// two: EOF / <nil>
}

func ExampleBufferevent_ConnectAddress() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	b, err := bufferevent.NewSocket(base, -1, bufferevent.CloseOnFree)
	if err != nil {
		log.Fatal(err)
	}
	b.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		fmt.Println(what, b.Err())
		b.Free()
	})
	address := server.Addr().String() // what a user would configure
	if err := b.ConnectAddress(nil, address); err != nil {
		log.Fatal(err)
	}
	base.Dispatch()
	// Output: connected <nil>
}

// The halves of a pair are connected to each other.
func ExampleNewPair() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	one, two, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer one.Free()
	two.SetCallbacks(func(b *bufferevent.Bufferevent) {
		text, _ := io.ReadAll(b.Input())
		fmt.Printf("%s\n", text)
		b.Free()
	}, nil, nil)
	two.Enable(event.Read)
	one.WriteString("hello")
	base.Dispatch()
	// Output: hello
}

// A filter changes what is written to upper case, on its way to the other half of
// a pair.
func ExampleNewFilter() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	near, far, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer far.Free()
	upper := func(src, dst *evbuffer.Buffer, limit int, _ bufferevent.FlushMode) error {
		p := make([]byte, src.Len())
		if limit >= 0 {
			p = p[:min(limit, len(p))]
		}
		n, err := src.Remove(p)
		if err != nil {
			return err
		}
		return dst.AddString(strings.ToUpper(string(p[:n])))
	}
	b, err := bufferevent.NewFilter(near, nil, upper, bufferevent.CloseOnFree, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Free()
	far.Enable(event.Read)
	b.WriteString("hello")
	text, _ := io.ReadAll(far.Input())
	fmt.Printf("%s\n", text)
	// Output: HELLO
}

// No more than ten bytes a tick are written, whatever is in the output.
func ExampleBufferevent_SetRateLimit() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer evutil.CloseSocket(pair[1])
	evutil.SetNonblock(pair[0])
	b, err := bufferevent.NewSocket(base, pair[0], bufferevent.CloseOnFree)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Free()
	const rate, burst = 10, 20 // bytes
	cfg, err := bufferevent.NewTokenBucketConfig(rate, burst, rate, burst, 10*time.Millisecond)
	if err != nil {
		log.Fatal(err)
	}
	if err := b.SetRateLimit(cfg); err != nil {
		log.Fatal(err)
	}
	start := time.Now()
	b.SetCallbacks(nil, func(*bufferevent.Bufferevent) { base.LoopExit(0) }, nil)
	b.WriteString(strings.Repeat("x", 55))
	base.Dispatch()
	fmt.Println(time.Since(start) > 40*time.Millisecond)
	// Output: true
}

// A goroutine reads and writes in the ordinary way, while the loop moves the data.
func ExampleNewConn() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	one, two, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}
	two.SetCallbacks(
		func(b *bufferevent.Bufferevent) { b.WriteBuffer(b.Input()) }, nil,
		func(b *bufferevent.Bufferevent, _ bufferevent.Events) { b.Free() })
	two.Enable(event.Read)

	var conn net.Conn = bufferevent.NewConn(one)
	go func() {
		defer base.LoopExit(0)
		defer conn.Close()
		fmt.Fprintln(conn, "hello")
		answer := make([]byte, 6)
		io.ReadFull(conn, answer)
		fmt.Printf("%s", answer)
	}()
	base.Loop(event.LoopNoExitOnEmpty)
	// Output: hello
}
