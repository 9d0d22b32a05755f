package datagram_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// onEach runs a test on a base of each backend that the system has.
func onEach(t *testing.T, test func(t *testing.T, base *event.Base)) {
	methods := event.SupportedMethods()
	for i, method := range methods {
		t.Run(method, func(t *testing.T) {
			base, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: methods[:i], Flags: event.IgnoreEnv})
			ok(t, err)
			defer base.Free()
			test(t, base)
		})
	}
}

// newSocket returns an enabled socket on loopback, which the test may close.
func newSocket(t testing.TB, base *event.Base, config datagram.Config) (*datagram.Socket, netip.AddrPort) {
	t.Helper()
	s, err := datagram.ListenSocket(base, loopbacks[0], 0, config)
	ok(t, err)
	t.Cleanup(func() { _ = s.Close() })
	if config.OnMessages != nil {
		ok(t, s.Enable())
	}
	addr, err := s.LocalAddr()
	ok(t, err)
	return s, addr
}

// full has the system have no room for messages until the result is called.
func full(t testing.TB) (room func()) {
	t.Helper()
	restore := sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpSendmmsg || c.Op == sysio.OpSendmsg {
			return 0, sysio.ErrAgain
		}
		return c.Len, nil
	})
	room = sync.OnceFunc(restore)
	t.Cleanup(room)
	return room
}

func message(addr netip.AddrPort, text string) datagram.Message {
	return datagram.Message{Data: []byte(text), Addr: addr}
}

// collect returns an OnMessages that adds to got.
func collect(got *[]string) func(*datagram.Socket, []datagram.Message) {
	return func(_ *datagram.Socket, messages []datagram.Message) {
		for _, m := range messages {
			*got = append(*got, string(m.Data))
		}
	}
}

// Messages go there and back, in their order, and the loop ends when both sockets
// are closed.
func TestSocketEcho(t *testing.T) {
	onEach(t, func(t *testing.T, base *event.Base) {
		const n = 100
		server, addr := newSocket(t, base, datagram.Config{OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
			for _, m := range messages {
				ok(t, s.Send(m))
			}
		}})
		got := 0
		client, err := datagram.DialSocket(base, netip.AddrPort{}, addr, 0, datagram.Config{
			OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
				for _, m := range messages {
					want(t, "message", string(m.Data), fmt.Sprint(got))
					got++
				}
				if got == n {
					ok(t, s.Close())
					ok(t, server.Close())
				}
			},
		})
		ok(t, err)
		ok(t, client.Enable())
		for i := range n {
			ok(t, client.Send(message(netip.AddrPort{}, fmt.Sprint(i))))
		}
		ok(t, base.Dispatch())
		want(t, "messages", got, n)
		want(t, "descriptor", client.FD(), evutil.InvalidSocket)
	})
}

// What is sent in an iteration leaves at its end, and what OnMessages sends when that
// returns, as soon as there are FlushAfter messages.
func TestSocketSendsManyAtATime(t *testing.T) {
	base := evtest.Base(t)
	var sizes []int
	hook(t, []sysio.Op{sysio.OpSendmmsg}, func(_, n int) (int, error) {
		sizes = append(sizes, n)
		return n, nil
	})
	var replies, at []int
	server, addr := newSocket(t, base, datagram.Config{
		FlushAfter: 2,
		OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
			for range 5 {
				ok(t, s.Send(messages[0]))
			}
			want(t, "queued", s.Queued(), 1)
			replies = append(replies, s.Queued())
			ok(t, base.Post(func() { at = append(at, s.Queued()) }))
		},
	})
	var got []string
	client, _ := newSocket(t, base, datagram.Config{OnMessages: collect(&got)})
	timer := base.NewTimer(func(*event.Event, event.What) {
		for i := range 3 {
			ok(t, client.Send(message(addr, fmt.Sprint(i))))
		}
		want(t, "queued", client.Queued(), 3)
	})
	defer timer.Free()
	ok(t, timer.AddTimeout(0))
	evtest.Await(t, base, "answers", func() bool { return len(got) == 5 && len(at) > 0 })
	want(t, "queued at the end of OnMessages", fmt.Sprint(at), "[0]")
	want(t, "order", strings.Join(got, " "), "0 0 0 0 0")
	if len(sizes) > 0 { // where the system has a call for many
		want(t, "calls", fmt.Sprint(sizes), "[3 2 2 1]")
	}
	server.Disable()
}

