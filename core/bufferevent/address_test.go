package bufferevent_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evutil"
)

func TestConnectAddress(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	port := ":" + strconv.Itoa(int(h.addr().Port()))
	for _, address := range []string{"127.0.0.1" + port, "tcp4:127.0.0.1" + port, port, "tcp4:" + port, "tcp4:localhost" + port} {
		t.Run(address, func(t *testing.T) {
			b := overFD(t, base, -1, 0)
			var d diary
			d.keep(b)
			ok(t, b.ConnectAddress(nil, address))
			d.await(t, base, "connected")
			write(t, b, "hello")
			d.await(t, base, "write")
			expectRead(t, h.accept(), "hello")
		})
	}
}

func TestConnectAddressAsksTheResolverForNames(t *testing.T) {
	base := newBase(t)
	h := newHost(t)
	port := strconv.Itoa(int(h.addr().Port()))
	r := &script{answer: []netip.AddrPort{h.addr()}}
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.ConnectAddress(r, "www.example.com:"+port))
	d.await(t, base, "connected")
	want(t, "node", r.node, "www.example.com")
	want(t, "service", r.service, port)
}

func TestConnectAddressOfUnixSocket(t *testing.T) {
	base := newBase(t)
	dir, err := os.MkdirTemp("", "bufferevent") // that of t.TempDir cannot be removed in Wine
	ok(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no Unix sockets: ", err)
	}
	defer l.Close()
	b := overFD(t, base, -1, 0)
	var d diary
	d.keep(b)
	ok(t, b.ConnectAddress(nil, "unix:"+path))
	d.await(t, base, "connected")
}

func TestConnectAddressErrors(t *testing.T) {
	base := newBase(t)
	b := overFD(t, base, -1, 0)
	first, second, err := bufferevent.NewPair(base, 0)
	ok(t, err)
	t.Cleanup(first.Free)
	t.Cleanup(second.Free)
	for _, tt := range []struct {
		name, address string
		b             *bufferevent.Bufferevent
		want          error // nil: any
	}{
		{"no port", "localhost", b, nil},
		{"port 0", "127.0.0.1:0", b, bufferevent.ErrRange},
		{"an unknown service", "localhost:no-such-service", b, evutil.EAIService},
		{"no socket below", "127.0.0.1:80", first, errors.ErrUnsupported},
		{"no socket below, Unix", "unix:/s", first, errors.ErrUnsupported},
	} {
		err := tt.b.ConnectAddress(nil, tt.address)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		} else if !strings.Contains(err.Error(), "bufferevent: connect") {
			t.Errorf("%s: %q does not name the operation", tt.name, err)
		}
	}
	want(t, "descriptor", b.FD(), evutil.InvalidSocket)
}
