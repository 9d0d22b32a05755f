package wire

import (
	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A ResponseHead is the status line and the header fields of a response. It
// must be Reset before the first use, too, to say what it answers. It keeps its
// memory from response to response; what its methods return is valid until the
// next Reset or a change to Header.
type ResponseHead struct {
	Head

	method methodKind
}

// A methodKind is what matters of the method that a response answers.
type methodKind uint8

const (
	toOther methodKind = iota
	toHead
	toConnect
)

// Reset makes h ready for a response to a request of this method.
func (h *ResponseHead) Reset(method string) {
	h.Again()
	switch method {
	case "HEAD":
		h.method = toHead
	case "CONNECT":
		h.method = toConnect
	default:
		h.method = toOther
	}
}

// Again makes h ready for another response to the same request, as one has to
// come after an informational one.
func (h *ResponseHead) Again() { h.reset(atFirst) }

// Parse takes the part of p that belongs to the head, and returns how many
// bytes that is: all of p unless the head ends in it, which done reports. The
// error is an [Error], and stays until Reset; what was understood before it can
// be had from the methods. A nil l means default limits.
func (h *ResponseHead) Parse(p []byte, l *message.Limits) (n int, done bool, err error) {
	if h.stage == atStart {
		h.stage = atFirst
	}
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

func (h *ResponseHead) malformed() error { return ErrStatusLine }
func (h *ResponseHead) folds() bool      { return true }

// parseFirst takes the status line: version, code and reason. The space before
// an empty reason is missing too often to insist on it.
func (h *ResponseHead) parseFirst(buf []byte, begin, end int) error {
	line := buf[begin:end]
	const code, reason = len("HTTP/1.1 "), len("HTTP/1.1 200 ")
	if len(line) < reason-1 || line[code-1] != ' ' || len(line) >= reason && line[reason-1] != ' ' {
		return ErrStatusLine
	}
	proto, err := parseVersion(line[:code-1], ErrStatusLine)
	if err != nil {
		return err
	}
	digits := line[code : reason-1]
	if !ascii.All(digits, ascii.Digit) || digits[0] == '0' {
		return ErrStatusLine
	}
	h.Proto = proto
	h.Status = int(digits[0]-'0')*100 + int(digits[1]-'0')*10 + int(digits[2]-'0')
	if len(line) > reason {
		if !validBytes(line[reason:]) {
			return ErrStatusLine
		}
		h.At.Reason = message.SpanOf(begin+reason, end)
	}
	return nil
}

// interpret draws the conclusions from a head that is complete.
func (h *ResponseHead) interpret(l *message.Limits) (culprit []byte, err error) {
	if h.Status == 101 || h.method == toConnect && h.Status/100 == 2 {
		h.connection()
		h.Framing, h.Length, h.KeepAlive = Tunnel, message.Tunnel, false
		return nil, nil
	}
	if text, err := h.frame(l); err != nil {
		return text, err
	}
	h.connection()
	switch {
	case h.Status < 200:
		if h.Framing != NoBody {
			return nil, ErrUnexpectedBody
		}
	case h.Status == 204:
		// A body that should not be there may follow all the same.
		h.KeepAlive = h.KeepAlive && h.Framing == NoBody
		h.Framing = NoBody
	case h.Status == 304, h.method == toHead:
		h.Framing = NoBody
	case h.Framing == NoBody && !h.Header.Contains(message.ContentLength):
		h.Framing, h.Length, h.KeepAlive = UntilClose, message.Unknown, false
	}
	if h.Framing == NoBody {
		h.Length = 0
	}
	return nil, nil
}