// Messages wait in their order while the system has no room. OnDrained comes when
// all are sent.
func TestSocketWaitsForRoom(t *testing.T) {
	onEach(t, func(t *testing.T, base *event.Base) {
		var got []string
		_, addr := newSocket(t, base, datagram.Config{OnMessages: collect(&got)})
		drained := 0
		client, _ := newSocket(t, base, datagram.Config{OnDrained: func(*datagram.Socket) { drained++ }})
		room := full(t)
		ok(t, client.Send(message(addr, "one")))
		evtest.Turn(t, base)
		want(t, "blocked", client.Blocked(), true)
		ok(t, client.Send(message(addr, "two")))
		n, err := client.SendNow(texts(addr, "three", "four"))
		ok(t, err)
		want(t, "taken", n, 2)
		client.Flush()
		evtest.Turn(t, base)
		want(t, "queued", client.Queued(), 4)
		want(t, "drained", drained, 0)
		room()
		evtest.Await(t, base, "all messages", func() bool { return len(got) == 4 })
		want(t, "order", strings.Join(got, " "), "one two three four")
		want(t, "drained", drained, 1)
		want(t, "blocked", client.Blocked(), false)
		want(t, "queued", client.Queued(), 0)
	})
}

// With PauseWhenFull, nothing is received while messages wait to be sent.
func TestSocketPausesWhenFull(t *testing.T) {
	for _, pause := range []bool{false, true} {
		t.Run(fmt.Sprintf("PauseWhenFull %t", pause), func(t *testing.T) {
			base := evtest.Base(t)
			var got []string
			s, addr := newSocket(t, base, datagram.Config{OnMessages: collect(&got), PauseWhenFull: pause})
			client := dial(t, addr)
			send(t, client, texts(netip.AddrPort{}, "question"))
			waitReadable(t, s.FD())
			room := full(t)
			ok(t, s.Send(message(addr, "to itself")))
			s.Flush()
			evtest.Turn(t, base)
			want(t, "received while full", len(got) == 0, pause)
			room()
			evtest.Await(t, base, "both messages", func() bool { return len(got) == 2 })
		})
	}
}

// The queue takes as many messages and bytes as it may have; what was taken is sent.
func TestSocketLimitsItsQueue(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config datagram.Config
	}{
		{"messages", datagram.Config{MaxQueued: 3}},
		{"bytes", datagram.Config{MaxQueuedBytes: 3 * 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := evtest.Base(t)
			var got []string
			_, addr := newSocket(t, base, datagram.Config{OnMessages: collect(&got)})
			client, _ := newSocket(t, base, tt.config)
			room := full(t)
			for range 2 {
				ok(t, client.Send(message(addr, "data")))
			}
			n, err := client.SendNow(texts(addr, "data", "more"))
			ok(t, err)
			want(t, "taken", n, 1)
			err = client.Send(message(addr, "more"))
			wantError(t, "Send", err, datagram.ErrQueueFull)
			want(t, "text", err.Error(), fmt.Sprintf("datagram: send fd %d: %v", client.FD(), datagram.ErrQueueFull))
			room()
			evtest.Await(t, base, "what was taken", func() bool { return len(got) == 3 })
			ok(t, client.Send(message(addr, "more")))
			evtest.Await(t, base, "another message", func() bool { return len(got) == 4 })
		})
	}
}

// Without a queue, SendNow takes what the system does, and OnDrained tells when there
// is room for the rest.
func TestSocketWithoutAQueue(t *testing.T) {
	base := evtest.Base(t)
	var got []string
	_, addr := newSocket(t, base, datagram.Config{OnMessages: collect(&got)})
	rest := texts(addr, "one", "two")
	client, _ := newSocket(t, base, datagram.Config{MaxQueued: -1, OnDrained: func(s *datagram.Socket) {
		n, err := s.SendNow(rest)
		ok(t, err)
		want(t, "taken", n, 2)
	}})
	wantError(t, "Send", client.Send(rest[0]), datagram.ErrQueueFull)
	room := full(t)
	n, err := client.SendNow(rest)
	ok(t, err)
	want(t, "taken", n, 0)
	room()
	evtest.Await(t, base, "the rest", func() bool { return len(got) == 2 })
}

