package evtag

import (
	"slices"
	"unsafe"
)

// grow returns dst with n more bytes, which may be anything.
func grow(dst []byte, n int) []byte {
	return slices.Grow(dst, n)[:len(dst)+n]
}

// asString returns bytes as a string. The caller keeps no other reference to them.
func asString(p []byte) string { return unsafe.String(unsafe.SliceData(p), len(p)) }
