package datagram_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/evutil"
)

// Sockets without checksums cannot do it, which stands for all that cannot.
func TestSegmentsRefused(t *testing.T) {
	server := listen(t, loopbacks[0], 0)
	client := dial(t, addrOf(t, server))
	ok(t, unix.SetsockoptInt(client, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1))
	out := datagram.NewBatch(8, 0)
	out.AllowSegments()
	for range 2 {
		n, err := out.Send(client, texts(addrOf(t, server), "one", "two", "six", "ten"))
		ok(t, err)
		want(t, "messages sent", n, 4)
		for i, m := range recv(t, server, 4) {
			want(t, "data", string(m.Data), []string{"one", "two", "six", "ten"}[i])
		}
	}
}

// An error is that of a message, although it went with others.
func TestSegmentsToNobody(t *testing.T) {
	server, err := datagram.Listen(loopbacks[0], 0)
	ok(t, err)
	client := dial(t, addrOf(t, server))
	ok(t, evutil.CloseSocket(server))
	out := datagram.NewBatch(8, 0)
	out.AllowSegments()
	messages := make([]datagram.Message, 4)
	for i := range messages {
		messages[i].Data = []byte("data")
	}
	n, err := out.Send(client, messages) // nobody has answered yet
	ok(t, err)
	want(t, "messages sent", n, 4)
	n, err = out.Send(client, messages)
	wantError(t, "error", err, datagram.ErrRefused)
	want(t, "messages done with", n, 4)
	wantError(t, "error of the first", messages[0].Err, datagram.ErrRefused)
}
