package wire

import (
	"bytes"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// A RequestHead is the request line and the header fields of a request. The
// zero value is ready to Parse the first one. It keeps its memory from request
// to request; what its methods return is valid until Reset or a change to
// Header.
type RequestHead struct {
	Head

	// Form is the form of the request target.
	Form TargetForm
	// Expect says whether the client waits before it sends the body.
	Expect Expectation

	method, target  span
	authority, path span
}

// An Expectation is what the Expect fields of a request ask for.
type Expectation uint8

const (
	// ExpectNothing is a request without Expect, or of HTTP/1.0, where it
	// means nothing.
	ExpectNothing Expectation = iota
	// ExpectContinue is a client that waits for "100 Continue" or a final
	// response.
	ExpectContinue
	// ExpectOther is an expectation that nobody knows. The answer to it may
	// be 417.
	ExpectOther
)

// Reset makes h ready for another request.
func (h *RequestHead) Reset() {
	h.reset(atStart)
	h.Form, h.Expect = OriginForm, ExpectNothing
	h.method, h.target, h.authority, h.path = span{}, span{}, span{}, span{}
}

// Parse takes the part of p that belongs to the head, and returns how many
// bytes that is: all of p unless the head ends in it, which done reports. The
// error is an [Error], and stays until Reset; what was understood before it can
// be had from the methods. A nil l means default limits.
func (h *RequestHead) Parse(p []byte, l *Limits) (n int, done bool, err error) {
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
func (h *RequestHead) interpret(l *Limits) (culprit []byte, err error) {
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
	if h.Minor == 0 || !f.Contains(Expect) {
		return
	}
	h.Expect = ExpectContinue
	for i := f.IndexKnown(Expect, 0); i >= 0; i = f.IndexKnown(Expect, i+1) {
		if _, value := f.At(i); !ascii.EqualFold(value, "100-continue") {
			h.Expect = ExpectOther
		}
	}
}

// Method returns the method, as it came: methods are case-sensitive.
func (h *RequestHead) Method() []byte { return h.bytes(h.method) }

// Target returns the request target as it came.
func (h *RequestHead) Target() []byte { return h.bytes(h.target) }

// Path returns the path and query of the target: in origin form all of it, in
// absolute form what follows the authority, which may be nothing or begin with
// the question mark of the query; in the other forms nothing.
func (h *RequestHead) Path() []byte { return h.bytes(h.path) }

// Host returns host and port that the request is for: that of the target if it
// has one, otherwise that of the Host field. It is valid, and empty if neither
// says.
func (h *RequestHead) Host() []byte {
	if h.authority.to > 0 {
		return h.bytes(h.authority)
	}
	return h.Header.GetKnown(Host)
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
	minor, err := parseVersion(line[version:], ErrRequestLine)
	if err != nil {
		return err
	}
	if version-1 == space+1 || !validTarget(line[space+1:version-1]) {
		return ErrTarget
	}
	h.Minor = minor
	h.method = spanOf(begin, begin+space)
	h.target = spanOf(begin+space+1, begin+version-1)
	return h.parseTarget(buf)
}

// checkHost demands exactly one Host, which HTTP/1.0 may do without.
func (h *RequestHead) checkHost() (culprit []byte, err error) {
	f := &h.Header
	i := f.IndexKnown(Host, 0)
	if i < 0 {
		if h.Minor > 0 {
			return nil, ErrHost
		}
		return nil, nil
	}
	_, host := f.At(i)
	if again := f.IndexKnown(Host, i+1); again >= 0 {
		_, host := f.At(again)
		return host, ErrHost
	}
	if len(host) > 0 && !validAuthority(host, false) {
		return host, ErrHost
	}
	return nil, nil
}
