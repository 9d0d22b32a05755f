package evutil_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestParseAddress(t *testing.T) {
	tcp := func(host, service string) evutil.Address {
		return evutil.Address{Network: "tcp", Host: host, Service: service}
	}
	for _, tt := range []struct {
		in   string
		want evutil.Address
		text string // what String returns, if that is not in
	}{
		{":8080", tcp("", "8080"), ""},
		{"localhost:8080", tcp("localhost", "8080"), ""},
		{"127.0.0.1:0", tcp("127.0.0.1", "0"), ""},
		{"[::1]:80", tcp("::1", "80"), ""},
		{"[fe80::1%eth0]:80", tcp("fe80::1%eth0", "80"), ""},
		{"www.example.com:https", tcp("www.example.com", "https"), ""},
		{":http-alt", tcp("", "http-alt"), ""},
		{"my_host.:65535", tcp("my_host.", "65535"), ""},
		{"bücher.example:80", tcp("bücher.example", "80"), ""},
		{"tcp:localhost:80", tcp("localhost", "80"), "localhost:80"},
		{"tcp:80", tcp("tcp", "80"), "tcp:tcp:80"},
		{"tcp::80", tcp("", "80"), ":80"},
		{"tcp4::80", evutil.Address{Network: "tcp4", Service: "80"}, ""},
		{"tcp6:[::]:80", evutil.Address{Network: "tcp6", Host: "::", Service: "80"}, ""},
		{"tcp:unix:80", tcp("unix", "80"), ""},
		{"unix:/run/server.sock", evutil.Address{Network: "unix", Path: "/run/server.sock"}, ""},
		{"unix:relative: 80", evutil.Address{Network: "unix", Path: "relative: 80"}, ""},
		{"unix:@abstract", evutil.Address{Network: "unix", Path: "@abstract"}, ""},
	} {
		got, err := evutil.ParseAddress(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("%q: %#v, %v, want %#v", tt.in, got, err, tt.want)
		}
		text := tt.text
		if text == "" {
			text = tt.in
		}
		if got.String() != text {
			t.Errorf("%q becomes %q", tt.in, got)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, in := range []string{
		"", ":", "8080", "localhost", "localhost:", "::1", "::1:80", "1::2:80", "[", "[]:80", "[::1", "[::1]", "[::1]:",
		"[::1]80", "[127.0.0.1]:80", "[localhost]:80", "[::1]:80:90", "host:80:90", "host:-1", "host:+80", "host:65536",
		"host: 80", "host :80", " host:80", "host:80\n", "host:80x!", "host:---", "http://host:80", "http://host/", "//host:80",
		"user@host:80", "*:80", "a,b:80", "host\x00:80", "unix:", "unix:a\x00b", "tcp4:[::1]:80", "tcp6:127.0.0.1:80", "tcp5:host:80",
		"fe80::1%eth0", "\xff\xfe:80",
	} {
		got, err := evutil.ParseAddress(in)
		if err == nil || got != (evutil.Address{}) {
			t.Errorf("%q: %#v, %v", in, got, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "evutil: parse address "+strconv.Quote(in)+": ") {
			t.Errorf("%q: %q does not name the operation", in, err)
		}
	}
}

func TestAddressAddrPort(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:80":       "127.0.0.1:80",
		"[::1]:0":            "[::1]:0",
		"tcp6:[::]:80":       "[::]:80",
		"[fe80::1%0]:80":     "[fe80::1]:80", // scope 0 is no scope
		"localhost:80":       "",
		":80":                "",
		"127.0.0.1:http":     "",
		"unix:/127.0.0.1:80": "",
	} {
		a, err := evutil.ParseAddress(in)
		if err != nil {
			t.Fatal(err)
		}
		ap, ok := a.AddrPort()
		if ok != (want != "") || ok && ap != netip.MustParseAddrPort(want) {
			t.Errorf("%q: %v, %v, want %q", in, ap, ok, want)
		}
	}
}

func TestAddressResolve(t *testing.T) {
	four, six := netip.MustParseAddrPort("127.0.0.1:80"), netip.MustParseAddrPort("[::1]:80")
	for _, tt := range []struct {
		in   string
		want []netip.AddrPort
		err  error
	}{
		{"127.0.0.1:80", []netip.AddrPort{four}, nil},
		{"127.0.0.1:http", []netip.AddrPort{four}, nil},
		{":80", []netip.AddrPort{four, six}, nil},
		{"tcp4::80", []netip.AddrPort{four}, nil},
		{"tcp6::80", []netip.AddrPort{six}, nil},
		{"127.0.0.1:no-such-service", nil, evutil.EAIService},
		{"unix:/run/server.sock", nil, syscall.EAFNOSUPPORT},
	} {
		a, err := evutil.ParseAddress(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Resolve(context.Background())
		if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("%q: %v, %v, want %v, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestAddressResolvesHostName(t *testing.T) {
	a, err := evutil.ParseAddress("tcp4:localhost:80")
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := a.Resolve(context.Background())
	if err != nil {
		t.Skip("localhost is not known here: ", err)
	}
	for _, ap := range addrs {
		if !ap.Addr().IsLoopback() || !ap.Addr().Is4() || ap.Port() != 80 {
			t.Errorf("localhost is %v", ap)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, ctx := range map[string]context.Context{"at once": ctx, "unseen by the resolver": unseen{ctx}} {
		if _, err := a.Resolve(ctx); !errors.Is(err, evutil.EAICancel) || !errors.Is(err, context.Canceled) {
			t.Errorf("a lookup that was canceled, %v: %v", name, err)
		}
	}
}

// unseen is a context whose end nobody sees who waits for it: a lookup that has its answer at
// once, from a file, may overlook the end just so.
type unseen struct{ context.Context }

func (unseen) Done() <-chan struct{} { return nil }

func TestAddressPort(t *testing.T) {
	for in, want := range map[string]uint16{":0": 0, "host:65535": 65535, "host:https": 443} {
		a, err := evutil.ParseAddress(in)
		if err != nil {
			t.Fatal(err)
		}
		if port, err := a.Port(context.Background()); err != nil || port != want {
			t.Errorf("%q: port %d, %v, want %d", in, port, err, want)
		}
	}
	a := evutil.Address{Network: "tcp", Service: "no-such-service"}
	if port, err := a.Port(context.Background()); port != 0 || !errors.Is(err, evutil.EAIService) {
		t.Errorf("%v: port %d, %v", a, port, err)
	}
}

// What was parsed is what it was, once it was written and parsed again.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{":8080", "localhost:http", "[::1]:80", "tcp4:tcp4:80", "tcp:unix:1", "unix:@a", "unix:", "::", "[fe80::1%a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := evutil.ParseAddress(s)
		if err != nil {
			return
		}
		again, err := evutil.ParseAddress(a.String())
		if err != nil || again != a {
			t.Errorf("%q is %#v; %q is %#v, %v", s, a, a, again, err)
		}
	})
}
