package evhttp

import (
	"net/netip"
	"strconv"
	"time"
)

// An AccessLogEntry is what a line of an access log tells. Texts may be nil, and
// may have anything in them that a client can send.
type AccessLogEntry struct {
	Peer      netip.Addr // not valid for Unix sockets
	User      []byte     // the name that the client was authenticated by
	Time      time.Time
	Method    []byte
	Target    []byte
	Protocol  string // such as "HTTP/1.1"
	Status    int
	Sent      int64 // bytes of the body
	Referer   []byte
	UserAgent []byte
}

// AppendCommon appends to dst a line, without its end, in the Common Log Format:
//
//	127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326
//
// What is missing is "-". Quotes, backslashes and all bytes that are not
// printable ASCII come with a backslash in front or as \xhh, so that nothing
// that a client sends can end a field or a line or trick a terminal. It may be
// called from any goroutine.
func (e *AccessLogEntry) AppendCommon(dst []byte) []byte {
	if e.Peer.IsValid() {
		dst = e.Peer.AppendTo(dst)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, " - "...)
	if len(e.User) == 0 {
		dst = append(dst, '-')
	} else {
		dst = appendLogText(dst, e.User, ' ') // it has no quotes around it
	}
	dst = e.Time.AppendFormat(dst, " [02/Jan/2006:15:04:05 -0700] ")
	dst = e.appendRequest(dst)
	dst = strconv.AppendInt(append(dst, ' '), int64(e.Status), 10)
	if e.Sent == 0 {
		return append(dst, " -"...)
	}
	return strconv.AppendInt(append(dst, ' '), e.Sent, 10)
}

// AppendCombined appends to dst a line, without its end, in the Combined Log
// Format: what AppendCommon does, and the fields Referer and User-Agent in
// quotes.
func (e *AccessLogEntry) AppendCombined(dst []byte) []byte {
	dst = appendLogQuoted(append(e.AppendCommon(dst), ' '), e.Referer)
	return appendLogQuoted(append(dst, ' '), e.UserAgent)
}

// appendRequest appends the request line.
func (e *AccessLogEntry) appendRequest(dst []byte) []byte {
	if len(e.Method) == 0 && len(e.Target) == 0 {
		return append(dst, `"-"`...) // nothing that could be read
	}
	dst = appendLogText(append(dst, '"'), e.Method, '"')
	dst = appendLogText(append(dst, ' '), e.Target, '"')
	dst = append(append(dst, ' '), e.Protocol...)
	return append(dst, '"')
}

func appendLogQuoted(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, `"-"`...)
	}
	return append(appendLogText(append(dst, '"'), text, '"'), '"')
}

// appendLogText appends text to dst with escapes for what is dangerous and for
// one more byte, which ends the field.
func appendLogText(dst, text []byte, end byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c >= 0x7f || c == end:
			dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
