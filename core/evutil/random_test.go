package evutil_test

import (
	"bytes"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

func TestSecureRandomBytesFillsAllAndNoMore(t *testing.T) {
	evutil.SecureRandomBytes(nil)
	for start := range 4 {
		var seen [64]byte
		end := len(seen) - start
		for range 16 { // a byte that stays zero is set by chance in 1 of 2^128 runs
			var b [64]byte
			evutil.SecureRandomBytes(b[start:end])
			for i, c := range b {
				seen[i] |= c
			}
		}
		if bytes.IndexByte(seen[start:end], 0) >= 0 {
			t.Error("a byte was never set")
		}
		if !bytes.Equal(seen[:start], make([]byte, start)) || !bytes.Equal(seen[end:], make([]byte, start)) {
			t.Error("a byte outside was set")
		}
	}
}
