package pthreads_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/pthreads"
)

func TestZeroGroupIsStopped(t *testing.T) {
	var g pthreads.Group
	if _, err := g.Listen("127.0.0.1:0", func(*event.Base, int, netip.AddrPort) {}); !errors.Is(err, pthreads.ErrStopped) {
		t.Errorf("Listen: %v", err)
	}
	if g.Len() != 0 || g.Next() != nil {
		t.Errorf("it has %d loops, next %v", g.Len(), g.Next())
	}
	ok(t, g.Stop(t.Context()))
	ok(t, g.Wait())
}

func TestListenRefusesANilFunction(t *testing.T) {
	g := newGroup(t, &pthreads.GroupConfig{Loops: 1})
	for _, address := range []string{"127.0.0.1:0", "unix:s"} {
		if _, err := g.Listen(address, nil); !errors.Is(err, event.ErrNil) {
			t.Errorf("Listen at %s: %v", address, err)
		}
	}
	stop(t, g)
}

func TestConditionRefusesWhatIsNoLockOfIts(t *testing.T) {
	forgetHooks(t)
	ok(t, pthreads.Use())
	c, err := evthread.NewCond()
	ok(t, err)
	if _, err := c.Wait(nil, -1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("wait with no lock: %v", err)
	}
	c.Signal(true)
	evthread.FreeCond(c)
}
