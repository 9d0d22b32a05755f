package evutil_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestSetNonblockMakesReadsReturn(t *testing.T) {
	listener := newSocket(t)
	bindLoopback(t, listener)
	if err := sysio.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	sa, err := sysio.Sockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	connector := newSocket(t)
	if err := sysio.Connect(connector, sa); err != nil {
		t.Fatal(err)
	}

	for range 2 { // the second time it is non-blocking already
		if err := evutil.SetNonblock(connector); err != nil {
			t.Fatal(err)
		}
	}
	// A blocking socket would wait here for ever.
	if _, err := sysio.Drain(connector, make([]byte, 1)); !evutil.IsRetriable(err) {
		t.Errorf("read from an empty socket: %v, want a retriable error", err)
	}
}

func TestSetCloseOnExecStopsInheritance(t *testing.T) {
	fd := newSocket(t)
	makeInherited(t, fd)
	if !isInherited(t, fd) {
		t.Fatal("the descriptor is not inherited to begin with")
	}
	for range 2 { // the second time it is close-on-exec already
		if err := evutil.SetCloseOnExec(fd); err != nil {
			t.Fatal(err)
		}
		if isInherited(t, fd) {
			t.Error("the descriptor is still inherited")
		}
	}
}

func TestCloseSocketClosesOnce(t *testing.T) {
	leak.Check(t)
	fd, err := sysio.Socket(syscall.AF_INET, sysio.Mode{Blocking: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := evutil.CloseSocket(fd); err != nil {
		t.Error(err)
	}
	if err := evutil.CloseSocket(fd); !errors.Is(err, errBadDescriptor) {
		t.Errorf("second close: %v, want %v", err, errBadDescriptor)
	}
}

func TestSocketErrorOfHealthySocketIsNil(t *testing.T) {
	if err := evutil.SocketError(newSocket(t)); err != nil {
		t.Error(err)
	}
}

func TestErrorsNameOperationAndDescriptor(t *testing.T) {
	const bad = evutil.InvalidSocket
	for _, test := range []struct {
		call string
		want string
		err  error
	}{
		{"SetNonblock", "evutil: set non-blocking fd -1: ", evutil.SetNonblock(bad)},
		{"CloseSocket", "evutil: close fd -1: ", evutil.CloseSocket(bad)},
		{"SocketError", "evutil: getsockopt SO_ERROR fd -1: ", evutil.SocketError(bad)},
		{"SetListenIPv6Only", "evutil: setsockopt IPV6_V6ONLY fd -1: ", evutil.SetListenIPv6Only(bad)},
		{"SetListenNotIPv6Only", "evutil: setsockopt IPV6_V6ONLY fd -1: ", evutil.SetListenNotIPv6Only(bad)},
		{"SetTCPKeepAlive", "evutil: setsockopt SO_KEEPALIVE fd -1: ", evutil.SetTCPKeepAlive(bad, true, time.Second)},
		{"Notify", "evutil: notify fd -1: ", evutil.Notify(bad)},
		{"DrainNotify", "evutil: drain notifications fd -1: ", evutil.DrainNotify(bad)},
	} {
		if test.err == nil {
			t.Errorf("%s: no error", test.call)
			continue
		}
		if !strings.HasPrefix(test.err.Error(), test.want) {
			t.Errorf("%s: %q, want it to begin with %q", test.call, test.err, test.want)
		}
		if !errors.Is(test.err, errBadDescriptor) {
			t.Errorf("%s: %v does not wrap %v", test.call, test.err, errBadDescriptor)
		}
	}
}

func TestSetCloseOnExecOfBadDescriptor(t *testing.T) {
	err := evutil.SetCloseOnExec(evutil.InvalidSocket - 1)
	if err == nil || !strings.HasPrefix(err.Error(), "evutil: set close-on-exec fd -2: ") {
		t.Errorf("got %v", err)
	}
}
