package cond

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"testing"
)

var rangeTests = []struct {
	in   string
	size int64
	want []Range
	err  error
}{
	{"bytes=0-0", 10, []Range{{0, 1}}, nil},
	{"bytes=0-9", 10, []Range{{0, 10}}, nil},
	{"bytes=2-", 10, []Range{{2, 8}}, nil},
	{"bytes=-3", 10, []Range{{7, 3}}, nil},
	{"bytes=-30", 10, []Range{{0, 10}}, nil},
	{"bytes=5-30", 10, []Range{{5, 5}}, nil},
	{"bytes=9223372036854775807-", 10, nil, ErrUnsatisfiable},
	{"bytes=5-99999999999999999999999", 10, []Range{{5, 5}}, nil},
	{"bytes=-99999999999999999999999", 10, []Range{{0, 10}}, nil},
	{"Bytes = 7-8, 0-1 ,,-1", 10, []Range{{7, 2}, {0, 2}, {9, 1}}, nil},
	{"bytes=0-1,20-30", 10, []Range{{0, 2}}, nil},
	{"bytes=0-1,-0", 10, []Range{{0, 2}}, nil},
	{"bytes=10-", 10, nil, ErrUnsatisfiable},
	{"bytes=10-20,-0", 10, nil, ErrUnsatisfiable},
	{"bytes=99999999999999999999999-", 10, nil, ErrUnsatisfiable},
	{"bytes=0-5,3-9", 10, nil, ErrRange},
	{"bytes=0-,0-,0-", 10, nil, ErrRange},
	{"bytes=" + strings.Repeat("0-0,", DefaultMaxRanges+1), 1000, nil, ErrRange},
	{"bytes=" + strings.Repeat("2000-,", DefaultMaxRanges+1), 1000, nil, ErrRange},
	{"bytes=0-0", 0, nil, ErrRange},
	{"bytes=-5", 0, nil, ErrRange},
	{"", 10, nil, ErrRange},
	{"bytes", 10, nil, ErrRange},
	{"bytes=", 10, nil, ErrRange},
	{"bytes=,", 10, nil, ErrRange},
	{"bytes=-", 10, nil, ErrRange},
	{"bytes=5", 10, nil, ErrRange},
	{"bytes=5-4", 10, nil, ErrRange},
	{"bytes=+1-4", 10, nil, ErrRange},
	{"bytes=1-+4", 10, nil, ErrRange},
	{"bytes=1--4", 10, nil, ErrRange},
	{"bytes=--4", 10, nil, ErrRange},
	{"bytes=1 - 4", 10, nil, ErrRange},
	{"bytes=a-b", 10, nil, ErrRange},
	{"bytes=0-1,x", 10, nil, ErrRange},
	{"bytes=0-1;2-3", 10, nil, ErrRange},
	{"lines=0-1", 10, nil, ErrRange},
}

func TestParseRange(t *testing.T) {
	for _, test := range rangeTests {
		got, err := ParseRange(test.in, test.size, 0)
		if !errors.Is(err, test.err) || !slices.Equal(got, test.want) {
			t.Errorf("%q of %d: %v, %v, want %v, %v", test.in, test.size, got, err, test.want, test.err)
		}
	}
	if _, err := ParseRange("bytes=0-0,1-1", 10, 1); !errors.Is(err, ErrRange) {
		t.Errorf("more than the limit: %v", err)
	}
}

func TestContentRange(t *testing.T) {
	if got := string(Range{5, 10}.AppendContentRange(nil, 100)); got != "bytes 5-14/100" {
		t.Errorf("%q", got)
	}
	if got := string(AppendUnsatisfiedRange(nil, 100)); got != "bytes */100" {
		t.Errorf("%q", got)
	}
}

func TestRangePartsAreMultipart(t *testing.T) {
	const body = "0123456789"
	for _, contentType := range []string{"text/plain", ""} {
		ranges := []Range{{7, 3}, {0, 1}, {2, 4}}
		parts := NewRangeParts(ranges, int64(len(body)), contentType)
		var all bytes.Buffer
		for i, r := range ranges {
			all.Write(parts.AppendHead(nil, i))
			all.WriteString(body[r.Start : r.Start+r.Length])
		}
		all.Write(parts.AppendEnd(nil))
		if int64(all.Len()) != parts.Length() {
			t.Errorf("%d bytes, and not %d as it said", all.Len(), parts.Length())
		}

		kind, params, err := mime.ParseMediaType(parts.ContentType())
		if err != nil || kind != "multipart/byteranges" {
			t.Fatalf("%s: %v", parts.ContentType(), err)
		}
		reader := multipart.NewReader(&all, params["boundary"])
		for _, r := range ranges {
			part, err := reader.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(part)
			if err != nil || string(data) != body[r.Start:r.Start+r.Length] || part.Header.Get("Content-Type") != contentType ||
				part.Header.Get("Content-Range") != string(r.AppendContentRange(nil, 10)) {
				t.Errorf("%v: %q, %v, %v", r, data, part.Header, err)
			}
		}
		if _, err := reader.NextPart(); err != io.EOF {
			t.Errorf("after the last: %v", err)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, test := range rangeTests {
		f.Add(test.in, test.size)
	}
	f.Fuzz(func(t *testing.T, s string, size int64) {
		ranges, err := ParseRange(s, size, 0)
		if err != nil {
			if ranges != nil || !errors.Is(err, ErrRange) && !errors.Is(err, ErrUnsatisfiable) {
				t.Fatalf("%q of %d: %v, %v", s, size, ranges, err)
			}
			return
		}
		left := size
		for _, r := range ranges {
			if r.Start < 0 || r.Length <= 0 || r.Start > size-r.Length || r.Length > left {
				t.Fatalf("%q of %d: %v", s, size, ranges)
			}
			left -= r.Length
		}
		if len(ranges) == 0 || len(ranges) > DefaultMaxRanges {
			t.Fatalf("%q of %d: %d ranges", s, size, len(ranges))
		}
	})
}
