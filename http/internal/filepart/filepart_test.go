package filepart_test

import (
	"os"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/http/internal/filepart"
)

func open(t *testing.T, content string) *os.File {
	t.Helper()
	f, err := os.CreateTemp("", "filepart") // the folder of t.TempDir cannot be removed in Wine
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		os.Remove(f.Name())
	})
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAddKeepsTheFileUntilItIsSentOrDropped(t *testing.T) {
	f := open(t, "0123456789")
	var piece evbuffer.Buffer
	released := 0
	for _, start := range []int64{2, 5} {
		if err := filepart.Add(&piece, int(f.Fd()), start, 3, func() { released++ }); err != nil {
			t.Fatal(err)
		}
	}
	if piece.Len() != 6 || released != 0 {
		t.Errorf("%d bytes, released %d times", piece.Len(), released)
	}
	if err := piece.Drain(3); err != nil || released != 1 {
		t.Errorf("one part dropped: %v, released %d times", err, released)
	}
	if err := piece.Free(); err != nil || released != 2 {
		t.Errorf("all dropped: %v, released %d times", err, released)
	}
}

func TestAddToAFrozenBufferFails(t *testing.T) {
	f := open(t, "0123456789")
	var piece evbuffer.Buffer
	piece.Freeze(evbuffer.Back)
	err := filepart.Add(&piece, int(f.Fd()), 0, 3, func() { t.Error("released") })
	if err == nil || piece.Len() != 0 {
		t.Errorf("%v, %d bytes", err, piece.Len())
	}
}
