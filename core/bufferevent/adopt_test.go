package bufferevent_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
)

// dial connects to h in the ordinary way, and returns both ends.
func (h *host) dial() (near, far net.Conn) {
	h.t.Helper()
	near, err := net.Dial(h.Addr().Network(), h.Addr().String())
	ok(h.t, err)
	return near, h.accept()
}

func TestFromConn(t *testing.T) {
	if runtime.GOOS == "windows" {
		near, _ := newHost(t).dial()
		defer near.Close()
		_, err := bufferevent.FromConn(newBase(t), near, 0)
		wantError(t, "on Windows", err, errors.ErrUnsupported)
		return
	}
	for network, address := range map[string]string{
		"tcp":  "127.0.0.1:0",
		"unix": filepath.Join(t.TempDir(), "s"),
	} {
		t.Run(network, func(t *testing.T) {
			base := newBase(t)
			near, far := listen(t, network, address).dial()
			b, err := bufferevent.FromConn(base, near, 0)
			ok(t, err)
			defer b.Free()
			_, err = near.Write([]byte("x"))
			wantError(t, "the old connection", err, net.ErrClosed)
			var d diary
			d.keep(b)
			ok(t, b.Enable(event.Read))
			write(t, b, "hello")
			d.await(t, base, "write")
			expectRead(t, far, "hello")
			_, err = far.Write([]byte("hello"))
			ok(t, err)
			d.await(t, base, "read")
			want(t, "input", take(t, b), "hello")
			b.Free()
			_, err = far.Read(make([]byte, 1))
			want(t, "the end at the other end", err, io.EOF)
		})
	}
}

func TestFromFile(t *testing.T) {
	base := newBase(t)
	r, w, err := os.Pipe()
	ok(t, err)
	defer w.Close()
	b, err := bufferevent.FromFile(base, r, 0)
	if runtime.GOOS == "windows" {
		wantError(t, "on Windows", err, errors.ErrUnsupported)
		ok(t, r.Close())
		return
	}
	ok(t, err)
	defer b.Free()
	_, err = r.Read(make([]byte, 1))
	wantError(t, "the old file", err, os.ErrClosed)
	var d diary
	d.keep(b)
	ok(t, b.Enable(event.Read))
	_, err = w.WriteString("hello")
	ok(t, err)
	d.await(t, base, "read")
	want(t, "input", take(t, b), "hello")
	ok(t, w.Close())
	d.await(t, base, "reading|EOF")
}

// What cannot be taken over is as before.
func TestFromWhatHasNoDescriptor(t *testing.T) {
	base := newBase(t)
	near, far := newHost(t).dial()
	defer near.Close()
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	for name, c := range map[string]net.Conn{"TLS": tls.Client(near, &tls.Config{}), "net.Pipe": one} {
		_, err := bufferevent.FromConn(base, c, 0)
		wantError(t, name, err, errors.ErrUnsupported)
	}
	_, err := near.Write([]byte("still open"))
	ok(t, err)
	expectRead(t, far, "still open")
	if runtime.GOOS == "windows" {
		return
	}
	_, err = bufferevent.FromConn(base, near, bufferevent.UnlockCallbacks)
	wantError(t, "bad options", err, bufferevent.ErrOptions)
	_, err = near.Write([]byte("still open"))
	ok(t, err)
	expectRead(t, far, "still open")
	closed, _ := newHost(t).dial()
	ok(t, closed.Close())
	_, err = bufferevent.FromConn(base, closed, 0)
	wantError(t, "closed connection", err, net.ErrClosed)
}
