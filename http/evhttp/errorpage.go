package evhttp

import (
	"fmt"
	"html"

	"github.com/go-libevent/libevent/http/internal/wire"
)

// SendError answers a request with an error and a page that says so. An empty
// reason means the usual phrase. What was in Output is dropped. The errors are
// those of SendReply (evhttp_send_error).
func (r *Request) SendError(code int, reason string) error {
	if err := r.may(sendNothing); err != nil {
		return r.failed("send error", err)
	}
	s := r.conn.server()
	if s == nil {
		return r.failed("send error", ErrNotServer)
	}
	if reason == "" {
		reason = wire.ReasonPhrase(code)
	}
	r.output.Drain(r.output.Len())
	if page := s.onError; page == nil || !page(r, code, reason) {
		r.header.Set("Content-Type", "text/html; charset=utf-8")
		text := html.EscapeString(reason)
		fmt.Fprintf(&r.output, "<!DOCTYPE html>\n<html><head><title>%d %s</title></head>\n"+
			"<body><h1>%[1]d %[2]s</h1></body></html>\n", code, text)
	}
	return r.SendReply(code, reason, nil)
}

// server returns the server of a connection that one has accepted, or nil.
func (c *Conn) server() *Server {
	if s, ok := c.side.(*served); ok {
		return s.server
	}
	return nil
}

func hostOnly(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && b[i] != ']'; i-- {
		if b[i] == ':' {
			return b[:i]
		}
	}
	return b
}

func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if ok1 && ok2 {
				dst = append(dst, hi<<4|lo)
				i += 2
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
