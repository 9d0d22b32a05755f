package wire

import (
	"bytes"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// parseTarget finds out the form of the target and takes it apart.
func (h *RequestHead) parseTarget(buf []byte) error {
	at := &h.At
	target, method := buf[at.Target.From:at.Target.To], buf[at.Method.From:at.Method.To]
	if string(method) == "CONNECT" {
		if !validAuthority(target, true) {
			return ErrTarget
		}
		h.Form, at.Authority = message.AuthorityForm, at.Target
		return nil
	}
	if target[0] == '/' {
		h.Form, at.Path = message.OriginForm, at.Target
		return nil
	}
	if string(target) == "*" && string(method) == "OPTIONS" {
		h.Form = message.AsteriskForm
		return nil
	}
	from, to, ok := authorityOf(target)
	if !ok || !validAuthority(target[from:to], false) {
		return ErrTarget
	}
	h.Form = message.AbsoluteForm
	at.Scheme = message.Span{From: at.Target.From, To: at.Target.From + uint32(from-len("://"))}
	at.Authority = message.Span{From: at.Target.From + uint32(from), To: at.Target.From + uint32(to)}
	at.Path = message.Span{From: at.Authority.To, To: at.Target.To}
	return nil
}

// authorityOf finds the authority in a URI with one.
func authorityOf(uri []byte) (from, to int, ok bool) {
	colon := bytes.IndexByte(uri, ':')
	if colon <= 0 || !ascii.IsScheme(uri[:colon]) || len(uri) < colon+3 || string(uri[colon:colon+3]) != "://" {
		return 0, 0, false
	}
	from = colon + 3
	to = from
	for to < len(uri) && uri[to] != '/' && uri[to] != '?' {
		to++
	}
	return from, to, true
}

// validAuthority reports whether s is a host that is not empty, perhaps with a
// port. A user's name and password are not allowed (RFC 9110, section 4.2.4).
func validAuthority(s []byte, needPort bool) bool {
	n := hostLength(s)
	switch {
	case n == 0:
		return false
	case n == len(s):
		return !needPort
	}
	return s[n] == ':' && validPort(s[n+1:], needPort)
}

// hostLength returns how many bytes at the front of s are a host, or 0 if it
// does not begin with one.
func hostLength(s []byte) int {
	if len(s) > 0 && s[0] == '[' {
		end := bytes.IndexByte(s, ']')
		if end < 0 || !ascii.IsIPv6(s[1:end]) {
			return 0
		}
		return end + 1
	}
	return ascii.Span(s, ascii.HostByte)
}

// validPort reports whether s is a port number, or nothing, which stands for
// that of the scheme. One to connect to cannot be 0.
func validPort(s []byte, connect bool) bool {
	n := 0
	for _, c := range s {
		if !ascii.Is(c, ascii.Digit) {
			return false
		}
		if n = n*10 + int(c-'0'); n > 0xffff {
			return false
		}
	}
	return n > 0 || !connect
}
