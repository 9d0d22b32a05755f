package listener_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
)

// listen makes a listener for an address that is freed at the end of the test.
func listen(t testing.TB, b *event.Base, address string, flags listener.Flag) *listener.Listener {
	t.Helper()
	l, err := listener.Listen(b, address, flags|listener.CloseOnFree, listener.DefaultBacklog, closeAfter(1))
	ok(t, err)
	t.Cleanup(l.Free)
	return l
}

// reachable reports whether somebody listens at a port of an IP address.
func reachable(t testing.TB, host string, port uint16) bool {
	t.Helper()
	addr := netip.AddrPortFrom(netip.MustParseAddr(host), port)
	c, err := net.DialTimeout("tcp", addr.String(), patience)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func hasIPv6(t testing.TB) bool {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

func TestListenTakesAddressesAsPeopleWriteThem(t *testing.T) {
	six := hasIPv6(t)
	both := six && runtime.GOOS != "openbsd"
	for _, tt := range []struct {
		address    string
		flags      listener.Flag
		ipv4, ipv6 bool
	}{
		{":0", 0, true, both},
		{":0", listener.BindIPv4AndIPv6, true, both},
		{":0", listener.BindIPv6Only, false, six},
		{"tcp4::0", 0, true, false},
		{"tcp6::0", 0, false, six},
		{"0.0.0.0:0", 0, true, false},
		{"[::]:0", 0, both, six},
		{"tcp6:[::]:0", 0, false, six},
		{"127.0.0.1:0", 0, true, false},
		{"[::1]:0", 0, false, six},
	} {
		t.Run(tt.address, func(t *testing.T) {
			if !tt.ipv4 && !tt.ipv6 {
				t.Skip("no IPv6")
			}
			l := listen(t, evtest.Base(t), tt.address, tt.flags)
			works(t, l)
			port := l.AddrPort().Port()
			want(t, "reachable over IPv4", reachable(t, "127.0.0.1", port), tt.ipv4)
			want(t, "reachable over IPv6", reachable(t, "::1", port), tt.ipv6)
		})
	}
}

func TestListenAtHostNamePrefersIPv4(t *testing.T) {
	l := listen(t, evtest.Base(t), "localhost:0", 0)
	if !l.AddrPort().Addr().Is4() {
		t.Errorf("listening at %v", l.Addr())
	}
	works(t, l)
}

func TestListenAtUnixSocket(t *testing.T) {
	path := unixPath(t)
	l := listen(t, evtest.Base(t), "unix:"+path, 0)
	want(t, "address", l.Addr().String(), path)
	works(t, l)
	l.Free()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's file: %v", err)
	}
}

func TestListenErrors(t *testing.T) {
	evtest.Leaks(t)
	b := evtest.Base(t)
	taken := listen(t, b, ":0", listener.Disabled)
	port := ":" + strconv.Itoa(int(taken.AddrPort().Port()))
	for _, tt := range []struct {
		name, address string
		flags         listener.Flag
		want          error // nil: any
	}{
		{"no address", "8080", 0, nil},
		{"an address in use", "0.0.0.0" + port, 0, listener.ErrAddrInUse},
		{"a port in use", port, 0, listener.ErrAddrInUse},
		{"an unknown service", ":no-such-service", 0, evutil.EAIService},
		{"an unknown service of a host", "127.0.0.1:no-such-service", 0, evutil.EAIService},
		{"another family than the network's", "tcp4::0", listener.BindIPv6Only, listener.ErrFlag},
		{"a flag that contradicts the network", "tcp6::0", listener.BindIPv4AndIPv6, listener.ErrFlag},
		{"a flag that does not exist", ":0", 1 << 15, listener.ErrFlag},
		{"an address of another machine", "192.0.2.1:0", 0, nil},
		{"a flag for TCP", "unix:s", listener.DeferredAccept, listener.ErrFlag},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := listener.Listen(b, tt.address, tt.flags|listener.CloseOnFree, -1, closeAfter(1))
			if l != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, %v, want %v", l, err, tt.want)
			}
			if err == nil {
				return
			}
			text := err.Error()
			if !strings.HasPrefix(text, "listener: ") || strings.Count(text, tt.address) != 1 {
				t.Errorf("%q, want it to name the package and the address once", text)
			}
		})
	}
}
