package datagram_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
)

// A socket that is not connected hears which of its peers refuses, and goes on.
func TestSocketHearsOfItsPeers(t *testing.T) {
	for _, at := range loopbacks {
		t.Run(at.Addr().String(), func(t *testing.T) {
			onEach(t, func(t *testing.T, base *event.Base) {
				gone, err := datagram.Listen(at, 0)
				if err != nil {
					t.Skip(err)
				}
				nobody := addrOf(t, gone)
				ok(t, evutil.CloseSocket(gone))
				server := listen(t, at, 0)
				var peer *datagram.PeerError
				s, err := datagram.ListenSocket(base, at, 0, datagram.Config{
					PeerErrors: true,
					OnMessages: func(*datagram.Socket, []datagram.Message) { t.Error("a message") },
					OnUnsent:   func(*datagram.Socket, []datagram.Message) { t.Error("an unsent message") },
					OnError: func(_ *datagram.Socket, err error) {
						wantError(t, "error", err, datagram.ErrRefused)
						errors.As(err, &peer)
					},
				})
				ok(t, err)
				defer func() { ok(t, s.Close()) }()
				ok(t, s.Enable())
				ok(t, s.Send(message(nobody, "to nobody")))
				s.Flush()
				ok(t, s.Send(message(addrOf(t, server), "to somebody")))
				s.Flush() // the system reports the refusal of the one before
				evtest.Await(t, base, "the error", func() bool { return peer != nil })
				want(t, "peer", peer.Peer, nobody)
				want(t, "reporter", peer.From, at.Addr())
				want(t, "text", peer.Error(), "datagram: peer "+nobody.String()+": connection refused")
				recv(t, server, 1)
			})
		})
	}
}

// What the loop cannot wait for is reported, and tried again.
func TestSocketThatCannotBeWaitedFor(t *testing.T) {
	base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: []string{"kqueue", "poll", "select"}, Flags: event.IgnoreEnv})
	ok(t, err)
	defer base.Free()
	failures := 0
	s, _ := newSocket(t, base, datagram.Config{
		OnError: func(_ *datagram.Socket, err error) {
			wantError(t, "error", err, unix.EPERM)
			failures++
		},
	})
	server := listen(t, loopbacks[0], 0)
	saved, err := unix.FcntlInt(uintptr(s.FD()), unix.F_DUPFD_CLOEXEC, 0)
	ok(t, err)
	defer unix.Close(saved)
	null, err := os.Open("/dev/null") // which epoll does not take
	ok(t, err)
	defer null.Close()
	ok(t, unix.Dup3(int(null.Fd()), s.FD(), unix.O_CLOEXEC))

	room := full(t)
	n, err := s.SendNow(texts(addrOf(t, server), "data"))
	ok(t, err)
	want(t, "taken", n, 1)
	want(t, "failures", failures, 1)
	want(t, "blocked", s.Blocked(), true)
	ok(t, unix.Dup3(saved, s.FD(), unix.O_CLOEXEC))
	room()
	evtest.Await(t, base, "the queue to be sent", func() bool { return s.Queued() == 0 })
	recv(t, server, 1)
}
