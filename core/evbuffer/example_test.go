package evbuffer_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
)

func Example() {
	var b evbuffer.Buffer
	b.AddString("GET / HTTP/1.1\r\n")
	b.AddString("Host: example.org\r\nAcc") // the rest is still on its way
	for {
		line, err := b.ReadLine(evbuffer.EOLCRLF)
		if err == evbuffer.ErrNotFound {
			break
		}
		fmt.Println(line)
	}
	fmt.Println(b.Len(), "bytes left")
	// Output:
	// GET / HTTP/1.1
	// Host: example.org
	// 3 bytes left
}

// Moving data between buffers does not copy it.
func ExampleBuffer_AddBuffer() {
	var input, output evbuffer.Buffer
	input.AddString(strings.Repeat("x", 1_000_000))
	output.AddBuffer(&input)
	fmt.Println(input.Len(), output.Len())
	// Output: 0 1000000
}

func ExampleBuffer_AddReference() {
	page := []byte("<html>the same for everybody</html>")
	var b evbuffer.Buffer
	b.AddReference(page, func([]byte) { fmt.Println("nobody needs it any more") })
	io.Copy(os.Stdout, &b)
	// Output: <html>the same for everybody</html>nobody needs it any more
}

// One message goes to many buffers, and is in memory once.
func ExampleBuffer_AddBufferReference() {
	var message evbuffer.Buffer
	message.Printf("the server will be down at %s", "noon")
	clients := make([]evbuffer.Buffer, 3)
	for i := range clients {
		clients[i].Printf("client %d: ", i)
		clients[i].AddBufferReference(&message)
	}
	for i := range clients {
		text, _ := io.ReadAll(&clients[i])
		fmt.Printf("%s\n", text)
	}
	// Output:
	// client 0: the server will be down at noon
	// client 1: the server will be down at noon
	// client 2: the server will be down at noon
}

// An os.File keeps its descriptor; the cleanup closes it.
func ExampleNewFileSegment() {
	file, err := os.CreateTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	file.WriteString("0123456789")

	segment, err := evbuffer.NewFileSegment(int(file.Fd()), 2, 6, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	segment.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) {
		fmt.Println("\nclosed:", file.Close() == nil)
	})
	var b evbuffer.Buffer
	b.AddFileSegment(segment, 0, -1)
	b.AddString(", ")
	b.AddFileSegment(segment, 1, 2)
	segment.Free() // once the buffer does not need it either
	io.Copy(os.Stdout, &b)
	// Output:
	// 234567, 34
	// closed: true
}

func ExampleBuffer_Search() {
	var b evbuffer.Buffer
	b.AddString("one, two, three")
	var at *evbuffer.Ptr
	for {
		p, err := b.Search([]byte(", "), at)
		if err == evbuffer.ErrNotFound {
			break
		}
		fmt.Println(p.Pos())
		b.SetPtr(&p, len(", "), evbuffer.PtrAdd)
		at = &p
	}
	// Output:
	// 3
	// 8
}

// A message with a length in front is parsed where it lies.
func ExampleBuffer_Pullup() {
	var b evbuffer.Buffer
	b.Add([]byte{5, 'h', 'e', 'l', 'l'})
	for _, more := range []string{"", "o"} {
		b.AddString(more)
		header, err := b.Pullup(1)
		if err != nil {
			fmt.Println(err)
			return
		}
		size := 1 + int(header[0])
		if b.Len() < size {
			fmt.Println("not complete yet")
			continue
		}
		message, _ := b.Pullup(size)
		fmt.Printf("%s\n", message[1:])
		b.Drain(size)
	}
	// Output:
	// not complete yet
	// hello
}

func ExampleBuffer_Reserve() {
	var b evbuffer.Buffer
	var space [2][]byte
	n, err := b.Reserve(100, space[:])
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range space[:n] {
		filled := copy(space[i], "straight into the buffer")
		space[i] = space[i][:filled]
		n = i + 1
		break // one was enough
	}
	b.Commit(space[:n])
	fmt.Println(b.Len())
	// Output: 24
}

func ExampleBuffer_Peek() {
	var b evbuffer.Buffer
	b.AddReference([]byte("first "), nil)
	b.AddReference([]byte("second"), nil)
	n, _ := b.Peek(-1, nil, nil) // how many pieces?
	pieces := make([][]byte, n)
	b.Peek(-1, nil, pieces)
	for _, p := range pieces {
		fmt.Printf("%q\n", p)
	}
	// Output:
	// "first "
	// "second"
}

func ExampleBuffer_Pieces() {
	var b evbuffer.Buffer
	b.AddReference([]byte("first "), nil)
	b.AddReference([]byte("second"), nil)
	for piece, err := range b.Pieces() {
		if err != nil { // of a part of a file that cannot be read
			fmt.Println(err)
			return
		}
		fmt.Printf("%q\n", piece)
	}
	// Output:
	// "first "
	// "second"
}

func ExampleBuffer_AppendLine() {
	var b evbuffer.Buffer
	b.AddString("one\r\ntwo\r\nthr")
	var line []byte // serves for all lines
	for {
		var err error
		line, err = b.AppendLine(line[:0], evbuffer.EOLCRLF)
		if err != nil {
			break // evbuffer.ErrNotFound: the rest has yet to come
		}
		fmt.Printf("%s\n", line)
	}
	fmt.Println(b.Len(), "bytes are left")
	// Output:
	// one
	// two
	// 3 bytes are left
}

func ExampleBuffer_AddCallback() {
	var b evbuffer.Buffer
	e := b.AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		fmt.Printf("%v: %d + %d - %d\n", e.Data, info.Orig, info.Added, info.Deleted)
	})
	e.Data = "my buffer"
	b.AddString("hello")
	b.Drain(2)
	// Output:
	// my buffer: 0 + 5 - 0
	// my buffer: 5 + 0 - 2
}

func ExampleBuffer_DeferCallbacks() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	var b evbuffer.Buffer
	b.DeferCallbacks(base)
	b.AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		fmt.Println("from the loop:", info.Added, "added")
	})
	b.AddString("hello")
	b.AddString(" world")
	fmt.Println("nothing yet")
	base.Dispatch()
	// Output:
	// nothing yet
	// from the loop: 11 added
}
