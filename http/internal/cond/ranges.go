package cond

import (
	"crypto/rand"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// A Range is a part of a body, which is never empty.
type Range struct {
	Start, Length int64 // in bytes
}

// ParseRange returns the ranges that a Range field, such as
// "bytes=0-99,500-,-10", asks for of a body of size bytes, in the order in which
// it does. Those that have nothing in them are left out. The error is ErrRange,
// also if there are more than most of them, which is DefaultMaxRanges if 0, or
// if together they are longer than the body, since then all of it is less; or
// ErrUnsatisfiable. It may be called from any goroutine.
func ParseRange(value string, size int64, most int) ([]Range, error) {
	if most == 0 {
		most = DefaultMaxRanges
	}
	unit, set, found := strings.Cut(value, "=")
	if !found || !strings.EqualFold(strings.Trim(unit, " \t"), "bytes") || size <= 0 {
		return nil, rangeError(ErrRange, value)
	}
	var ranges []Range
	asked, total := 0, int64(0)
	for text := range strings.SplitSeq(set, ",") {
		if text = strings.Trim(text, " \t"); text == "" {
			continue
		}
		r, ok := parseRange(text, size)
		if asked++; !ok || asked > most {
			return nil, rangeError(ErrRange, value)
		}
		if r.Length == 0 {
			continue
		}
		if total += r.Length; total > size {
			return nil, rangeError(ErrRange, value)
		}
		ranges = append(ranges, r)
	}
	switch {
	case asked == 0:
		return nil, rangeError(ErrRange, value)
	case ranges == nil:
		return nil, rangeError(ErrUnsatisfiable, value)
	}
	return ranges, nil
}

func rangeError(why error, value string) error {
	return fmt.Errorf("parse range %.100q: %w", value, why)
}

// parseRange reads one range. Its length is 0 if it has nothing in it.
func parseRange(text string, size int64) (r Range, ok bool) {
	from, to, found := strings.Cut(text, "-")
	if !found {
		return Range{}, false
	}
	if from == "" { // the last to bytes
		n, ok := parsePosition(to)
		n = min(n, size)
		return Range{size - n, n}, ok
	}
	start, ok := parsePosition(from)
	if !ok {
		return Range{}, false
	}
	last := size - 1
	if to != "" {
		n, ok := parsePosition(to)
		if !ok || n < start {
			return Range{}, false
		}
		last = min(last, n)
	}
	if start > last {
		return Range{}, true
	}
	return Range{start, last - start + 1}, true
}

// parsePosition reads a number without a sign. One that is too large is the
// largest there is, which is beyond the end of everything.
func parsePosition(s string) (n int64, ok bool) {
	for i := range len(s) {
		if !ascii.Is(s[i], ascii.Digit) {
			return 0, false
		}
		if d := int64(s[i] - '0'); n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
		} else {
			n = n*10 + d
		}
	}
	return n, s != ""
}

// AppendContentRange appends the value of a Content-Range field to dst, such as
// "bytes 0-99/1234".
func (r Range) AppendContentRange(dst []byte, size int64) []byte {
	dst = strconv.AppendInt(append(dst, "bytes "...), r.Start, 10)
	dst = strconv.AppendInt(append(dst, '-'), r.Start+r.Length-1, 10)
	return strconv.AppendInt(append(dst, '/'), size, 10)
}

// AppendUnsatisfiedRange appends to dst the value of a Content-Range field for an
// answer with the status 416, such as "bytes */1234".
func AppendUnsatisfiedRange(dst []byte, size int64) []byte {
	return strconv.AppendInt(append(dst, "bytes */"...), size, 10)
}

// RangeParts frames several ranges of a body as the parts of one of the type
// multipart/byteranges:
//
//	for i, r := range ranges {
//		head = parts.AppendHead(head[:0], i)
//		... send head, and then r ...
//	}
//	end = parts.AppendEnd(end[:0])
type RangeParts struct {
	ranges      []Range
	size        int64
	contentType string
	boundary    string
}

// NewRangeParts frames ranges of a body that has this size and type. The
// boundary is at random, so that no body can have it.
func NewRangeParts(ranges []Range, size int64, contentType string) *RangeParts {
	return &RangeParts{ranges, size, contentType, rand.Text()}
}

// ContentType returns the value of the Content-Type field.
func (p *RangeParts) ContentType() string { return "multipart/byteranges; boundary=" + p.boundary }

// AppendHead appends what comes before range i to dst.
func (p *RangeParts) AppendHead(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, "\r\n"...)
	}
	dst = append(append(dst, "--"...), p.boundary...)
	if p.contentType != "" {
		dst = append(append(dst, "\r\nContent-Type: "...), p.contentType...)
	}
	dst = p.ranges[i].AppendContentRange(append(dst, "\r\nContent-Range: "...), p.size)
	return append(dst, "\r\n\r\n"...)
}

// AppendEnd appends what comes after the last range to dst.
func (p *RangeParts) AppendEnd(dst []byte) []byte {
	return append(append(append(dst, "\r\n--"...), p.boundary...), "--\r\n"...)
}

// Length returns the length of the whole, in bytes.
func (p *RangeParts) Length() int64 {
	var head []byte
	n := int64(len(p.AppendEnd(nil)))
	for i, r := range p.ranges {
		head = p.AppendHead(head[:0], i)
		n += int64(len(head)) + r.Length
	}
	return n
}