// A message that cannot be sent does not stop the others. OnUnsent may send it again,
// once an iteration.
func TestSocketReportsUnsentMessages(t *testing.T) {
	base := evtest.Base(t)
	var got []string
	_, addr := newSocket(t, base, datagram.Config{OnMessages: collect(&got)})
	long := strings.Repeat("x", 1<<16)
	attempts := 0
	client, _ := newSocket(t, base, datagram.Config{FlushAfter: 3, OnUnsent: func(s *datagram.Socket, messages []datagram.Message) {
		want(t, "unsent messages", len(messages), 1)
		wantError(t, "error", messages[0].Err, datagram.ErrTooLong)
		want(t, "data", string(messages[0].Data) == long, true)
		if attempts++; attempts < 3 {
			ok(t, s.Send(messages[0]))
			want(t, "queued", s.Queued(), 1)
		}
	}})
	ok(t, client.Send(message(addr, "one")))
	ok(t, client.Send(message(addr, long)))
	ok(t, client.Send(message(addr, "two")))
	want(t, "attempts", attempts, 1)
	evtest.Await(t, base, "the attempts", func() bool { return len(got) == 2 && attempts == 3 })
	want(t, "order", strings.Join(got, " "), "one two")
	messages := texts(addr, "three", long, "four")
	n, err := client.SendNow(messages)
	wantError(t, "SendNow", err, datagram.ErrTooLong)
	want(t, "taken", n, 3)
	wantError(t, "error of the second", messages[1].Err, datagram.ErrTooLong)
	want(t, "attempts", attempts, 3)
	evtest.Await(t, base, "the others", func() bool { return len(got) == 4 })
}

// Close in any callback ends the socket. What is queued is still sent.
func TestSocketClosesInCallbacks(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	var s *datagram.Socket
	var received []string
	closed := 0
	close := func(t *testing.T) {
		closed++
		ok(t, s.Close())
		wantError(t, "Close again", s.Close(), datagram.ErrClosed)
		wantError(t, "Send", s.Send(datagram.Message{}), datagram.ErrClosed)
		_, err := s.SendNow(nil)
		wantError(t, "SendNow", err, datagram.ErrClosed)
		wantError(t, "Enable", s.Enable(), datagram.ErrClosed)
		_, err = s.LocalAddr()
		wantError(t, "LocalAddr", err, datagram.ErrClosed)
		s.Flush()
		s.Disable()
	}
	for _, tt := range []struct {
		name   string
		config func(t *testing.T) datagram.Config
		begin  func(t *testing.T, peer netip.AddrPort)
		want   int // messages that the peer gets
	}{
		{"OnMessages", func(t *testing.T) datagram.Config {
			return datagram.Config{OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
				ok(t, s.Send(messages[0]))
				close(t)
			}}
		}, func(*testing.T, netip.AddrPort) {}, 1},
		{"OnUnsent", func(t *testing.T) datagram.Config {
			return datagram.Config{OnUnsent: func(*datagram.Socket, []datagram.Message) { close(t) }}
		}, func(t *testing.T, peer netip.AddrPort) {
			ok(t, s.Send(message(peer, long)))
			ok(t, s.Send(message(peer, "data")))
		}, 1},
		{"OnDrained", func(t *testing.T) datagram.Config {
			return datagram.Config{OnDrained: func(*datagram.Socket) { close(t) }}
		}, func(t *testing.T, peer netip.AddrPort) { ok(t, s.Send(message(peer, "data"))) }, 1},
		{"OnError", func(t *testing.T) datagram.Config {
			hook(t, recvOps, func(call, n int) (int, error) {
				if call == 0 {
					return 0, errors.New("broken")
				}
				return n, nil
			})
			return datagram.Config{OnMessages: func(*datagram.Socket, []datagram.Message) { t.Error("a message") },
				OnError: func(*datagram.Socket, error) { close(t) }}
		}, func(*testing.T, netip.AddrPort) {}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base := evtest.Base(t)
			peer := listen(t, loopbacks[0], 0)
			received, closed = nil, 0
			var addr netip.AddrPort
			s, addr = newSocket(t, base, tt.config(t))
			send(t, peer, texts(addr, "question"))
			waitReadable(t, s.FD())
			tt.begin(t, addrOf(t, peer))
			evtest.Await(t, base, "Close", func() bool { return closed > 0 })
			evtest.Turn(t, base)
			want(t, "calls", closed, 1)
			for range tt.want {
				received = append(received, string(recv(t, peer, 1)[0].Data))
			}
			want(t, "messages", len(received), tt.want)
		})
	}
}

