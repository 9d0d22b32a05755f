//go:build unix

package evutil_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSetListenIPv6Only(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Skip("no IPv6 sockets: ", err)
	}
	closeLater(t, fd)

	if err := evutil.SetListenIPv6Only(fd); err != nil {
		t.Fatal(err)
	}
	if option(t, fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY) == 0 {
		t.Error("IPV6_V6ONLY is off")
	}
	err = evutil.SetListenNotIPv6Only(fd)
	if runtime.GOOS == "openbsd" {
		if err == nil {
			t.Error("OpenBSD mixed the families")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if option(t, fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY) != 0 {
		t.Error("IPV6_V6ONLY is on")
	}
}

func TestSetListenIPv6OnlyNeedsIPv6(t *testing.T) {
	if err := evutil.SetListenIPv6Only(newSocket(t)); err == nil {
		t.Error("an IPv4 socket took IPV6_V6ONLY")
	}
}

func TestSetListenDeferredElsewhereDoesNothing(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("Linux can defer")
	}
	if err := evutil.SetListenDeferred(evutil.InvalidSocket); err != nil {
		t.Error(err)
	}
}
