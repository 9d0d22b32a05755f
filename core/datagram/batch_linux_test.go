package datagram_test

import (
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/datagram"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// count counts the system calls of sysio for the time of the test.
func count(t testing.TB) map[sysio.Op]int {
	calls := map[sysio.Op]int{}
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		calls[c.Op]++
		return c.Len, nil
	}))
	return calls
}

func TestABatchCostsOneSystemCall(t *testing.T) {
	server, client := listen(t, loopbacks[0], 0), listen(t, loopbacks[0], 0)
	messages := texts(addrOf(t, server), make([]string, 32)...)
	calls := count(t)
	b := datagram.NewBatch(32, 10)
	n, err := b.Send(client, messages)
	ok(t, err)
	want(t, "messages sent", n, 32)
	got, err := b.Recv(server)
	ok(t, err)
	want(t, "messages received", len(got), 32)
	want(t, "system calls", len(calls), 2)
	want(t, "for sending", calls[sysio.OpSendmmsg], 1)
	want(t, "for receiving", calls[sysio.OpRecvmmsg], 1)
}

// A kernel or a sandbox that does not have the calls for many messages is asked
// for them only once.
func TestWithoutTheCallsForManyMessages(t *testing.T) {
	refusals := 0
	t.Cleanup(sysio.SetHook(func(c sysio.Call) (int, error) {
		if c.Op == sysio.OpRecvmmsg || c.Op == sysio.OpSendmmsg {
			refusals++
			return 0, unix.ENOSYS
		}
		return c.Len, nil
	}))
	atEach(t, func(t *testing.T, at netip.AddrPort) {
		refusals = 0
		server, client := listen(t, at, 0), listen(t, at, 0)
		ok(t, datagram.TellLocal(server))
		in, out := datagram.NewBatch(4, 10), datagram.NewBatch(4, 0)
		for range 3 {
			sent := []string{"one", "two", "0123456789a", "four", "five"}
			n, err := out.Send(client, texts(addrOf(t, server), sent...))
			ok(t, err)
			want(t, "messages sent", n, len(sent))
			for _, expected := range [][]string{sent[:4], sent[4:]} {
				got, err := in.Recv(server)
				ok(t, err)
				want(t, "messages", len(got), len(expected))
				for i, m := range got {
					want(t, "data", string(m.Data), expected[i][:min(len(expected[i]), 10)])
					want(t, "truncated", m.Truncated, len(expected[i]) > 10)
					want(t, "sender", m.Addr, addrOf(t, client))
					want(t, "local address", m.Local, at.Addr())
				}
			}
		}
		want(t, "refusals", refusals, 2)
	})
}
