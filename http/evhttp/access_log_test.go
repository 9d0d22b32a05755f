package evhttp

import (
	"net/netip"
	"regexp"
	"testing"
	"time"
)

// testNow is what time it is in tests.
var testNow = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

func TestAccessLog(t *testing.T) {
	full := AccessLogEntry{
		Peer: netip.MustParseAddr("127.0.0.1"), User: []byte("frank"),
		Time:   time.Date(2000, 10, 10, 13, 55, 36, 0, time.FixedZone("", -7*3600)),
		Method: []byte("GET"), Target: []byte("/apache_pb.gif"), Protocol: "HTTP/1.0", Status: 200, Sent: 2326,
		Referer: []byte("http://www.example.com/start.html"), UserAgent: []byte("Mozilla/4.08 [en] (Win98; I ;Nav)"),
	}
	empty := AccessLogEntry{Time: time.Unix(0, 0).UTC(), Status: 400}
	hostile := AccessLogEntry{
		Peer: netip.MustParseAddr("2001:db8::1"), User: []byte("a b\" [x]\n"), Time: time.Unix(0, 0).UTC(),
		Method: []byte("G\"T"), Target: []byte("/\x1b[2J\r\n\\x\x00é"), Protocol: "HTTP/1.1", Status: 404,
		Referer: []byte("\" \"\\"), UserAgent: []byte("\x7f\t"),
	}
	for _, test := range []struct {
		name             string
		entry            AccessLogEntry
		common, combined string // what comes after it
	}{
		{
			"full", full,
			`127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326`,
			` "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"`,
		},
		{"empty", empty, `- - - [01/Jan/1970:00:00:00 +0000] "-" 400 -`, ` "-" "-"`},
		{
			"hostile", hostile,
			`2001:db8::1 - a\x20b\"\x20[x]\x0a [01/Jan/1970:00:00:00 +0000] "G\"T /\x1b[2J\x0d\x0a\\x\x00\xc3\xa9 HTTP/1.1" 404 -`,
			` "\" \"\\" "\x7f\x09"`,
		},
	} {
		if got := string(test.entry.AppendCommon([]byte("> "))); got != "> "+test.common {
			t.Errorf("%s: %s\nwant %s", test.name, got, test.common)
		}
		if got, want := string(test.entry.AppendCombined(nil)), test.common+test.combined; got != want {
			t.Errorf("%s: %s\nwant %s", test.name, got, want)
		}
	}
}

func TestNoByteBreaksTheAccessLog(t *testing.T) {
	line := regexp.MustCompile(`^- - [!-~]+ \[[^]]+\] "(?:[^"\\]|\\.)*" 200 1 "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"$`)
	for c := range 256 {
		b := []byte{byte(c)}
		e := AccessLogEntry{User: b, Time: testNow, Method: b, Target: b, Protocol: "HTTP/2.0", Status: 200, Sent: 1, Referer: b, UserAgent: b}
		if got := e.AppendCombined(nil); !line.Match(got) {
			t.Errorf("byte %#x: %s", c, got)
		}
	}
}

func TestAccessLogDoesNotAllocate(t *testing.T) {
	e := AccessLogEntry{
		Peer: netip.MustParseAddr("2001:db8::1"), Time: testNow, Method: []byte("GET"), Target: []byte("/"), Status: 200, UserAgent: []byte("\xff"),
	}
	buf := make([]byte, 0, 500)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendCombined(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