// A socket that was not enabled receives nothing, and one that was disabled nothing
// more. The system keeps the messages.
func TestSocketIsEnabledAndDisabled(t *testing.T) {
	onEach(t, func(t *testing.T, base *event.Base) {
		var got []string
		s, err := datagram.ListenSocket(base, loopbacks[0], 0, datagram.Config{OnMessages: collect(&got)})
		ok(t, err)
		defer func() { ok(t, s.Close()) }()
		client := dial(t, addrOf(t, s.FD()))
		send(t, client, texts(netip.AddrPort{}, "one"))
		waitReadable(t, s.FD())
		evtest.Turn(t, base)
		want(t, "received before Enable", len(got), 0)
		ok(t, s.Enable())
		ok(t, s.Enable())
		evtest.Await(t, base, "a message", func() bool { return len(got) == 1 })
		s.Disable()
		want(t, "enabled", s.Enabled(), false)
		send(t, client, texts(netip.AddrPort{}, "two"))
		waitReadable(t, s.FD())
		ok(t, base.Dispatch()) // which ends at once, as nothing is watched
		want(t, "received after Disable", len(got), 1)
		ok(t, s.Enable())
		evtest.Await(t, base, "another message", func() bool { return len(got) == 2 })
	})
}

// A socket that fails each time is left alone for a while, and tried again.
func TestSocketThatFailsEachTime(t *testing.T) {
	onEach(t, func(t *testing.T, base *event.Base) {
		broken := errors.New("broken")
		failing := true
		restore := sysio.SetHook(func(c sysio.Call) (int, error) {
			if failing && (c.Op == sysio.OpRecvmmsg || c.Op == sysio.OpRecvmsg) {
				return 0, broken
			}
			return c.Len, nil
		})
		defer restore()
		var got []string
		failures := 0
		s, addr := newSocket(t, base, datagram.Config{Rounds: 4, OnMessages: collect(&got), OnError: func(_ *datagram.Socket, err error) {
			wantError(t, "error", err, broken)
			failures++
		}})
		failing = false
		client := dial(t, addr)
		send(t, client, texts(netip.AddrPort{}, "data"))
		waitReadable(t, s.FD())
		failing = true
		evtest.Turn(t, base)
		want(t, "failures", failures, 4)
		base.EnableStats(true)
		for range 10 {
			evtest.Turn(t, base)
		}
		if n := base.Stats().Callbacks; n > 1 { // the pause may have ended
			t.Errorf("%d callbacks in a pause", n)
		}
		failing = false
		evtest.Await(t, base, "the message", func() bool { return len(got) == 1 })
		want(t, "enabled", s.Enabled(), true)
	})
}

// Rounds is how many batches are received before others have their turn.
func TestSocketLetsOthersHaveTheirTurn(t *testing.T) {
	base := evtest.Base(t)
	calls := 0
	s, addr := newSocket(t, base, datagram.Config{
		Batch: datagram.NewBatch(2, 100), Rounds: 3,
		OnMessages: func(_ *datagram.Socket, messages []datagram.Message) {
			want(t, "messages", len(messages), 2)
			calls++
		},
	})
	client := dial(t, addr)
	for range 8 {
		send(t, client, texts(netip.AddrPort{}, "data"))
	}
	waitReadable(t, s.FD())
	evtest.Turn(t, base)
	want(t, "calls", calls, 3)
	evtest.Await(t, base, "the rest", func() bool { return calls == 4 })
}

// Sockets may share a Batch, and get another one.
func TestSocketsShareABatch(t *testing.T) {
	base := evtest.Base(t)
	batch := datagram.NewBatch(4, 2)
	var got []string
	config := datagram.Config{Batch: batch, OnMessages: collect(&got)}
	one, addrOne := newSocket(t, base, config)
	_, addrTwo := newSocket(t, base, config)
	client, _ := newSocket(t, base, datagram.Config{})
	n, err := client.SendNow([]datagram.Message{message(addrOne, "abc"), message(addrTwo, "def")})
	ok(t, err)
	want(t, "sent", n, 2)
	evtest.Await(t, base, "both", func() bool { return len(got) == 2 })
	want(t, "length", len(got[0])+len(got[1]), 4) // as long as there is room
	one.SetBatch(datagram.NewBatch(4, 3))
	ok(t, client.Send(message(addrOne, "ghi")))
	evtest.Await(t, base, "another", func() bool { return len(got) == 3 })
	want(t, "message", got[2], "ghi")
}

