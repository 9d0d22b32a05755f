package evbuffer_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A writeFunc is a writer.
type writeFunc func(p []byte) (int, error)

func (f writeFunc) Write(p []byte) (int, error) { return f(p) }

// A readFunc is a reader.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// handouts are the ways to get at the memory of a buffer.
var handouts = []struct {
	name string
	get  func(b *evbuffer.Buffer) (slices [][]byte, err error)
}{
	{"Peek", func(b *evbuffer.Buffer) ([][]byte, error) {
		vecs := make([][]byte, 50)
		n, err := b.Peek(-1, nil, vecs)
		return vecs[:n], err
	}},
	{"Peek from the middle", func(b *evbuffer.Buffer) ([][]byte, error) {
		var at evbuffer.Ptr
		if err := b.SetPtr(&at, b.Len()/2, evbuffer.PtrSet); err != nil {
			return nil, err
		}
		vecs := make([][]byte, 50)
		n, err := b.Peek(b.Len(), &at, vecs)
		return vecs[:n], err
	}},
	{"Pullup of a byte", func(b *evbuffer.Buffer) ([][]byte, error) {
		p, err := b.Pullup(1)
		return [][]byte{p}, err
	}},
	{"Pullup of all", func(b *evbuffer.Buffer) ([][]byte, error) {
		p, err := b.Pullup(-1)
		return [][]byte{p}, err
	}},
	{"Reserve", func(b *evbuffer.Buffer) ([][]byte, error) {
		vecs := make([][]byte, 2)
		n, err := b.Reserve(3000, vecs)
		return vecs[:n], err
	}},
	{"WriteTo", func(b *evbuffer.Buffer) (slices [][]byte, err error) {
		_, err = b.WriteTo(writeFunc(func(p []byte) (int, error) {
			slices = append(slices, p)
			return len(p), nil
		}))
		return slices, err
	}},
	{"ReadFrom", func(b *evbuffer.Buffer) (slices [][]byte, err error) {
		_, err = b.ReadFrom(readFunc(func(p []byte) (int, error) {
			slices = append(slices, p)
			return 0, io.EOF
		}))
		return slices, err
	}},
}

// Who appends to a slice of a buffer's memory gets other memory for that, and
// does not write to what is behind it: data that comes later, or somebody else's.
func TestMemoryIsHandedOutWithoutCapacityBeyondIt(t *testing.T) {
	contents := map[string]func(b *evbuffer.Buffer) error{
		"a little":                func(b *evbuffer.Buffer) error { return b.AddString("abc") },
		"several chunks":          func(b *evbuffer.Buffer) error { return b.AddString(strings.Repeat("abc", 50000)) },
		"the caller's own memory": func(b *evbuffer.Buffer) error { return b.AddReference([]byte("abcdef")[:3], nil) },
		"what is shared": func(b *evbuffer.Buffer) error {
			src := evbuffer.New()
			if err := src.AddString(strings.Repeat("abc", 20000)); err != nil {
				return err
			}
			_, err := src.RemoveBuffer(b, 50000)
			return err
		},
		"what was partly taken": func(b *evbuffer.Buffer) error {
			if err := b.AddString("abc"); err != nil {
				return err
			}
			return b.Drain(1)
		},
	}
	for content, add := range contents {
		for _, h := range handouts {
			t.Run(fmt.Sprint(h.name, " of ", content), func(t *testing.T) {
				b := evbuffer.New()
				if err := add(b); err != nil {
					t.Fatal(err)
				}
				slices, err := h.get(b)
				if err != nil || len(slices) == 0 {
					t.Fatalf("got %d slices, %v", len(slices), err)
				}
				for i, p := range slices {
					if cap(p) != len(p) {
						t.Errorf("slice %d of %d has %d bytes and capacity for %d", i, len(slices), len(p), cap(p))
					}
				}
			})
		}
	}
}

// w gets to see memory of the buffer, which must stay what it is meanwhile.
func TestWritersCannotChangeTheBufferTheyAreFedFrom(t *testing.T) {
	tests := []struct {
		name   string
		change func(b *evbuffer.Buffer) error
	}{
		{"drain", func(b *evbuffer.Buffer) error { return b.Drain(1) }},
		{"add", func(b *evbuffer.Buffer) error { return b.AddString("x") }},
		{"prepend", func(b *evbuffer.Buffer) error { return b.Prepend([]byte("x")) }},
		{"move", func(b *evbuffer.Buffer) error { return evbuffer.New().AddBuffer(b) }},
		{"write", func(b *evbuffer.Buffer) error { _, err := b.WriteTo(io.Discard); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := evbuffer.New()
			if err := b.AddString("abc"); err != nil {
				t.Fatal(err)
			}
			_, err := b.WriteTo(writeFunc(func(p []byte) (int, error) {
				if tt.change(b) == nil {
					t.Error("the buffer has changed")
				}
				if string(p) != "abc" {
					t.Errorf("got %q", p)
				}
				return 1, io.ErrClosedPipe
			}))
			if err != io.ErrClosedPipe {
				t.Error(err)
			}
			if err := b.AddString("d"); err != nil {
				t.Errorf("it remains frozen: %v", err)
			}
			if p, err := b.Pullup(-1); string(p) != "bcd" || err != nil {
				t.Errorf("left: %q, %v", p, err)
			}
		})
	}
}

// A writer that frees the buffer still has what it was given.
func TestWritersMayFreeTheBufferTheyAreFedFrom(t *testing.T) {
	data := bytes.Repeat([]byte("abc"), 100)
	contents := map[string]func(b *evbuffer.Buffer, cleanup evbuffer.RefCleanup) error{
		"its own memory": func(b *evbuffer.Buffer, _ evbuffer.RefCleanup) error { return b.Add(data) },
		"a reference": func(b *evbuffer.Buffer, cleanup evbuffer.RefCleanup) error {
			return b.AddReference(bytes.Clone(data), cleanup)
		},
	}
	for name, add := range contents {
		t.Run(name, func(t *testing.T) {
			b := evbuffer.New()
			if err := add(b, func(p []byte) { clear(p) }); err != nil {
				t.Fatal(err)
			}
			_, err := b.WriteTo(writeFunc(func(p []byte) (int, error) {
				b.Free()
				for range 10 { // takes the memory, if it can be had
					other := evbuffer.New()
					if err := other.AddString(strings.Repeat("z", len(p))); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(p, data) {
					t.Error("the memory went to another buffer")
				}
				return len(p), nil
			}))
			if err != nil || b.Len() > 0 {
				t.Errorf("%d bytes, %v", b.Len(), err)
			}
		})
	}
}
