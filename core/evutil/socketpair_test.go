package evutil_test

import (
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestSocketpairIsConnected(t *testing.T) {
	leak.Check(t)
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	checkPair(t, pair)
}

func TestLoopbackPairIsConnected(t *testing.T) {
	leak.Check(t)
	pair, err := evutil.LoopbackPair()
	if err != nil {
		t.Fatal(err)
	}
	checkPair(t, pair)

	for i, fd := range pair {
		local, peer := addrOf(t, fd, sysio.Sockname), addrOf(t, pair[1-i], sysio.Peername)
		if local != peer || local.Addr() != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("end %d is at %v, which the other end calls %v", i, local, peer)
		}
	}
}

// checkPair takes the pair over.
func checkPair(t *testing.T, pair [2]int) {
	t.Helper()
	closeLater(t, pair[0], pair[1])
	buf := make([]byte, 64)
	for i, fd := range pair {
		if isInherited(t, fd) {
			t.Errorf("end %d is inherited", i)
		}
		if _, err := sysio.Drain(fd, buf); !evutil.IsRetriable(err) {
			t.Errorf("end %d: read from an empty socket: %v, want a retriable error", i, err)
		}
	}
	for i, fd := range pair {
		if err := sysio.Signal(fd); err != nil {
			t.Fatal(err)
		}
		waitForData(t, pair[1-i])
		if n, err := sysio.Drain(pair[1-i], buf); n <= 0 || err != nil {
			t.Errorf("end %d got %d bytes, %v", 1-i, n, err)
		}
	}
}

func TestSocketpairRefusesWhatItCannotConnect(t *testing.T) {
	leak.Check(t)
	for _, test := range []struct {
		name               string
		family, typ, proto int
	}{
		{"unspecified family", syscall.AF_UNSPEC, syscall.SOCK_STREAM, 0},
		{"IPv6", syscall.AF_INET6, syscall.SOCK_STREAM, 0},
		{"IPv4 raw", syscall.AF_INET, syscall.SOCK_RAW, 0},
		{"IPv4 datagram", syscall.AF_INET, syscall.SOCK_DGRAM, 0},
		{"IPv4 with a protocol", syscall.AF_INET, syscall.SOCK_STREAM, 1},
	} {
		pair, err := evutil.Socketpair(test.family, test.typ, test.proto)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			closePair(pair)
			continue
		}
		none := [2]int{evutil.InvalidSocket, evutil.InvalidSocket}
		if pair != none {
			t.Errorf("%s: %v, want %v", test.name, pair, none)
		}
		if !strings.HasPrefix(err.Error(), "evutil: socketpair family ") {
			t.Errorf("%s: %q does not name the operation", test.name, err)
		}
	}
}

func TestSocketpairOfInternetFamily(t *testing.T) {
	pair, err := evutil.Socketpair(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if runtime.GOOS == "windows" {
		if err != nil {
			t.Fatal(err)
		}
		checkPair(t, pair)
	} else if err == nil {
		closePair(pair)
		t.Error("Unix has no such pairs")
	}
}

func TestSocketpairOfDatagrams(t *testing.T) {
	pair, err := evutil.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if runtime.GOOS == "windows" {
		if err == nil {
			closePair(pair)
			t.Error("Windows has no such pairs")
		}
	} else if err != nil {
		t.Error(err)
	} else {
		checkPair(t, pair)
	}
}
