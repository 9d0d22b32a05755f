package datagram_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestMessagesArriveInOrderWithTheirSender(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server := listen(t, at, 0)
		client := listen(t, at, 0)
		sent := []string{"one", "", "three", strings.Repeat("4", 2000)}
		send(t, client, texts(addrOf(t, server), sent...))
		for i, m := range recv(t, server, len(sent)) {
			want(t, "data", string(m.Data), sent[i])
			want(t, "sender", m.Addr, addrOf(t, client))
			want(t, "truncated", m.Truncated, false)
		}
	})
}

func TestAnswersGoToTheirSenders(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server := listen(t, at, 0)
		first, second := listen(t, at, 0), listen(t, at, 0)
		send(t, first, texts(addrOf(t, server), "first"))
		send(t, second, texts(addrOf(t, server), "second"))
		send(t, server, recv(t, server, 2))
		want(t, "answer to the first", string(recv(t, first, 1)[0].Data), "first")
		want(t, "answer to the second", string(recv(t, second, 1)[0].Data), "second")
	})
}

func TestNothingToReceiveIsNoError(t *testing.T) {
	got, err := datagram.NewBatch(4, 10).Recv(listen(t, loopbacks[0], 0))
	ok(t, err)
	want(t, "messages", len(got), 0)
}

// A batch that is smaller than what there is takes several turns, and what one
// turn has left behind does not show in the next.
func TestBatchesAreUsedAgain(t *testing.T) {
	server := listen(t, loopbacks[0], 0)
	client := listen(t, loopbacks[0], 0)
	var sent []string
	for i := range 10 {
		sent = append(sent, strings.Repeat(fmt.Sprint(i), 1+i*7%5))
	}
	in, out := datagram.NewBatch(3, 100), datagram.NewBatch(4, 0)
	for range 3 {
		n, err := out.Send(client, texts(addrOf(t, server), sent...))
		ok(t, err)
		want(t, "messages sent", n, len(sent))
		var got []string
		for len(got) < len(sent) {
			waitReadable(t, server)
			messages, err := in.Recv(server)
			ok(t, err)
			if len(messages) > 3 {
				t.Fatalf("%d messages at a time", len(messages))
			}
			for _, m := range messages {
				got = append(got, string(m.Data))
				want(t, "sender", m.Addr, addrOf(t, client))
			}
		}
		want(t, "messages", strings.Join(got, " "), strings.Join(sent, " "))
	}
}

func TestMessagesMayBeChanged(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	b := datagram.NewBatch(2, 10)
	for range 2 {
		send(t, client, texts(addrOf(t, server), "0123456789", "abc"))
		recvBoth := 0
		for recvBoth < 2 {
			waitReadable(t, server)
			messages, err := b.Recv(server)
			ok(t, err)
			recvBoth += len(messages)
			for i := range messages {
				messages[i].Data = append(messages[i].Data[:3], "longer than the room"...)
				messages[i].Addr = netip.AddrPort{}
			}
		}
	}
}

func TestLongMessagesArriveTruncated(t *testing.T) {
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server, client := listen(t, at, 0), listen(t, at, 0)
		send(t, client, texts(addrOf(t, server), "0123456789a", "0123456789", "short"))
		b := datagram.NewBatch(1, 10)
		for _, tt := range []struct {
			data      string
			truncated bool
		}{{"0123456789", true}, {"0123456789", false}, {"short", false}} {
			waitReadable(t, server)
			got, err := b.Recv(server)
			ok(t, err)
			want(t, "messages", len(got), 1)
			want(t, "data", string(got[0].Data), tt.data)
			want(t, "truncated", got[0].Truncated, tt.truncated)
			want(t, "sender", got[0].Addr, addrOf(t, client))
		}
	})
}

// A message that cannot be sent says why, and does not stop the others.
func TestBadMessagesDoNotStopTheOthers(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	addr := addrOf(t, server)
	messages := texts(addr, "one", strings.Repeat("2", 1<<16), "three", "4", "five")
	messages[3].Addr = netip.MustParseAddrPort("[fe80::1%no such zone]:1")
	n, err := datagram.NewBatch(64, 0).Send(client, messages)
	want(t, "messages done with", n, 5)
	wantError(t, "error", err, datagram.ErrTooLong)
	want(t, "its text", err.Error(), fmt.Sprintf("datagram: send fd %d: %v", client, datagram.ErrTooLong))
	wantError(t, "error of the long message", messages[1].Err, datagram.ErrTooLong)
	if messages[3].Err == nil {
		t.Error("a message has gone to no zone")
	}
	var got []string
	for _, m := range recv(t, server, 3) {
		got = append(got, string(m.Data))
	}
	want(t, "messages", strings.Join(got, " "), "one three five")

	messages[1].Data, messages[3].Addr = []byte("2"), addr
	send(t, client, messages)
	for _, m := range messages {
		ok(t, m.Err)
	}
	recv(t, server, 5)
}

// That nobody listens is an error of one call, and of connected sockets only.
func TestRefusals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Wine does not report them")
	}
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		server := listen(t, at, 0)
		client := dial(t, addrOf(t, server))
		addr, clientAddr := addrOf(t, server), addrOf(t, client)
		ok(t, evutil.CloseSocket(server))
		send(t, client, texts(netip.AddrPort{}, "hello"))
		waitReadable(t, client)
		b := datagram.NewBatch(4, 10)
		got, err := b.Recv(client)
		want(t, "messages", len(got), 0)
		wantError(t, "error", err, datagram.ErrRefused)

		again := listen(t, addr, 0)
		send(t, again, texts(clientAddr, "answer"))
		want(t, "message after the error", string(recv(t, client, 1)[0].Data), "answer")

		free := listen(t, at, 0)
		send(t, free, texts(netip.AddrPortFrom(at.Addr(), 1), "hello"))
		got, err = b.Recv(free)
		ok(t, err)
		want(t, "messages", len(got), 0)
	})
}

