package evbuffer_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestABufferIsAReader(t *testing.T) {
	const text = "the quick brown fox"
	if err := iotest.TestReader(bufferOfPieces(t, text[:5], text[5:6], text[6:]), []byte(text)); err != nil {
		t.Error(err)
	}
}

func TestReadTellsTheEnd(t *testing.T) {
	b := bufferOf(t, "ab")
	p := make([]byte, 5)
	n, err := b.Read(p)
	ok(t, err)
	want(t, "bytes", n, 2)
	_, err = b.Read(p)
	want(t, "error", err, io.EOF)
	n, err = b.Read(nil)
	ok(t, err)
	want(t, "bytes", n, 0)
}

func TestBytesOneByOne(t *testing.T) {
	var b evbuffer.Buffer
	for _, c := range []byte("abc") {
		ok(t, b.WriteByte(c))
	}
	var got []byte
	for {
		c, err := b.ReadByte()
		if err == io.EOF {
			break
		}
		ok(t, err)
		got = append(got, c)
	}
	want(t, "bytes", string(got), "abc")
}

func TestWritesAreComplete(t *testing.T) {
	var b evbuffer.Buffer
	n, err := b.Write([]byte("abc"))
	ok(t, err)
	want(t, "bytes", n, 3)
	n, err = io.WriteString(&b, "de")
	ok(t, err)
	want(t, "bytes", n, 2)
	wantContent(t, &b, "abcde")
}

func TestReadFrom(t *testing.T) {
	text := strings.Repeat("0123456789", 20000)
	readers := map[string]func(io.Reader) io.Reader{
		"all at once":       func(r io.Reader) io.Reader { return r },
		"by halves":         iotest.HalfReader,
		"data with the end": iotest.DataErrReader,
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			b := bufferOf(t, "<")
			n, err := b.ReadFrom(reader(strings.NewReader(text)))
			ok(t, err)
			want(t, "bytes", n, int64(len(text)))
			wantContent(t, b, "<"+text)
		})
	}
	b := evbuffer.New()
	n, err := b.ReadFrom(iotest.OneByteReader(strings.NewReader(text[:3000])))
	ok(t, err)
	want(t, "bytes", n, 3000)
	wantContent(t, b, text[:3000])
	if chunks(t, b) > 5 {
		t.Errorf("%d chunks", chunks(t, b))
	}
}

// idle is a reader that has nothing to give, ever.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// boastful is a reader that claims to have read more than it was given room for.
type boastful struct{}

func (boastful) Read(p []byte) (int, error) { return len(p) + 1, nil }

func TestReadFromBadReaders(t *testing.T) {
	broken := errors.New("broken")
	b := evbuffer.New()
	n, err := b.ReadFrom(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)))
	wantError(t, "broken", err, broken)
	want(t, "bytes", n, 3)
	wantContent(t, b, "abc")
	_, err = b.ReadFrom(idle{})
	wantError(t, "idle", err, io.ErrNoProgress)
	_, err = b.ReadFrom(boastful{})
	wantError(t, "boastful", err, evbuffer.ErrRange)
	wantContent(t, b, "abc")
}

// A freezer freezes a buffer while that reads from it.
type freezer struct{ b *evbuffer.Buffer }

func (f freezer) Read(p []byte) (int, error) {
	f.b.Freeze(evbuffer.Back)
	return len(p), nil
}

func TestReadFromWhileTheBufferFreezes(t *testing.T) {
	b := bufferOf(t, "x")
	n, err := b.ReadFrom(freezer{b})
	wantError(t, "frozen", err, evbuffer.ErrFrozen)
	want(t, "bytes", n, 0)
	wantContent(t, b, "x")
}

func TestWriteTo(t *testing.T) {
	var got bytes.Buffer
	b := bufferOfPieces(t, "ab", "cd", "e")
	n, err := b.WriteTo(&got)
	ok(t, err)
	want(t, "bytes", n, 5)
	want(t, "written", got.String(), "abcde")
	wantContent(t, b, "")
}

// A limited writer takes some bytes and then says why no more, if it does.
type limited struct {
	n   int
	err error
}

func (w *limited) Write(p []byte) (int, error) {
	n := min(len(p), w.n)
	w.n -= n
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestWriteToBadWriters(t *testing.T) {
	broken := errors.New("broken")
	b := bufferOfPieces(t, "ab", "cd", "e")
	n, err := b.WriteTo(&limited{3, broken})
	wantError(t, "broken", err, broken)
	want(t, "bytes", n, 3)
	wantContent(t, b, "de")
	n, err = b.WriteTo(&limited{0, nil})
	wantError(t, "silent", err, io.ErrShortWrite)
	want(t, "bytes", n, 0)
	_, err = b.WriteTo(boastfulWriter{})
	wantError(t, "boastful", err, evbuffer.ErrRange)
	wantContent(t, b, "de")
}

// boastfulWriter claims to have written more than it was given.
type boastfulWriter struct{}

func (boastfulWriter) Write(p []byte) (int, error) { return len(p) + 1, nil }

func TestIOCopyThroughBuffers(t *testing.T) {
	text := strings.Repeat("0123456789", 5000)
	a, b := bufferOf(t, text), evbuffer.New()
	n, err := io.Copy(b, a)
	ok(t, err)
	want(t, "bytes", n, int64(len(text)))
	wantContent(t, a, "")
	wantContent(t, b, text)
}
