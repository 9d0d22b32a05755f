package wire

import (
	"encoding/binary"

	"github.com/go-libevent/libevent/http/internal/ascii"
)

// validBytes is ascii.All(b, ascii.ValueByte), for eight bytes at a time.
func validBytes(b []byte) bool {
	if len(b) < 8 {
		return ascii.All(b, ascii.ValueByte)
	}
	found := controls(binary.LittleEndian.Uint64(b[len(b)-8:]), 0x20)
	for rest := b; len(rest) > 8; rest = rest[8:] {
		found |= controls(binary.LittleEndian.Uint64(rest), 0x20)
	}
	// Tabs are found, too.
	return found == 0 || ascii.All(b, ascii.ValueByte)
}

// validTarget is ascii.All(b, ascii.TargetByte), for eight bytes at a time.
func validTarget(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		if controls(x, 0x21)|zeros(x^ones*'#') != 0 {
			return false
		}
	}
	return ascii.All(b, ascii.TargetByte)
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
)

// controls is not 0 if one of eight bytes is DEL or less than limit, which must
// not be more than 128.
func controls(x uint64, limit uint64) uint64 {
	return (x-ones*limit)&^x&highs | zeros(x^ones*0x7f)
}

// zeros is not 0 if one of eight bytes is.
func zeros(x uint64) uint64 { return (x - ones) &^ x & highs }
