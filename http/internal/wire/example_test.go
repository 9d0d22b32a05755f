package wire_test

import (
	"fmt"

	"github.com/go-libevent/libevent/http/internal/wire"
)

// A request comes in two pieces, of which the second has its body, too.
func ExampleRequestHead() {
	var h wire.RequestHead
	for _, piece := range []string{
		"POST /submit HTTP/1.1\r\nHost: exam",
		"ple.com\r\nContent-Length: 5\r\n\r\nhello",
	} {
		n, done, err := h.Parse([]byte(piece), nil)
		if err != nil {
			fmt.Println(wire.StatusOf(err), err)
			return
		}
		if done {
			fmt.Printf("%s %s for %s\n", h.Method(), h.Target(), h.Host())
			fmt.Printf("body: %v, %d bytes: %s\n", h.Framing, h.Length, piece[n:])
		}
	}
	// Output:
	// POST /submit for example.com
	// body: sized, 5 bytes: hello
}

func ExampleStatusOf() {
	var h wire.RequestHead
	_, _, err := h.Parse([]byte("GET / HTTP/1.1\r\nHost : example.com\r\n\r\n"), nil)
	fmt.Println(wire.StatusOf(err), err)
	// Output:
	// 400 line 2: invalid field name: "Host : example.com"
}

func ExampleChunkDecoder() {
	var d wire.ChunkDecoder
	in := []byte("5\r\nhello\r\n8;last\r\n, world!\r\n0\r\nX-Digest: 123\r\n\r\n")
	for !d.Done() {
		n, err := d.Parse(in, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		in = in[n:]
		data := in[:d.Data()]
		fmt.Printf("%s", data)
		d.Took(int64(len(data)))
		in = in[len(data):]
	}
	fmt.Printf("\n%s", d.Trailer.AppendTo(nil))
	// Output:
	// hello, world!
	// X-Digest: 123
}
