package simnet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-libevent/libevent/core/internal/poller"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

// inNetwork runs test in a network with one host, whose calls are those of the test.
func inNetwork(t *testing.T, test func(t *testing.T, n *Network)) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		n.AddHost("host").In(func() { test(t, n) })
	})
}

func TestAPairCarriesBytes(t *testing.T) {
	inNetwork(t, func(t *testing.T, n *Network) {
		pair, err := sysio.LoopbackPair()
		if err != nil {
			t.Fatal(err)
		}
		p, err := poller.Methods()[0].Open(poller.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.Update(pair[1], 0, poller.Read); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		ready, _, err := p.Wait(poller.Deadline(poller.Monotonic()+int64(time.Second)), nil)
		if err != nil || len(ready) != 0 || time.Since(start) != time.Second {
			t.Errorf("ready %v after %v: %v", ready, time.Since(start), err)
		}
		if _, err := sysio.Send(pair[0], [][]byte{[]byte("hello")}); err != nil {
			t.Fatal(err)
		}
		ready, _, err = p.Wait(poller.Never, nil)
		if err != nil || len(ready) != 1 || ready[0] != (poller.Event{FD: pair[1], Ready: poller.Read}) {
			t.Errorf("ready: %v, %v", ready, err)
		}
		t.Logf("\n%s", n.Last(100))
	})
}

// A reset that takes what has arrived takes the end behind it, too.
func TestAResetThatTakesDataLeavesNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		defer n.Close()
		n.SetFaults(Faults{Latency: time.Millisecond, ResetDropsData: true})
		s := connected(t, n, n.AddHost("from"), n.AddHost("to"))
		other := s.out.to
		do := func(fn func()) {
			n.mu.Lock()
			fn()
			n.schedule.wake()
			n.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
		do(func() { s.out.push([]byte("data")); s.end() })
		do(s.reset)
		do(func() {
			if p, err := other.receive(100); len(p) > 0 || err != sysio.ErrReset {
				t.Errorf("received %q, error %v", p, err)
			}
		})
	})
}
