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
