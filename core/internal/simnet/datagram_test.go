package simnet

import (
	"bytes"
	"math/bits"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/sysio"
)

// sentBetweenHosts returns the messages that arrive at one host of those that another
// has sent.
func sentBetweenHosts(t *testing.T, f Faults, messages ...string) (arrived []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		n.SetFaults(f)
		a, b := n.AddHost("a"), n.AddHost("b")
		var from, to int
		a.In(func() { from = messageSocket(t, a.Addr()) })
		b.In(func() { to = messageSocket(t, b.Addr()) })
		defer sysio.CloseSocket(from)
		defer sysio.CloseSocket(to)
		sa, err := sysio.Sockname(to)
		if err != nil {
			t.Fatal(err)
		}
		if err := sysio.Connect(from, sa); err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if _, err := sysio.Send(from, [][]byte{[]byte(m)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for {
			p := make([]byte, 100)
			k, err := sysio.Recv(to, [][]byte{p})
			if err != nil {
				return
			}
			arrived = append(arrived, string(p[:k]))
		}
	})
	return arrived
}

func messageSocket(t *testing.T, addr netip.Addr) int {
	t.Helper()
	fd, err := sysio.DatagramSocket(syscall.AF_INET, sysio.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	sa, err := sysio.AddrPortToSockaddr(netip.AddrPortFrom(addr, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := sysio.Bind(fd, sa); err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestWhatHappensToMessages(t *testing.T) {
	sent := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
	for _, tt := range []struct {
		name   string
		faults Faults
		check  func(got []string) bool
	}{
		{"nothing", Faults{}, func(got []string) bool { return slices.Equal(got, sent) }},
		{"all are lost", Faults{Lose: 1}, func(got []string) bool { return len(got) == 0 }},
		{"some are lost", Faults{Lose: 0.5}, func(got []string) bool {
			return len(got) > 0 && len(got) < len(sent) && slices.IsSorted(got)
		}},
		{"all are duplicated", Faults{Duplicate: 1}, func(got []string) bool {
			return len(got) == 2*len(sent) && slices.Equal(slices.Compact(got), sent)
		}},
		{"they come in another order", Faults{Reorder: 1}, func(got []string) bool {
			return !slices.Equal(got, sent) && slices.Equal(slices.Sorted(slices.Values(got)), sent)
		}},
		{"one bit of each is another", Faults{Corrupt: 1}, func(got []string) bool {
			return slices.EqualFunc(got, sent, func(g, s string) bool {
				return len(g) == 1 && bits.OnesCount8(g[0]^s[0]) == 1
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sentBetweenHosts(t, tt.faults, sent...); !tt.check(got) {
				t.Errorf("arrived: %q", got)
			}
		})
	}
}

// The sender's memory is the sender's again when the call returns.
func TestMessagesAreCopied(t *testing.T) {
	inNetwork(t, func(t *testing.T, _ *Network) {
		pair, err := sysio.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		p := []byte("before")
		if _, err := sysio.Send(pair[0], [][]byte{p}); err != nil {
			t.Fatal(err)
		}
		copy(p, "after!")
		got := make([]byte, 10)
		n, err := sysio.Recv(pair[1], [][]byte{got})
		if err != nil || !bytes.Equal(got[:n], []byte("before")) {
			t.Errorf("received %q, %v", got[:n], err)
		}
		for _, fd := range pair {
			sysio.CloseSocket(fd)
		}
	})
}
