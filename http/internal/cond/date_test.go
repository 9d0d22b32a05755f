package cond

import (
	"errors"
	"testing"
	"time"
)

// testNow is what time it is in tests.
var testNow = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

func TestParseDate(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
		{"Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
		{"Wednesday, 25-Nov-76 03:00:00 GMT", "2076-11-25T03:00:00Z"},
		{"Wednesday, 25-Nov-76 03:00:01 GMT", "1976-11-25T03:00:01Z"},
		{"Friday, 01-Jan-68 00:00:00 GMT", "2068-01-01T00:00:00Z"},
		{"Saturday, 01-Jan-77 00:00:00 GMT", "1977-01-01T00:00:00Z"},
	} {
		got, err := ParseDate(test.in, testNow)
		if err != nil || got.Format(time.RFC3339) != test.want {
			t.Errorf("%q: %v, %v, want %s", test.in, got, err, test.want)
		}
	}
	for _, s := range []string{
		"", "0", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37.5 GMT", "1994-11-06T08:49:37Z",
		"Sunday, 06-Nov-94 08:49:37.5 GMT", "Sunday, 06-Nov-94 08:49:37,5 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
	} {
		if got, err := ParseDate(s, testNow); !errors.Is(err, ErrDate) {
			t.Errorf("%q: %v, %v, want ErrDate", s, got, err)
		}
	}
}

func TestDateReadsBack(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	for _, unix := range []int64{0, 946684799, 1456704000, 4294967296, 253402300799} {
		when := time.Unix(unix, 999_999_999).In(zone)
		s := string(AppendDate(nil, when))
		if got, err := ParseDate(s, testNow); err != nil || got.Unix() != unix {
			t.Errorf("%d became %q: %v, %v", unix, s, got, err)
		}
	}
	if got := string(AppendDate([]byte("x"), time.Unix(0, 0))); got != "xThu, 01 Jan 1970 00:00:00 GMT" {
		t.Errorf("%q", got)
	}
}

func TestDateCacheFollowsTheClock(t *testing.T) {
	var c DateCache
	for _, when := range []time.Time{
		time.Unix(0, 0), time.Unix(0, 999_999_999), testNow, testNow.Add(time.Second - 1), testNow.Add(time.Second), testNow.Add(-time.Hour),
	} {
		if got, want := string(c.Append(nil, when)), string(AppendDate(nil, when)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	buf := make([]byte, 0, 100)
	when := testNow
	if n := testing.AllocsPerRun(100, func() {
		when = when.Add(time.Second / 3)
		buf = c.Append(buf[:0], when)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
