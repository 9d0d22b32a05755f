package wire

import (
	"bytes"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A RequestHead is the request line and the header fields of a request. The
// zero value is ready to Parse the first one. It keeps its memory from request
// to request; what its methods return is valid until Reset or a change to
// Header.
type RequestHead struct {
	Head

	// HostOptional accepts requests of HTTP/1.1 without a Host field, for which
	// HostMissing is set: RFC 9112 demands one, but there are clients that send none.
	// Reset leaves it as it is.
	HostOptional bool
	HostMissing  bool
}

// Reset makes h ready for another request.
func (h *RequestHead) Reset() {
	h.reset(atStart)
	h.HostMissing = false
}

// Parse takes the part of p that belongs to the head, and returns how many
// bytes that is: all of p unless the head ends in it, which done reports. The
// error is an [Error], and stays until Reset; what was understood before it can
// be had from the methods. A nil l means default limits.
func (h *RequestHead) Parse(p []byte, l *message.Limits) (n int, done bool, err error) {
	if h.stage == atEnd || h.err != nil {
		return 0, h.err == nil, h.err
	}
	n, done, err = h.parse(p, l, h)
	if !done {
		return n, done, err
	}
	if text, err := h.interpret(l); err != nil {
		h.err = refuse(err, 0, text)
		return n, false, h.err
	}
	return n, true, nil
}

// interpret draws the conclusions from a head that is complete.
func (h *RequestHead) interpret(l *message.Limits) (culprit []byte, err error) {
	if text, err := h.checkHost(); err != nil {
		return text, err
	}
	text, err := h.frame(l)
	if err != nil {
		return text, err
	}
	if h.Framing != NoBody && string(h.Method()) == "CONNECT" {
		return nil, ErrUnexpectedBody
	}
	h.connection()
	h.expectation()
	return nil, nil
}

func (h *RequestHead) expectation() {
	f := &h.Header
	if h.Proto.Minor == 0 || !f.Contains(message.Expect) {
		return
	}
	h.Expect = message.ExpectContinue
	for i := f.IndexKnown(message.Expect, 0); i >= 0; i = f.IndexKnown(message.Expect, i+1) {
		if _, value := f.At(i); !ascii.EqualFold(value, "100-continue") {
			h.Expect = message.ExpectOther
		}
	}
}

func (h *RequestHead) malformed() error { return ErrRequestLine }
func (h *RequestHead) folds() bool      { return false }

// parseFirst takes the request line: method, target and version, with one space
// between them.
func (h *RequestHead) parseFirst(buf []byte, begin, end int) error {
	line := buf[begin:end]
	space := bytes.IndexByte(line, ' ')
	version := len(line) - len("HTTP/1.1")
	if space <= 0 || version-1 <= space || line[version-1] != ' ' {
		return ErrRequestLine
	}
	if !ascii.All(line[:space], ascii.TokenByte) {
		return ErrMethod
	}
	proto, err := parseVersion(line[version:], ErrRequestLine)
	if err != nil {
		return err
	}
	if version-1 == space+1 || !validTarget(line[space+1:version-1]) {
		return ErrTarget
	}
	h.Proto = proto
	h.At.Method = message.SpanOf(begin, begin+space)
	h.At.Target = message.SpanOf(begin+space+1, begin+version-1)
	return h.parseTarget(buf)
}

// checkHost demands exactly one Host, which HTTP/1.0 may do without, and HTTP/1.1 where
// that is allowed.
func (h *RequestHead) checkHost() (culprit []byte, err error) {
	f := &h.Header
	i := f.IndexKnown(message.Host, 0)
	if i < 0 {
		h.HostMissing = h.Proto.Minor > 0
		if h.HostMissing && !h.HostOptional {
			return nil, ErrHost
		}
		return nil, nil
	}
	_, host := f.At(i)
	if again := f.IndexKnown(message.Host, i+1); again >= 0 {
		_, host := f.At(again)
		return host, ErrHost
	}
	if len(host) > 0 && !validAuthority(host, false) {
		return host, ErrHost
	}
	return nil, nil
}