func TestWhatIsNoSocket(t *testing.T) {
	b := datagram.NewBatch(4, 10)
	if got, err := b.Recv(-1); err == nil || len(got) > 0 {
		t.Errorf("received %v, %v", got, err)
	}
	messages := texts(loopbacks[0], "one", "two")
	n, err := b.Send(-1, messages)
	want(t, "messages done with", n, 2)
	if err == nil || messages[0].Err == nil || messages[1].Err == nil {
		t.Errorf("sent: %v, %v, %v", err, messages[0].Err, messages[1].Err)
	}
}

// When there is no more room, the rest of the messages stays.
func TestFullSockets(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	full := true
	hook(t, sendOps, func(call, n int) (int, error) {
		if call >= 2 && full {
			return 0, sysio.ErrAgain
		}
		return 1, nil // one message at a time
	})
	b := datagram.NewBatch(64, 0)
	messages := texts(addrOf(t, server), "one", "two", "three", "four")
	n, err := b.Send(client, messages)
	ok(t, err)
	want(t, "messages done with", n, 2)
	full = false
	n, err = b.Send(client, messages[n:])
	ok(t, err)
	want(t, "messages done with", n, 2)
	for i, m := range recv(t, server, 4) {
		want(t, "message", string(m.Data), string(messages[i].Data))
	}
}

func TestFailedCallsFailOneMessage(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	broken := errors.New("broken")
	hook(t, sendOps, func(call, n int) (int, error) {
		if call == 0 {
			return 0, broken
		}
		return n, nil
	})
	messages := texts(addrOf(t, server), "one", "two", "three", "four")
	n, err := datagram.NewBatch(64, 0).Send(client, messages)
	want(t, "messages done with", n, 4)
	wantError(t, "error", err, broken)
	wantError(t, "error of the first", messages[0].Err, broken)
	for i, m := range recv(t, server, 3) {
		ok(t, messages[i+1].Err)
		want(t, "message", string(m.Data), string(messages[i+1].Data))
	}
}

// An error between messages costs none of them.
func TestReceivingGoesOnAfterErrors(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	send(t, client, texts(addrOf(t, server), "one", "two", "three"))
	broken := errors.New("broken")
	hook(t, recvOps, func(call, n int) (int, error) {
		if call == 1 {
			return 0, broken
		}
		return 1, nil
	})
	var got []string
	failures := 0
	b := datagram.NewBatch(64, 10)
	for len(got) < 3 {
		messages, err := b.Recv(server)
		if err != nil {
			failures++
			wantError(t, "error", err, broken)
		}
		for _, m := range messages {
			got = append(got, string(m.Data))
		}
	}
	want(t, "messages", strings.Join(got, " "), "one two three")
	want(t, "failures", failures, 1)
}

func TestInterruptedCallsAreMadeAgain(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	interrupt := func(call, n int) (int, error) {
		if call < 3 {
			return 0, interrupted
		}
		return n, nil
	}
	hook(t, sendOps, interrupt)
	hook(t, recvOps, interrupt)
	send(t, client, texts(addrOf(t, server), "hello"))
	want(t, "message", string(recv(t, server, 1)[0].Data), "hello")
}

func TestLimits(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	send(t, client, texts(addrOf(t, server), "one", "two"))
	b := datagram.NewBatch(0, -1)
	want(t, "limit", b.Limit(), 1)
	for range 2 {
		waitReadable(t, server)
		got, err := b.Recv(server)
		ok(t, err)
		want(t, "messages", len(got), 1)
		want(t, "truncated", got[0].Truncated, true)
	}
}

// Large batches of large messages keep them apart.
func TestLargeMessages(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	ok(t, datagram.SetReceiveBuffer(server, 1<<20))
	ok(t, datagram.SetSendBuffer(client, 1<<20))
	const size = 9000
	var messages []datagram.Message
	for i := range 8 {
		messages = append(messages, datagram.Message{
			Data: bytes.Repeat([]byte{byte('a' + i)}, size-i),
			Addr: addrOf(t, server),
		})
	}
	send(t, client, messages)
	b := datagram.NewBatch(8, size)
	for n := 0; n < len(messages); {
		waitReadable(t, server)
		got, err := b.Recv(server)
		ok(t, err)
		for _, m := range got {
			if !bytes.Equal(m.Data, messages[n].Data) {
				t.Errorf("message %d has changed", n)
			}
			n++
		}
	}
}

// A zero batch sends one message at a time, and has no room for what arrives.
func TestZeroBatch(t *testing.T) {
	server := listen(t, loopbacks[0], 0)
	client := listen(t, loopbacks[0], 0)
	var b datagram.Batch
	n, err := b.Send(client, texts(addrOf(t, server), "one", "two"))
	ok(t, err)
	want(t, "messages sent", n, 2)
	got, err := new(datagram.Batch).Recv(server)
	ok(t, err)
	want(t, "messages received", len(got), 1)
	want(t, "bytes", len(got[0].Data), 0)
	want(t, "truncated", got[0].Truncated, true)
	want(t, "data", string(recv(t, server, 1)[0].Data), "two")
}