// When OnMessages panics, what it has sent leaves all the same.
func TestSocketSendsWhenACallbackPanics(t *testing.T) {
	base := evtest.Base(t)
	s, addr := newSocket(t, base, datagram.Config{OnMessages: func(s *datagram.Socket, messages []datagram.Message) {
		ok(t, s.Send(messages[0]))
		panic("callback")
	}})
	client := dial(t, addr)
	send(t, client, texts(netip.AddrPort{}, "data"))
	func() {
		defer func() { want(t, "panic", recover(), any("callback")) }()
		for {
			_, err := base.Loop(event.LoopOnce)
			ok(t, err)
		}
	}()
	recv(t, client, 1)
	want(t, "queued", s.Queued(), 0)
}

// On a base that was freed, messages are sent at once if there is room.
func TestSocketOnAFreedBase(t *testing.T) {
	base, err := event.NewBase()
	ok(t, err)
	server := listen(t, loopbacks[0], 0)
	s, _ := newSocket(t, base, datagram.Config{OnMessages: func(*datagram.Socket, []datagram.Message) {}})
	base.Free()
	ok(t, s.Send(message(addrOf(t, server), "data")))
	recv(t, server, 1)
	room := full(t)
	wantError(t, "Send without room", s.Send(message(addrOf(t, server), "data")), event.ErrFreed)
	room()
	want(t, "queued", s.Queued(), 0)
	s.Disable()
	wantError(t, "Enable", s.Enable(), event.ErrFreed)
	ok(t, s.Close())
}

// Callbacks hold the lock.
func TestSocketTakesItsLock(t *testing.T) {
	base := evtest.Base(t)
	lock := new(mutex)
	guard := evthread.NewGuard("test", lock, nil)
	held := func() bool { return !lock.TryLock() }
	calls := map[string]bool{}
	s, addr := newSocket(t, base, datagram.Config{
		Guard:      guard,
		OnMessages: func(*datagram.Socket, []datagram.Message) { calls["OnMessages"] = held() },
		OnDrained:  func(*datagram.Socket) { calls["OnDrained"] = held() },
	})
	guard.Lock()
	ok(t, s.Send(message(addr, "to itself")))
	guard.Unlock()
	evtest.Await(t, base, "the message", func() bool { return len(calls) == 2 })
	for name, held := range calls {
		want(t, name+" holds the lock", held, true)
	}
	guard.Lock()
	room := full(t)
	ok(t, s.Send(message(addr, "to itself")))
	s.Flush()
	guard.Unlock()
	clear(calls)
	room()
	evtest.Await(t, base, "the message", func() bool { return len(calls) == 2 })
	want(t, "OnDrained holds the lock", calls["OnDrained"], true)
	guard.Lock() // it is free
	defer guard.Unlock()
}

// A mutex is an evthread.Lock.
type mutex struct{ sync.Mutex }

func (m *mutex) Lock(evthread.Mode) error   { m.Mutex.Lock(); return nil }
func (m *mutex) Unlock(evthread.Mode) error { m.Mutex.Unlock(); return nil }

func TestSocketsThatCannotBe(t *testing.T) {
	base := evtest.Base(t)
	listenOnce := func() int {
		fd, err := datagram.Listen(loopbacks[0], 0)
		ok(t, err)
		return fd // which NewSocket closes; TestMain looks
	}
	for _, tt := range []struct {
		name   string
		base   *event.Base
		fd     int
		config datagram.Config
		want   error
	}{
		{"no base", nil, listenOnce(), datagram.Config{}, event.ErrNil},
		{"rounds", base, listenOnce(), datagram.Config{Rounds: -1}, datagram.ErrConfig},
		{"flush", base, listenOnce(), datagram.Config{FlushAfter: -1}, datagram.ErrConfig},
		{"bytes", base, listenOnce(), datagram.Config{MaxQueuedBytes: -1}, datagram.ErrConfig},
	} {
		_, err := datagram.NewSocket(tt.base, tt.fd, tt.config)
		wantError(t, tt.name, err, tt.want)
	}
	if _, err := datagram.NewSocket(base, -1, datagram.Config{}); err == nil {
		t.Error("a socket without a descriptor")
	}
	if _, err := datagram.ListenSocket(base, netip.AddrPort{}, 0, datagram.Config{}); err == nil {
		t.Error("a socket without an address")
	}
	if _, err := datagram.DialSocket(base, netip.AddrPort{}, netip.AddrPort{}, 0, datagram.Config{}); err == nil {
		t.Error("a socket without a peer")
	}
	s, err := datagram.NewSocket(base, listenOnce(), datagram.Config{})
	ok(t, err)
	want(t, "base", s.Base(), base)
	wantError(t, "Enable without OnMessages", s.Enable(), event.ErrNil)
	ok(t, s.Close())
}
