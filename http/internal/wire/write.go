package wire

import (
	"fmt"
	"strconv"

	"github.com/go-libevent/libevent/http/internal/ascii"
	"github.com/go-libevent/libevent/http/internal/message"
)

// CRLF ends lines, and the data of a chunk.
const CRLF = "\r\n"

// AppendRequestLine appends a request line of HTTP/1.1. The error is ErrInvalid
// if the method is not a token, or the target is empty or has bytes that no
// target has; dst is returned as it was.
func AppendRequestLine(dst []byte, method, target string) ([]byte, error) {
	if err := message.CheckRequest(method, target); err != nil {
		return dst, err
	}
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	return append(dst, " HTTP/1.1\r\n"...), nil
}

// AppendStatusLine appends a status line of HTTP/1.1, with the usual phrase for
// the code if reason is empty. The error is ErrInvalid if the code does not
// have three digits or the phrase has control characters; dst is returned as
// it was.
func AppendStatusLine(dst []byte, code int, reason string) ([]byte, error) {
	if code < 100 || code > 999 {
		return dst, fmt.Errorf("write status %d: %w", code, message.ErrInvalid)
	}
	if !ascii.All(reason, ascii.ValueByte) {
		return dst, fmt.Errorf("write reason phrase %q: %w", reason, message.ErrInvalid)
	}
	if reason == "" {
		reason = message.ReasonPhrase(code)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, reason...)
	return append(dst, CRLF...), nil
}

// AppendField appends a field line. The error is as for [message.Fields.Add]; dst is
// returned as it was.
func AppendField(dst []byte, name, value string) ([]byte, error) {
	if err := message.CheckField(name, value); err != nil {
		return dst, fmt.Errorf("write field: %w", err)
	}
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, CRLF...), nil
}

// AppendContentLength appends the field line that says that the body has n
// bytes.
func AppendContentLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, CRLF...)
}

// AppendChunkSize appends the line before a chunk of n bytes, which CRLF has to
// follow. There are no chunks of 0 bytes: they would end the body.
func AppendChunkSize(dst []byte, n int64) []byte {
	if n <= 0 {
		panic("wire: chunk of " + strconv.FormatInt(n, 10) + " bytes")
	}
	dst = strconv.AppendInt(dst, n, 16)
	return append(dst, CRLF...)
}

// AppendLastChunk appends the end of a chunked body, with a trailer unless that
// is nil or empty. The error is ErrInvalid if a field is not allowed there (see
// message.AllowedInTrailer); dst is returned as it was.
func AppendLastChunk(dst []byte, trailer *message.Fields) ([]byte, error) {
	if trailer == nil {
		return append(dst, "0\r\n\r\n"...), nil
	}
	for i := range trailer.Len() {
		if name := trailer.NameAt(i); name.HeadOnly() {
			return dst, fmt.Errorf("write trailer field %s: %w", name, message.ErrInvalid)
		}
	}
	dst = append(dst, "0\r\n"...)
	dst = trailer.AppendTo(dst)
	return append(dst, CRLF...), nil
}
