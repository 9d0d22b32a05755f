package evhttp

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// bufferOf returns a buffer with s.
func bufferOf(s string) *evbuffer.Buffer {
	b := evbuffer.New()
	b.AddString(s)
	return b
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func wantSame(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got\n%q, want\n%q", what, got, want)
	}
}

func wantPart(t testing.TB, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q has no %q", what, got, want)
	}
}
