package evtag_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// ok fails a test at once if there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// content returns a copy of what is in a buffer.
func content(t testing.TB, b *evbuffer.Buffer) []byte {
	t.Helper()
	p := make([]byte, b.Len())
	_, err := b.CopyOut(p)
	ok(t, err)
	return p
}

// bufferOf returns a buffer with these bytes.
func bufferOf(t testing.TB, p []byte) *evbuffer.Buffer {
	t.Helper()
	b := evbuffer.New()
	ok(t, b.Add(p))
	return b
}
