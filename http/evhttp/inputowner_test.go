package evhttp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
)

// misuse tries what would keep a request from noticing that its body was taken.
func misuse(t *testing.T, b *evbuffer.Buffer) {
	t.Helper()
	if err := b.Free(); !errors.Is(err, evbuffer.ErrOwned) {
		t.Errorf("free: got error %v, want %v", err, evbuffer.ErrOwned)
	}
}

func TestTheInputOfAClientsRequestIsItsOwn(t *testing.T) {
	misuse(t, evhttp.NewRequest(nil).Input())
}

// A server that waits for a body to be taken goes on once it is.
func TestTheInputOfARequestThatWaitsIsItsOwn(t *testing.T) {
	const size = 2 << 20
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	s := evhttp.NewServer(base)
	defer s.Free()
	rests := 0
	s.HandleStream("/", func(r *evhttp.Request) {
		total, due := 0, false
		r.SetChunkCallback(func(r *evhttp.Request) {
			if r.Complete() {
				total += r.Input().Len()
				if err := r.SendReply(200, "OK", bufferOfText(fmt.Sprint(total))); err != nil {
					t.Error(err)
				}
				return
			}
			if due || r.Input().Len() < 256<<10 {
				return
			}
			due = true
			base.Post(func() { // when reading rests
				misuse(t, r.Input())
				rests++
				due = false
				total += r.Input().Len()
				if err := r.Input().Drain(r.Input().Len()); err != nil {
					t.Error(err)
				}
			})
		})
	})
	bound, err := s.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", bound.AddrPort().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answer := make(chan string, 1)
	go func() {
		fmt.Fprintf(client, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", size)
		client.Write(make([]byte, size))
		all, _ := io.ReadAll(client)
		base.Post(base.LoopBreak)
		answer <- string(all)
	}()
	if err := base.Dispatch(); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; !strings.HasSuffix(got, fmt.Sprint("\r\n\r\n", size)) || rests == 0 {
		t.Errorf("reading rested %d times; got %q", rests, got)
	}
}

func bufferOfText(s string) *evbuffer.Buffer {
	b := evbuffer.New()
	b.AddString(s)
	return b
}
