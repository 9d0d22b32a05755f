package bridge_test

import (
	"bufio"
	"fmt"
	"io"
	"log"

	"github.com/go-libevent/libevent/core/bridge"
	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

// Lines that arrive on a stream are read by a goroutine, which may take its time: the
// stream is not read while too much waits.
func ExampleReader() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	stream, peer, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}

	var lines bridge.Reader
	ended := false // the peer has sent everything
	move := func() {
		more := lines.Put(stream.Input())
		switch {
		case ended && more:
			lines.End(io.EOF)
		case !more:
			stream.Disable(event.Read)
		case stream.Enable(event.Read) != nil:
			lines.End(io.ErrUnexpectedEOF)
		}
	}
	lines.Init(base, bridge.Config{High: 16, Ready: move})
	stream.SetCallbacks(
		func(*bufferevent.Bufferevent) { move() }, nil,
		func(_ *bufferevent.Bufferevent, what bufferevent.Events) { ended = true; move() })
	move()

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer base.LoopExit(0)
		for in := bufio.NewScanner(&lines); in.Scan(); {
			fmt.Println(in.Text())
		}
	}()
	peer.WriteString("one\ntwo\nthree\n")
	peer.Flush(event.Write, bufferevent.ModeFinished)
	base.Loop(event.LoopNoExitOnEmpty)
	<-done
	// Output:
	// one
	// two
	// three
}

// What a goroutine writes goes out on a stream, as fast as its peer takes it.
func ExampleWriter() {
	base, err := event.NewBase()
	if err != nil {
		log.Fatal(err)
	}
	defer base.Free()
	stream, peer, err := bufferevent.NewPair(base, 0)
	if err != nil {
		log.Fatal(err)
	}

	var out bridge.Writer
	sending := 0 // bytes that were taken, and are in the output of the stream
	out.Init(base, bridge.Config{Ready: func() {
		n, err := out.Take(stream.Output())
		sending += n
		if err == io.EOF {
			stream.FreeWhenWritten(0)
		}
	}})
	stream.SetCallbacks(nil, func(*bufferevent.Bufferevent) { // everything has gone
		out.Ack(sending)
		sending = 0
	}, nil)

	go func() {
		fmt.Fprintf(&out, "%d bottles of beer", 99)
		out.Close()
	}()
	var got evbuffer.Buffer
	peer.SetCallbacks(
		func(*bufferevent.Bufferevent) { got.AddBuffer(peer.Input()) }, nil,
		func(*bufferevent.Bufferevent, bufferevent.Events) { base.LoopExit(0) })
	peer.Enable(event.Read)
	base.Loop(event.LoopNoExitOnEmpty)
	all, err := io.ReadAll(&got)
	fmt.Printf("%s %v\n", all, err)
	// Output: 99 bottles of beer <nil>
}
