package evutil

import "time"

// FormatRFC1123 returns t as HTTP and mail write dates, such as
// "Thu, 01 Jan 1970 00:00:00 GMT": always in GMT, in English and without
// fractions of a second. [time.RFC1123] has the same form, but ends in the
// name of the time's own zone. It may be called from any goroutine
// (evutil_date_rfc1123).
func FormatRFC1123(t time.Time) string {
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}
