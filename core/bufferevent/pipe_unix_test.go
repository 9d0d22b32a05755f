//go:build unix

package bufferevent_test

import (
	"errors"
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
)

func TestCloseWriteOfAPipeIsUnsupported(t *testing.T) {
	base := newBase(t)
	r, w, err := os.Pipe()
	ok(t, err)
	defer r.Close()
	b, err := bufferevent.FromFile(base, w, 0)
	ok(t, err)
	write(t, b, "one ")
	wantError(t, "CloseWrite", b.CloseWrite(), errors.ErrUnsupported)
	write(t, b, "two")
	settle(t, base)
	b.Free() // ends the stream
	var got [16]byte
	n, err := r.Read(got[:])
	ok(t, err)
	want(t, "what was written", string(got[:n]), "one two")
	n, err = r.Read(got[:])
	if n != 0 || err == nil {
		t.Errorf("after Free: %d bytes, %v", n, err)
	}
}
