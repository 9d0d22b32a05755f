package evbuffer_test

import (
	"bytes"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// mustCheck fails the test if there is something wrong with a buffer.
func mustCheck(t testing.TB, buffers ...*evbuffer.Buffer) {
	t.Helper()
	for i, b := range buffers {
		if err := evbuffer.Check(b); err != nil {
			t.Fatalf("buffer %d: %v", i, err)
		}
	}
}

// content returns a copy of all that is in b, without changing it.
func content(t testing.TB, b *evbuffer.Buffer) []byte {
	t.Helper()
	n, err := b.Peek(-1, nil, nil)
	ok(t, err)
	vecs := make([][]byte, n)
	_, err = b.Peek(-1, nil, vecs)
	ok(t, err)
	return bytes.Join(vecs, nil)
}

// wantContent fails the test unless b is well-formed and has this content.
func wantContent(t testing.TB, b *evbuffer.Buffer, want string) {
	t.Helper()
	mustCheck(t, b)
	if got := content(t, b); string(got) != want {
		t.Fatalf("buffer has %.100q (%d bytes), want %.100q (%d bytes)", got, len(got), want, len(want))
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
