//go:build !linux

package event_test

import (
	"bytes"
	"runtime"
	"strconv"
)

// thread returns the number of the calling goroutine, which stands for its
// thread here.
func thread() uint64 {
	var buf [32]byte
	trace := buf[:runtime.Stack(buf[:], false)]
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(trace, []byte("goroutine ")), []byte(" "))
	id, _ := strconv.ParseUint(string(digits), 10, 64)
	return id
}
