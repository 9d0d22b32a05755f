package wire

import (
	"errors"
	"testing"

	"github.com/go-libevent/libevent/http/internal/message"
)

func TestWriting(t *testing.T) {
	trailer := newFields(t, "X", "y")
	for _, test := range []struct {
		what   string
		append func(dst []byte) ([]byte, error)
		want   string // nothing for an error
	}{
		{"request line", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "GET", "/a?b") }, "GET /a?b HTTP/1.1\r\n"},
		{"no method", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "", "/") }, ""},
		{"two methods", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "GET POST", "/") }, ""},
		{"no target", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "GET", "") }, ""},
		{"space in the target", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "GET", "/a b") }, ""},
		{"line end in the target", func(b []byte) ([]byte, error) { return AppendRequestLine(b, "GET", "/\r\nX: y") }, ""},
		{"status line", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 200, "") }, "HTTP/1.1 200 OK\r\n"},
		{"another phrase", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 200, "So be it") }, "HTTP/1.1 200 So be it\r\n"},
		{"a code without a phrase", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 299, "") }, "HTTP/1.1 299 Success\r\n"},
		{"the largest code", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 999, "") }, "HTTP/1.1 999 Unknown\r\n"},
		{"a code of two digits", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 99, "") }, ""},
		{"a code of four digits", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 1000, "") }, ""},
		{"line end in the phrase", func(b []byte) ([]byte, error) { return AppendStatusLine(b, 200, "OK\r\nX: y") }, ""},
		{"field", func(b []byte) ([]byte, error) { return AppendField(b, "X", "y") }, "X: y\r\n"},
		{"length", func(b []byte) ([]byte, error) { return AppendContentLength(b, 1<<40), nil }, "Content-Length: 1099511627776\r\n"},
		{"chunk size", func(b []byte) ([]byte, error) { return AppendChunkSize(b, 0x1ab), nil }, "1ab\r\n"},
		{"last chunk", func(b []byte) ([]byte, error) { return AppendLastChunk(b, nil) }, "0\r\n\r\n"},
		{"empty trailer", func(b []byte) ([]byte, error) { return AppendLastChunk(b, new(message.Fields)) }, "0\r\n\r\n"},
		{"trailer", func(b []byte) ([]byte, error) { return AppendLastChunk(b, trailer) }, "0\r\nX: y\r\n\r\n"},
		{"length in a trailer", func(b []byte) ([]byte, error) {
			return AppendLastChunk(b, newFields(t, "X", "y", "content-length", "3"))
		}, ""},
	} {
		got, err := test.append([]byte("before "))
		if test.want == "" && !errors.Is(err, message.ErrInvalid) || test.want != "" && err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
		equal(t, test.what, string(got), "before "+test.want)
	}
}

func TestChunksOfNothing(t *testing.T) {
	for _, n := range []int64{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("wrote a chunk of %d bytes", n)
				}
			}()
			AppendChunkSize(nil, n)
		}()
	}
}
