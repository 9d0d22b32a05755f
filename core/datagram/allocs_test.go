//go:build (linux || windows) && !race

package datagram_test

import (
	"net/netip"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestMessagesDoNotAllocate(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server, client := listen(t, at, 0), listen(t, at, 0)
		question := texts(addrOf(t, server), "one", "two", "three")
		in, out := datagram.NewBatch(len(question), 100), datagram.NewBatch(len(question), 0)
		fresh := datagram.NewBatch(1, 100)
		fresh.Recv(server)
		n := testing.AllocsPerRun(100, func() {
			out.Send(client, question)
			messages, _ := in.Recv(server)
			out.Send(server, messages)
			in.Recv(client)
			if runtime.GOOS != "windows" { // where x/sys allocates the error
				fresh.Recv(server)
			}
		})
		want(t, "allocations", n, 0)
	})
}

// An echo over two sockets on a loop costs no memory.
func TestSocketsDoNotAllocate(t *testing.T) {
	base := evtest.Base(t)
	_, addr := newSocket(t, base, datagram.Config{OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
		for _, m := range messages {
			ok(t, s.Send(m))
		}
	}})
	answers := 0
	client, _ := newSocket(t, base, datagram.Config{OnMessages: func(_ *datagram.Socket, messages []datagram.Message) {
		answers += len(messages)
	}})
	question := texts(addr, "one", "two", "three")
	n := testing.AllocsPerRun(100, func() {
		answers = 0
		for _, m := range question {
			ok(t, client.Send(m))
		}
		for answers < len(question) {
			_, err := base.Loop(event.LoopOnce)
			ok(t, err)
		}
	})
	if runtime.GOOS == "windows" {
		t.Skip("x/sys allocates the error that nothing has arrived")
	}
	want(t, "allocations", n, 0)
}

func BenchmarkEcho(b *testing.B) {
	for _, limit := range []int{1, 64} {
		b.Run(map[int]string{1: "one", 64: "many"}[limit], func(b *testing.B) { benchmarkEcho(b, limit) })
	}
}

// benchmarkEcho reports the cost of a message there and back.
func benchmarkEcho(b *testing.B, limit int) {
	server, client := listen(b, loopbacks[0], 0), listen(b, loopbacks[0], 0)
	question := texts(addrOf(b, server), make([]string, 64)...)
	for i := range question {
		question[i].Data = make([]byte, 64)
	}
	batch := datagram.NewBatch(limit, 100)
	echo := func(fd, n int) {
		for n > 0 {
			messages, _ := batch.Recv(fd)
			n -= len(messages)
			if fd == server {
				batch.Send(fd, messages)
			}
		}
	}
	b.ReportAllocs()
	for n := b.N; n > 0; n -= len(question) {
		part := question[:min(n, len(question))]
		batch.Send(client, part)
		echo(server, len(part))
		echo(client, len(part))
	}
}
