package evfilter_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/extra/evfilter"
)

// Two compressed streams, over halves of a pair.
func ExampleNewCompressed() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	one, other, err := bufferevent.NewPair(base, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := evfilter.NewCompressed(one, evfilter.Gzip(), bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Free()
	client, err := evfilter.NewCompressed(other, evfilter.Gzip(), bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Free()

	client.SetCallbacks(func(b *bufferevent.Bufferevent) {
		fmt.Println(b.Input().Len(), "bytes")
		base.LoopBreak()
	}, nil, nil)
	if err := client.Enable(event.Read); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Write([]byte(strings.Repeat("hello ", 1000))); err != nil {
		fmt.Println(err)
		return
	}
	if err := base.Dispatch(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 6000 bytes
}

// What passes is written as a dump. Streams are numbered in the order in which they
// were made, and times are those of the loop.
func ExampleNewTraced() {
	recorder := evfilter.NewHexRecorder(os.Stderr)
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	one, other, err := bufferevent.NewPair(base, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer other.Free()
	traced, err := evfilter.NewTraced(one, recorder, bufferevent.CloseOnFree)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer traced.Free()
	if _, err := traced.Write([]byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := base.Loop(event.LoopOnce); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(recorder.Err())
	// Output:
	// <nil>
}
