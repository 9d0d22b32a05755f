package cond

import (
	"fmt"
	"strings"
	"time"
)

const (
	dateLayout    = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850Layout  = "Monday, 02-Jan-06 15:04:05 GMT"
	asctimeLayout = "Mon Jan _2 15:04:05 2006"
)

// AppendDate appends t to dst as HTTP writes dates, such as
// "Thu, 01 Jan 1970 00:00:00 GMT". Fractions of a second are cut off. It may be
// called from any goroutine.
func AppendDate(dst []byte, t time.Time) []byte { return t.UTC().AppendFormat(dst, dateLayout) }

// ParseDate reads a date in any of the three forms that HTTP has had: that of
// AppendDate, that of RFC 850, and that of C's asctime. A year of two digits is
// the one that is not more than 50 years after now. The error is ErrDate. It may
// be called from any goroutine.
func ParseDate(s string, now time.Time) (time.Time, error) {
	if len(s) == len(dateLayout) {
		if t, err := time.Parse(dateLayout, s); err == nil {
			return t, nil
		}
	}
	if len(s) == len(asctimeLayout) {
		if t, err := time.Parse(asctimeLayout, s); err == nil {
			return t, nil
		}
	}
	t, err := time.Parse(rfc850Layout, s)
	// Parse takes fractions of a second, too.
	if err != nil || strings.IndexByte(s, '.') >= 0 || strings.Count(s, ",") != 1 {
		return time.Time{}, fmt.Errorf("parse date: %w: %.100q", ErrDate, s)
	}
	for t.After(now.AddDate(50, 0, 0)) {
		t = t.AddDate(-100, 0, 0)
	}
	for !t.AddDate(100, 0, 0).After(now.AddDate(50, 0, 0)) {
		t = t.AddDate(100, 0, 0)
	}
	return t, nil
}

// A DateCache formats the time only once a second. It belongs to one goroutine.
type DateCache struct {
	second int64
	text   []byte // nothing before the first use
}

// Append appends now to dst, as AppendDate does.
func (c *DateCache) Append(dst []byte, now time.Time) []byte {
	if second := now.Unix(); second != c.second || len(c.text) == 0 {
		c.second = second
		c.text = AppendDate(c.text[:0], now)
	}
	return append(dst, c.text...)
}
