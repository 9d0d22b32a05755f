package evdeflate_test

import (
	"fmt"
	"io"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evdeflate"
)

// A stream is inflated as it comes.
func Example() {
	var text, packed, out evbuffer.Buffer
	deflater, err := evdeflate.NewDeflater(&evdeflate.DeflateConfig{Format: evdeflate.Gzip})
	if err != nil {
		fmt.Println(err)
		return
	}
	inflater, err := evdeflate.NewInflater(&evdeflate.InflateConfig{Format: evdeflate.Gzip})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, line := range []string{"one, ", "two, ", "three"} {
		if err := text.AddString(line); err != nil {
			fmt.Println(err)
			return
		}
		if err := deflater.Deflate(&text, &packed, -1, evdeflate.SyncFlush); err != nil {
			fmt.Println(err)
			return
		}
		if err := inflater.Inflate(&packed, &out, -1); err != nil {
			fmt.Println(err)
			return
		}
		got, _ := io.ReadAll(&out) // what was flushed is there
		fmt.Printf("%q\n", got)
	}
	if err := deflater.Deflate(&text, &packed, -1, evdeflate.Finish); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(inflater.Inflate(&packed, &out, -1), inflater.Finish())
	// Output:
	// "one, "
	// "two, "
	// "three"
	// <nil> <nil>
}

// Data from strangers may be bombs.
func ExampleInflateConfig() {
	bomb := evbuffer.New()
	zeros := evbuffer.New()
	if err := zeros.Add(make([]byte, 10<<20)); err != nil {
		fmt.Println(err)
		return
	}
	deflater, err := evdeflate.NewDeflater(nil)
	if err == nil {
		err = deflater.Deflate(zeros, bomb, -1, evdeflate.Finish)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	inflater, err := evdeflate.NewInflater(&evdeflate.InflateConfig{MaxSize: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	var out evbuffer.Buffer
	err = inflater.Inflate(bomb, &out, -1)
	fmt.Println(out.Len(), err)
	// Output:
	// 1000 evdeflate: inflate: inflated data are too large: more than 1000 bytes
}

// Messages of a WebSocket with permessage-deflate, and context takeover: the second one
// refers to the first.
func ExampleInflater_FlushTail() {
	deflater, err := evdeflate.NewDeflater(&evdeflate.DeflateConfig{WindowBits: 12, Context: 1 << 12})
	if err != nil {
		fmt.Println(err)
		return
	}
	inflater, err := evdeflate.NewInflater(&evdeflate.InflateConfig{WindowBits: 12, Messages: true, MaxRatio: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	var text, packed, out evbuffer.Buffer
	for range 2 {
		if err := text.AddString("a message of some length"); err != nil {
			fmt.Println(err)
			return
		}
		if err := deflater.Deflate(&text, &packed, -1, evdeflate.MessageFlush); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("larger than 10 bytes:", packed.Len() > 10)
		err := inflater.Inflate(&packed, &out, 1<<20)
		if err == nil {
			err = inflater.FlushTail(&out, 1<<20)
		}
		got, _ := io.ReadAll(&out)
		fmt.Printf("%q, %v\n", got, err)
	}
	// Output:
	// larger than 10 bytes: true
	// "a message of some length", <nil>
	// larger than 10 bytes: false
	// "a message of some length", <nil>
}
