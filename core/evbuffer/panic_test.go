package evbuffer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// panics reports whether fn panics.
func panics(fn func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	fn()
	return false
}

// poison fills the memory that pools give out. If some of that is in a buffer,
// its content is another one then.
func poison(t *testing.T) {
	t.Helper()
	var others [40]evbuffer.Buffer
	for i := range others {
		for _, size := range []int{1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16} {
			if err := others[i].Add(bytes.Repeat([]byte{0xee}, size)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A change is something that calls callbacks and works with memory.
var changes = []struct {
	name string
	do   func(b *evbuffer.Buffer) error
}{
	{"ReadFrom much", func(b *evbuffer.Buffer) error {
		_, err := b.ReadFrom(strings.NewReader(strings.Repeat("read", 30<<10)))
		return err
	}},
	{"ReadFrom little", func(b *evbuffer.Buffer) error {
		_, err := b.ReadFrom(strings.NewReader("read"))
		return err
	}},
	{"ReadFrom with a reader that panics", func(b *evbuffer.Buffer) error {
		_, err := b.ReadFrom(io.MultiReader(strings.NewReader(strings.Repeat("read", 8<<10)), readFunc(func([]byte) (int, error) {
			panic("reader")
		})))
		return err
	}},
	{"WriteTo", func(b *evbuffer.Buffer) error { _, err := b.WriteTo(io.Discard); return err }},
	{"WriteTo with a writer that panics", func(b *evbuffer.Buffer) error {
		_, err := b.WriteTo(writeFunc(func([]byte) (int, error) { panic("writer") }))
		return err
	}},
	{"Add", func(b *evbuffer.Buffer) error { return b.AddString(strings.Repeat("add", 30000)) }},
	{"AddIOVec", func(b *evbuffer.Buffer) error { _, err := b.AddIOVec([][]byte{make([]byte, 3000)}); return err }},
	{"Prepend", func(b *evbuffer.Buffer) error { return b.Prepend(make([]byte, 3000)) }},
	{"Drain", func(b *evbuffer.Buffer) error { return b.Drain(1000) }},
	{"Remove", func(b *evbuffer.Buffer) error { _, err := b.Remove(make([]byte, 1000)); return err }},
	{"ReadLine", func(b *evbuffer.Buffer) error { _, err := b.ReadLine(evbuffer.EOLLF); return err }},
	{"Commit", func(b *evbuffer.Buffer) error {
		var vecs [2][]byte
		n, err := b.Reserve(5000, vecs[:])
		return errors.Join(err, b.Commit(vecs[:n]))
	}},
	{"AddBuffer to another", func(b *evbuffer.Buffer) error { return keep.AddBuffer(b) }},
	{"PrependBuffer to another", func(b *evbuffer.Buffer) error { return keep.PrependBuffer(b) }},
	{"RemoveBuffer to another", func(b *evbuffer.Buffer) error { _, err := b.RemoveBuffer(keep, 100); return err }},
	{"AddBuffer of little", func(b *evbuffer.Buffer) error {
		src := evbuffer.New()
		return errors.Join(src.AddString("little"), b.AddBuffer(src))
	}},
}

// keep is where data is moved to.
var keep *evbuffer.Buffer

// After a panic out of a callback, a reader or a writer, the operation is complete
// or has not begun, and no memory that is in a buffer is given to another one.
func TestPanicsLeaveNoMemoryInTwoPlaces(t *testing.T) {
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			b := evbuffer.New()
			keep = evbuffer.New()
			cleaned := 0
			start := strings.Repeat("line\n", 300)
			if err := errors.Join(
				b.AddString(start),
				b.AddReference([]byte(start), func([]byte) { cleaned++ }),
				b.AddString(start),
			); err != nil {
				t.Fatal(err)
			}
			e := b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { panic("callback") })
			if !panics(func() { tt.do(b) }) {
				t.Fatal("it has not panicked")
			}
			before := [2][]byte{content(t, b), content(t, keep)}
			poison(t)
			after := [2][]byte{content(t, b), content(t, keep)}
			if !bytes.Equal(before[0], after[0]) || !bytes.Equal(before[1], after[1]) {
				t.Error("memory of the buffer was given to another one")
			}
			if err := b.RemoveCallback(e); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(b.AddString("end"), b.Drain(b.Len()), keep.Drain(keep.Len())); err != nil {
				t.Errorf("the buffers cannot be used any more: %v", err)
			}
			if cleaned != 1 {
				t.Errorf("the cleanup ran %d times", cleaned)
			}
		})
	}
}

