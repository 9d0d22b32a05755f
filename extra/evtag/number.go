package evtag

import "math/bits"

// The longest encodings in bytes.
const (
	maxTagSize   = 5 // 32 bits in groups of 7
	maxIntSize   = 5 // a count and 8 nibbles
	maxInt64Size = 9 // a count and 16 nibbles
	maxHeadSize  = maxTagSize + maxIntSize
)

// AppendTag appends the encoding of a tag to dst: groups of seven bits, the lowest
// first, each but the last with its high bit set.
func AppendTag(dst []byte, tag uint32) []byte {
	for tag >= 0x80 {
		dst = append(dst, byte(tag)|0x80)
		tag >>= 7
	}
	return append(dst, byte(tag))
}

// AppendInt appends the encoding of a number to dst: a nibble that is one less than
// the number of nibbles that follow, these, the lowest first, and a zero nibble if
// they end within a byte. A number has one encoding, whatever its type.
func AppendInt(dst []byte, v uint64) []byte {
	n := nibbles(v)
	dst = append(dst, byte(n-1)<<4|byte(v&0xf))
	v >>= 4
	for range n / 2 {
		dst = append(dst, swap(byte(v)))
		v >>= 8
	}
	return dst
}

// swap exchanges the nibbles of a byte: the low one of a number comes first.
func swap(b byte) byte { return bits.RotateLeft8(b, 4) }

// AppendHeader appends what a record begins with to dst: its tag and the length
// of its payload.
func AppendHeader(dst []byte, tag, length uint32) []byte {
	return AppendInt(AppendTag(dst, tag), uint64(length))
}

// SizeTag returns the number of bytes that AppendTag appends.
func SizeTag(tag uint32) int { return max(1, (bits.Len32(tag)+6)/7) }

// SizeInt returns the number of bytes that AppendInt appends.
func SizeInt(v uint64) int { return nibbles(v)/2 + 1 }

// SizeRecord returns the number of bytes of a record with a payload of length bytes.
func SizeRecord(tag uint32, length int) int {
	return SizeTag(tag) + SizeInt(uint64(length)) + length
}

// SizeTimeval returns the number of bytes that a time takes as a payload.
func SizeTimeval(tv Timeval) int { return SizeInt(uint64(tv.Sec)) + SizeInt(uint64(tv.Usec)) }

// nibbles returns how many nibbles a number has; 0 has one.
func nibbles(v uint64) int { return max(1, (bits.Len64(v)+3)/4) }

// decodeTag decodes the tag that p begins with, and returns how many bytes it takes.
func decodeTag(p []byte, strict bool) (tag uint32, size int, err error) {
	for i, c := range p {
		// Five groups have three bits too many.
		if i == maxTagSize-1 && c > 0xf {
			return 0, 0, ErrMalformed
		}
		tag |= uint32(c&0x7f) << (7 * i)
		if c&0x80 != 0 {
			continue
		}
		if strict && c == 0 && i > 0 {
			return 0, 0, ErrNotCanonical
		}
		return tag, i + 1, nil
	}
	return 0, 0, ErrIncomplete
}

// decodeInt decodes the number of at most most nibbles that p begins with, and
// returns how many bytes it takes.
func decodeInt(p []byte, most int, strict bool) (v uint64, size int, err error) {
	if len(p) == 0 {
		return 0, 0, ErrIncomplete
	}
	n := int(p[0]>>4) + 1
	if n > most {
		return 0, 0, ErrMalformed
	}
	size = n/2 + 1
	if size > len(p) {
		return 0, 0, ErrIncomplete
	}
	i := size - 1
	if n%2 == 0 { // the low nibble of the last byte is padding
		v = uint64(p[i] >> 4)
		i--
	}
	for ; i > 0; i-- {
		v = v<<8 | uint64(swap(p[i]))
	}
	v = v<<4 | uint64(p[0]&0xf)
	if strict && (n != nibbles(v) || n%2 == 0 && p[size-1]&0xf != 0) {
		return 0, 0, ErrNotCanonical
	}
	return v, size, nil
}
