package main

import (
	"math"
	"os"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// A source has what every client gets.
type source interface {
	// add puts more into the output of a client that has got some already. It
	// returns how much, and whether that was the end.
	add(out *evbuffer.Buffer, got int64) (n int, done bool, err error)
}

func (o *options) source() (source, error) {
	if o.file != "" {
		return newFile(o.file)
	}
	t := text(o.size)
	if t == 0 {
		t = math.MaxInt64
	}
	return t, nil
}

// text is lines of all printable characters, each beginning with another one
// (RFC 864), and so many bytes of it.
type text int64

// allLines is the text until it repeats.
var allLines = func() (p []byte) {
	const first, count, width = ' ', 95, 72
	for line := range count {
		for column := range width {
			p = append(p, byte(first+(line+column)%count))
		}
		p = append(p, "\r\n"...)
	}
	return p
}()

// add refers to the text, which is the same memory for all clients.
func (t text) add(out *evbuffer.Buffer, got int64) (n int, done bool, err error) {
	at := int(got % int64(len(allLines)))
	n = int(min(int64(len(allLines)-at), int64(t)-got))
	err = out.AddReferenceWithOffset(allLines, at, n, nil)
	return n, got+int64(n) == int64(t), err
}

// file is a file, which the kernel reads when it sends it, where it can.
type file struct{ segment *evbuffer.FileSegment }

func newFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	// The descriptor is needed as long as the program runs, and so is f.
	segment, err := evbuffer.NewFileSegment(int(f.Fd()), 0, -1, 0)
	if err != nil {
		f.Close()
		return nil, err
	}
	segment.SetCleanup(func(*evbuffer.FileSegment, evbuffer.SegmentFlag) { f.Close() })
	return &file{segment}, nil
}

func (f *file) add(out *evbuffer.Buffer, _ int64) (n int, done bool, err error) {
	return f.segment.Len(), true, out.AddFileSegment(f.segment, 0, -1)
}
