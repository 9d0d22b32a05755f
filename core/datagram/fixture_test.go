package datagram_test

import (
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// patience is how long tests wait for what must happen. Only tests that fail
// wait that long.
const patience = time.Minute

// loopbacks are the addresses that most tests run at.
var loopbacks = []netip.AddrPort{
	netip.MustParseAddrPort("127.0.0.1:0"),
	netip.MustParseAddrPort("[::1]:0"),
}

// TestMain fails if the tests leave descriptors open, where the system can tell.
func TestMain(m *testing.M) { os.Exit(evtest.Run(m)) }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// atEach runs a test at each of the loopback addresses that the host has.
func atEach(t *testing.T, test func(t *testing.T, at netip.AddrPort)) {
	for _, at := range loopbacks {
		t.Run(at.Addr().String(), func(t *testing.T) {
			fd, err := datagram.Listen(at, 0)
			if err != nil {
				t.Skip(err)
			}
			ok(t, evutil.CloseSocket(fd))
			test(t, at)
		})
	}
}

// listen makes a socket for the time of the test.
func listen(t testing.TB, at netip.AddrPort, flags datagram.Flag) int {
	t.Helper()
	fd, err := datagram.Listen(at, flags)
	ok(t, err)
	t.Cleanup(func() { evutil.CloseSocket(fd) })
	return fd
}

// dial makes a connected socket for the time of the test.
func dial(t testing.TB, remote netip.AddrPort) int {
	t.Helper()
	fd, err := datagram.Dial(netip.AddrPort{}, remote, 0)
	ok(t, err)
	t.Cleanup(func() { evutil.CloseSocket(fd) })
	return fd
}

func addrOf(t testing.TB, fd int) netip.AddrPort {
	t.Helper()
	addr, err := datagram.LocalAddr(fd)
	ok(t, err)
	return addr
}

// texts makes messages of texts, to addr.
func texts(addr netip.AddrPort, data ...string) []datagram.Message {
	var messages []datagram.Message
	for _, s := range data {
		messages = append(messages, datagram.Message{Data: []byte(s), Addr: addr})
	}
	return messages
}

// send sends all messages, none of which may fail.
func send(t testing.TB, fd int, messages []datagram.Message) {
	t.Helper()
	n, err := datagram.NewBatch(64, 0).Send(fd, messages)
	ok(t, err)
	want(t, "messages sent", n, len(messages))
}

// recv waits until n messages have arrived.
func recv(t testing.TB, fd, n int) []datagram.Message {
	t.Helper()
	var got []datagram.Message
	for len(got) < n {
		waitReadable(t, fd)
		messages, err := datagram.NewBatch(64, 2048).Recv(fd)
		ok(t, err)
		got = append(got, messages...)
	}
	want(t, "messages", len(got), n)
	return got
}

// waitReadable waits until there is something to receive, an error included.
func waitReadable(t testing.TB, fd int) {
	t.Helper()
	b, err := event.NewBase()
	ok(t, err)
	defer b.Free()
	readable, err := b.NewEvent(fd, event.Read, func(_ *event.Event, what event.What) {
		if what&event.Timeout != 0 {
			t.Fatal("nothing has arrived")
		}
	})
	ok(t, err)
	ok(t, readable.AddTimeout(patience))
	ok(t, b.Dispatch())
}

// hook has calls of one kind, the first of which is number 0, decided by decide
// for the time of the test.
func hook(t testing.TB, ops []sysio.Op, decide func(call, n int) (int, error)) {
	calls := 0
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		for _, op := range ops {
			if c.Op == op {
				calls++
				return decide(calls-1, c.Len)
			}
		}
		return c.Len, nil
	}))
}

var (
	recvOps = []sysio.Op{sysio.OpRecvmmsg, sysio.OpRecvmsg}
	sendOps = []sysio.Op{sysio.OpSendmmsg, sysio.OpSendmsg}
)