// TestPanicsLeaveBuffersWhole compares what a buffer has after a panic with what
// it has without.
func TestAPanicInACallbackOfReadFromLosesNothing(t *testing.T) {
	for _, size := range []int{1, 100, 20000, 100000} {
		b := evbuffer.New()
		text := strings.Repeat("0123456789", size/10+1)[:size]
		r := strings.NewReader(text)
		e := b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { panic("callback") })
		if !panics(func() { b.ReadFrom(r) }) {
			t.Fatal("it has not panicked")
		}
		poison(t)
		if err := b.RemoveCallback(e); err != nil {
			t.Fatal(err)
		}
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		if got := content(t, b); string(got) != text {
			t.Errorf("%d bytes of %d, or others", len(got), size)
		}
	}
}

// Every cleanup runs once, also if another one panics, and if a callback does.
func TestCleanupsRunInSpiteOfPanics(t *testing.T) {
	ways := map[string]func(b *evbuffer.Buffer){
		"Drain":   func(b *evbuffer.Buffer) { b.Drain(b.Len()) },
		"Free":    func(b *evbuffer.Buffer) { b.Free() },
		"Remove":  func(b *evbuffer.Buffer) { b.Remove(make([]byte, b.Len())) },
		"Pullup":  func(b *evbuffer.Buffer) { b.Pullup(-1); b.Drain(b.Len()) },
		"WriteTo": func(b *evbuffer.Buffer) { b.WriteTo(io.Discard) },
	}
	for name, empty := range ways {
		for _, bad := range []int{0, 1, 4, -1} {
			t.Run(fmt.Sprint(name, " ", bad), func(t *testing.T) {
				var cleaned [5]int
				b := evbuffer.New()
				for i := range cleaned {
					err := errors.Join(b.AddString("own"), b.AddReference([]byte("reference"), func([]byte) {
						cleaned[i]++
						if i == bad {
							panic("cleanup")
						}
					}))
					if err != nil {
						t.Fatal(err)
					}
				}
				if bad < 0 {
					b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { panic("callback") })
				}
				for range len(cleaned) * 2 { // WriteTo stops at the first panic
					panics(func() { empty(b) })
				}
				if cleaned != [5]int{1, 1, 1, 1, 1} {
					t.Errorf("the cleanups ran %v times", cleaned)
				}
			})
		}
	}
}

// An observer and the other buffer of a move learn of a change in spite of a
// callback that panics: a stream would not notice its output otherwise.
func TestPanicsDoNotKeepOthersFromBeingTold(t *testing.T) {
	var a, b evbuffer.Owned
	if err := a.AddString("abc"); err != nil {
		t.Fatal(err)
	}
	var told []string
	tell := func(name string) evbuffer.Observer {
		return observerFunc(func(_ *evbuffer.Buffer, info evbuffer.CallbackInfo) {
			told = append(told, fmt.Sprint(name, info))
		})
	}
	a.Own(tell("from"))
	b.Own(tell("to"))
	a.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { panic("callback") })
	if !panics(func() { b.AddBuffer(&a.Buffer) }) {
		t.Fatal("it has not panicked")
	}
	if want := []string{"from{3 0 3}", "to{0 3 0}"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

type observerFunc func(b *evbuffer.Buffer, info evbuffer.CallbackInfo)

func (f observerFunc) BufferChanged(b *evbuffer.Buffer, info evbuffer.CallbackInfo) { f(b, info) }

// What Pullup returns is there, whatever a cleanup does to the buffer.
func TestCleanupsOfPullupMayChangeTheBuffer(t *testing.T) {
	tests := []struct {
		name   string
		change func(b *evbuffer.Buffer) error
		want   string
		err    error
	}{
		{"add", func(b *evbuffer.Buffer) error { return b.AddString(strings.Repeat("x", 100000)) }, "abcdef", nil},
		{"prepend", func(b *evbuffer.Buffer) error { return b.Prepend([]byte("..")) }, "..abcd", nil},
		{"drain", func(b *evbuffer.Buffer) error { return b.Drain(1) }, "bcdefg", nil},
		{"drain too much", func(b *evbuffer.Buffer) error { return b.Drain(6) }, "", evbuffer.ErrRange},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := evbuffer.New()
			err := errors.Join(b.AddString("abc"), b.AddReference([]byte("def"), func([]byte) {
				if err := tt.change(b); err != nil {
					t.Error(err)
				}
			}), b.AddString("gh"))
			if err != nil {
				t.Fatal(err)
			}
			p, err := b.Pullup(6)
			poison(t)
			if string(p) != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", p, err, tt.want, tt.err)
			}
		})
	}
}
