package evutil_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
)

func ExampleParseSockaddrPort() {
	for _, s := range []string{"192.0.2.1:80", "192.0.2.1", "[2001:db8::1]:443", "2001:db8::1", "192.0.2.1:0"} {
		ap, err := evutil.ParseSockaddrPort(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(ap.Addr(), ap.Port())
	}
	// Output:
	// 192.0.2.1 80
	// 192.0.2.1 0
	// 2001:db8::1 443
	// 2001:db8::1 0
	// evutil: parse address "192.0.2.1:0": port is not a number from 1 to 65535
}

func ExampleParseAddress() {
	for _, s := range []string{":8080", "www.example.com:https", "[::1]:80", "unix:/run/server.sock", "localhost"} {
		a, err := evutil.ParseAddress(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s host=%q service=%q path=%q\n", a.Network, a.Host, a.Service, a.Path)
	}
	// Output:
	// tcp host="" service="8080" path=""
	// tcp host="www.example.com" service="https" path=""
	// tcp host="::1" service="80" path=""
	// unix host="" service="" path="/run/server.sock"
	// evutil: parse address "localhost": missing port
}

func ExampleGetaddrinfo() {
	hints := &evutil.AddrInfoHints{
		Family:   syscall.AF_INET,
		SockType: syscall.SOCK_STREAM,
		Flags:    evutil.AIPassive,
	}
	infos, err := evutil.Getaddrinfo(context.Background(), "", "8080", hints)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, info := range infos {
		fmt.Println("listen at", info.Addr)
	}

	_, err = evutil.Getaddrinfo(context.Background(), "::1", "8080", hints)
	fmt.Println(errors.Is(err, evutil.EAIAddrFamily))
	// Output:
	// listen at 0.0.0.0:8080
	// true
}

func ExampleNotifyPipe() {
	r, w, err := evutil.NotifyPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evutil.CloseSocket(r)
	if w != r {
		defer evutil.CloseSocket(w)
	}

	// Any goroutine wakes the one that waits until r is readable.
	fmt.Println(evutil.Notify(w))
	// That one then empties the pipe before it looks for work.
	fmt.Println(evutil.DrainNotify(r))
	// Output:
	// <nil>
	// <nil>
}

func ExampleSocketError() {
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evutil.CloseSocket(pair[0])
	defer evutil.CloseSocket(pair[1])
	fmt.Println(evutil.SocketError(pair[0]))
	// Output: <nil>
}

func ExampleStrtoll() {
	value, rest, err := evutil.Strtoll(" 0x1F rest", 0)
	fmt.Printf("%d %q %v\n", value, rest, err)
	// Output: 31 " rest" <nil>
}

func ExampleMonotonicTimer() {
	timer := evutil.NewMonotonicTimer()
	if err := timer.Configure(evutil.MonotPrecise); err != nil {
		fmt.Println(err)
		return
	}
	start := timer.Now()
	fmt.Println(timer.Now()-start >= 0)
	// Output: true
}

func ExampleFormatRFC1123() {
	fmt.Println(evutil.FormatRFC1123(time.Unix(0, 0)))
	// Output: Thu, 01 Jan 1970 00:00:00 GMT
}
