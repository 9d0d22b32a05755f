package evutil_test

import (
	"errors"
	"runtime"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
)

func TestSetListenReuseAddr(t *testing.T) {
	if runtime.GOOS == "windows" {
		if err := evutil.SetListenReuseAddr(evutil.InvalidSocket); err != nil {
			t.Errorf("not a no-op on Windows: %v", err)
		}
		return
	}
	fd := newSocket(t)
	if err := evutil.SetListenReuseAddr(fd); err != nil {
		t.Fatal(err)
	}
	if option(t, fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR) == 0 {
		t.Error("SO_REUSEADDR is off")
	}
	if err := evutil.SetListenReuseAddr(evutil.InvalidSocket); !errors.Is(err, errBadDescriptor) {
		t.Errorf("bad descriptor: %v", err)
	}
}

func TestSetListenReusePortSharesPort(t *testing.T) {
	first := newSocket(t)
	err := evutil.SetListenReusePort(first)
	switch runtime.GOOS {
	case "linux", "dragonfly", "freebsd":
		if err != nil {
			t.Fatal(err)
		}
	default:
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, want %v", err, errors.ErrUnsupported)
		}
		return
	}

	bindLoopback(t, first)
	sa, err := sysio.Sockname(first)
	if err != nil {
		t.Fatal(err)
	}
	second := newSocket(t)
	if err := evutil.SetListenReusePort(second); err != nil {
		t.Fatal(err)
	}
	if err := sysio.Bind(second, sa); err != nil {
		t.Errorf("bind to the shared port: %v", err)
	}
	third := newSocket(t)
	if err := sysio.Bind(third, sa); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("bind without SO_REUSEPORT: %v, want %v", err, syscall.EADDRINUSE)
	}
	if err := evutil.SetListenReusePort(evutil.InvalidSocket); !errors.Is(err, errBadDescriptor) {
		t.Errorf("bad descriptor: %v", err)
	}
}
