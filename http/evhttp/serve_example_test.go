package evhttp_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/go-libevent/libevent/http/evhttp"
)

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
