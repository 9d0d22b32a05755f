package evutil_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSetListenDeferredSetsTheOption(t *testing.T) {
	fd := newSocket(t)
	if err := evutil.SetListenDeferred(fd); err != nil {
		t.Fatal(err)
	}
	if option(t, fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT) == 0 {
		t.Error("TCP_DEFER_ACCEPT is off")
	}
	if err := evutil.SetListenDeferred(evutil.InvalidSocket); !errors.Is(err, unix.EBADF) {
		t.Errorf("bad descriptor: %v", err)
	}
}

func TestSetTCPKeepAliveSetsTimes(t *testing.T) {
	fd := newSocket(t)
	if err := evutil.SetTCPKeepAlive(fd, true, 300*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name                string
		level, option, want int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 300},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 100},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
	} {
		if got := option(t, fd, test.level, test.option); got != test.want {
			t.Errorf("%s is %d, want %d", test.name, got, test.want)
		}
	}
}

func TestSetTCPKeepAliveWithoutIdleKeepsTimes(t *testing.T) {
	fd := newSocket(t)
	before := option(t, fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
	for _, idle := range []time.Duration{0, -time.Second} {
		if err := evutil.SetTCPKeepAlive(fd, true, idle); err != nil {
			t.Fatal(err)
		}
		if option(t, fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE) != 1 {
			t.Errorf("idle %v: keep-alive is off", idle)
		}
		if got := option(t, fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE); got != before {
			t.Errorf("idle %v: TCP_KEEPIDLE went from %d to %d", idle, before, got)
		}
	}
}

func TestSetTCPKeepAliveOfUnixSocket(t *testing.T) {
	pair, err := evutil.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, pair[0], pair[1])
	if err := evutil.SetTCPKeepAlive(pair[0], true, time.Minute); err == nil {
		t.Error("a socket that is not TCP took TCP_KEEPIDLE")
	}
}
