package wire

import (
	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// A Framing is how the body of a message is delimited (RFC 9112, section 6).
type Framing uint8

const (
	NoBody     Framing = iota // there is none, or it is empty
	Sized                     // Content-Length says how many bytes there are
	Chunked                   // a ChunkDecoder finds the end
	UntilClose                // a response that ends with the connection
	Tunnel                    // what follows is not HTTP any more
)

// String returns a word for it.
func (f Framing) String() string {
	return [...]string{"none", "sized", "chunked", "until close", "tunnel"}[f]
}

// frame sets Framing and Length to what Content-Length and Transfer-Encoding
// say. Either comes once at most, and not both.
func (h *Head) frame(l *message.Limits) (culprit []byte, err error) {
	f := &h.Header
	coded := f.Contains(message.TransferEncoding)
	if coded {
		if text, err := h.transferCoding(); err != nil {
			return text, err
		}
		h.Framing, h.Length = Chunked, message.Unknown
	}
	i := f.IndexKnown(message.ContentLength, 0)
	if i < 0 {
		return nil, nil
	}
	_, value := f.At(i)
	if coded {
		return value, ErrTwoLengths
	}
	if again := f.IndexKnown(message.ContentLength, i+1); again >= 0 {
		_, value := f.At(again)
		return value, ErrContentLength
	}
	n, err := parseLength(value)
	if err != nil {
		return value, err
	}
	if h.Length = n; n > 0 {
		h.Framing = Sized
	}
	if n > l.OrDefault().MaxBody() {
		return value, ErrBodyTooLarge
	}
	return nil, nil
}

// parseLength parses a number of nothing but digits.
func parseLength(s []byte) (int64, error) {
	if len(s) == 0 || !ascii.All(s, ascii.Digit) {
		return 0, ErrContentLength
	}
	var n int64
	for _, c := range s {
		d := int64(c - '0')
		if n > (1<<63-1-d)/10 {
			return 0, ErrBodyTooLarge
		}
		n = n*10 + d
	}
	return n, nil
}

// transferCoding demands that Transfer-Encoding be "chunked" and nothing else.
// Codings that there may be are not supported; what is not even a list of
// codings, or has chunked where it cannot be, is an error.
func (h *Head) transferCoding() (culprit []byte, err error) {
	f := &h.Header
	i := f.IndexKnown(message.TransferEncoding, 0)
	_, value := f.At(i)
	if h.Proto.Minor == 0 || f.IndexKnown(message.TransferEncoding, i+1) >= 0 {
		return value, ErrTransferEncoding
	}
	if ascii.EqualFold(value, "chunked") {
		return nil, nil
	}
	chunked := false
	for rest := value; rest != nil; {
		var coding []byte
		coding, rest = message.NextMember(rest)
		if chunked || len(coding) == 0 || !ascii.All(coding, ascii.TokenByte) {
			return value, ErrTransferEncoding
		}
		chunked = ascii.EqualFold(coding, "chunked")
	}
	return value, ErrTransferCoding
}

// connection sets KeepAlive and Upgrade.
func (h *Head) connection() {
	f := &h.Header
	h.KeepAlive = h.Proto.Minor > 0
	if !f.Contains(message.Connection) {
		return
	}
	if h.Proto.Minor == 0 {
		h.KeepAlive = f.HasTokenKnown(message.Connection, "keep-alive")
	} else {
		h.Upgrade = f.Contains(message.Upgrade) && f.HasTokenKnown(message.Connection, "upgrade")
	}
	if f.HasTokenKnown(message.Connection, "close") {
		h.KeepAlive = false
	}
}
