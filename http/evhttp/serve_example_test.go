package evhttp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
)

// A file is asked for again, and then only a part of it.
func ExamplePreconditions_Check() {
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	modified := now.Add(-time.Hour)
	current := evhttp.Validators{ETag: evhttp.FileETag(1000, modified, now), Modified: modified}

	p := evhttp.Preconditions{IfNoneMatch: current.ETag}
	fmt.Println(p.Check("GET", current, now))

	p = evhttp.Preconditions{IfRange: current.ETag}
	fmt.Println(p.Check("GET", current, now), p.RangeApplies("GET", current, now))
	// Output:
	// 304
	// 0 true
}

// What a server answers to a Range field.
func ExampleParseRange() {
	const size = 1000
	for _, field := range []string{"bytes=0-99", "bytes=-10", "bytes=5000-", "lines=1-2"} {
		ranges, err := evhttp.ParseRange(field, size, 0)
		switch {
		case errors.Is(err, evhttp.ErrUnsatisfiable):
			fmt.Printf("416 %s\n", evhttp.AppendUnsatisfiedRange(nil, size))
		case err != nil:
			fmt.Println("200")
		default:
			fmt.Printf("206 %s\n", ranges[0].AppendContentRange(nil, size))
		}
	}
	// Output:
	// 206 bytes 0-99/1000
	// 206 bytes 990-999/1000
	// 416 bytes */1000
	// 200
}

// Nothing that a client sends can break a line of the log.
func ExampleAccessLogEntry_AppendCombined() {
	entry := evhttp.AccessLogEntry{
		Peer:   netip.MustParseAddr("192.0.2.1"),
		Time:   time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC),
		Method: []byte("GET"), Target: []byte("/a"), Protocol: "HTTP/1.1",
		Status: 200, Sent: 1234,
		UserAgent: []byte("evil\n\" agent"),
	}
	fmt.Printf("%s\n", entry.AppendCombined(nil))
	// Output: 192.0.2.1 - - [25/Nov/2026:03:00:00 +0000] "GET /a HTTP/1.1" 200 1234 "-" "evil\x0a\" agent"
}

// The page for a folder.
func ExampleAppendListing() {
	page := evhttp.AppendListing(nil, "/pub/", []evhttp.ListingEntry{
		{Name: "50%.txt", Size: 12, Modified: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)},
		{Name: "old", Folder: true},
	})
	fmt.Printf("%s", page)
	// Output:
	// <!DOCTYPE html>
	// <html><head><meta charset="utf-8">
	// <title>/pub/</title>
	// </head><body>
	// <h1>/pub/</h1>
	// <table>
	// <tr><td><a href="../">../</a></td><td></td><td></td></tr>
	// <tr><td><a href="./old/">old/</a></td><td></td><td></td></tr>
	// <tr><td><a href="./50%25.txt">50%.txt</a></td><td>12</td><td>2026-11-25 03:00:00</td></tr>
	// </table>
	// </body></html>
}
