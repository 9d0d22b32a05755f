package evtest_test

import (
	"flag"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
)

// serveGreeting is a protocol: the peer sends its name, a line, within a minute, and
// is greeted.
func serveGreeting(b *bufferevent.Bufferevent) error {
	b.SetCallbacks(func(b *bufferevent.Bufferevent) {
		name, err := b.Input().ReadLine(evbuffer.EOLCRLF)
		if err != nil {
			return // the rest of the line has yet to come
		}
		fmt.Fprintf(b, "hello, %s\r\n", name)
		b.FreeWhenWritten(0)
	}, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
		switch what.Outcome() {
		case bufferevent.InputEnded, bufferevent.TimedOut:
			b.FreeWhenWritten(0)
		case bufferevent.OutputFailed, bufferevent.Failed:
			b.Free()
		}
	})
	return b.SetTimeouts(time.Minute, time.Minute)
}

// run runs tests as "go test" would, and prints whether they have passed.
func run(tests ...func(t *testing.T)) {
	verbose := flag.Lookup("test.v").Value
	defer verbose.Set(verbose.String())
	_ = verbose.Set("false") // or it would print more
	passed := true
	for _, test := range tests {
		passed = passed && testing.RunTests(func(string, string) (bool, error) { return true, nil },
			[]testing.InternalTest{{Name: "Test", F: test}})
	}
	fmt.Println("passed:", passed)
}

// What follows would be functions of a file greeting_test.go.
func Example() {
	testGreeting := func(t *testing.T) {
		base := evtest.Base(t)
		server, client := evtest.Pair(t, base)
		if err := serveGreeting(server); err != nil {
			t.Fatal(err)
		}
		for _, piece := range []string{"A", "da\r", "\n"} { // as the network may split it
			client.WriteString(piece)
			evtest.Turn(t, base)
		}
		evtest.Await(t, base, "end of the answer", func() bool { return client.ReadErr() == io.EOF })
		if answer, _ := io.ReadAll(client.Input()); string(answer) != "hello, Ada\r\n" {
			t.Errorf("the answer is %q", answer)
		}
	}
	testSilence := func(t *testing.T) {
		clock := evtest.NewClock()
		base := clock.Base(t)
		server, client := evtest.Pair(t, base)
		if err := serveGreeting(server); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Minute - 1)
		evtest.Turn(t, base)
		if client.ReadErr() != nil {
			t.Error("the server has no patience")
		}
		clock.Advance(1)
		evtest.Await(t, base, "end of the stream", func() bool { return client.ReadErr() == io.EOF })
	}
	run(testGreeting, testSilence)
	// Output: passed: true
}
