package evdeflate

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
)

// A Format is what is around the deflated data.
type Format uint8

const (
	// Raw is deflate without anything around it (RFC 1951), as in WebSocket messages.
	Raw Format = iota
	// Zlib has two bytes in front and a checksum at the end (RFC 1950). HTTP calls it
	// "deflate".
	Zlib
	// Gzip has a longer header, a checksum and the length (RFC 1952). Several such
	// members, one after the other, are one stream.
	Gzip
)

// String returns the name of the format.
func (f Format) String() string {
	switch f {
	case Raw:
		return "raw"
	case Zlib:
		return "zlib"
	case Gzip:
		return "gzip"
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// newSum returns the checksum of a format, or nil.
func (f Format) newSum() hash.Hash32 {
	switch f {
	case Zlib:
		return adler32.New()
	case Gzip:
		return crc32.NewIEEE()
	}
	return nil
}

// appendHead appends what a format has in front, for data with matches within a window of
// so many bits.
func (f Format) appendHead(p []byte, windowBits int) []byte {
	switch f {
	case Zlib:
		head := uint16(windowBits-8)<<12 | zlibDeflate<<8
		return binary.BigEndian.AppendUint16(p, head+31-head%31)
	case Gzip:
		return append(p, gzipID1, gzipID2, gzipDeflate, 0, 0, 0, 0, 0, 0, gzipUnknownSystem)
	}
	return p
}

// appendTail appends what a format has at the end.
func (f Format) appendTail(p []byte, sum hash.Hash32, size uint64) []byte {
	switch f {
	case Zlib:
		return binary.BigEndian.AppendUint32(p, sum.Sum32())
	case Gzip:
		p = binary.LittleEndian.AppendUint32(p, sum.Sum32())
		return binary.LittleEndian.AppendUint32(p, uint32(size))
	}
	return p
}

// Bytes of headers.
const (
	zlibDeflate    = 8
	zlibDictionary = 1 << 5

	gzipID1           = 0x1f
	gzipID2           = 0x8b
	gzipDeflate       = 8
	gzipUnknownSystem = 255

	gzipSum     = 1 << 1 // FHCRC
	gzipExtra   = 1 << 2 // FEXTRA
	gzipName    = 1 << 3 // FNAME
	gzipComment = 1 << 4 // FCOMMENT
	gzipUnknown = 0xe0   // reserved

	// maxGzipHead bounds a header, whose name and comment end where their sender wants.
	maxGzipHead = 1 << 17
)

// A gzipHead parses the header of a member byte by byte, as it comes.
type gzipHead struct {
	sum    uint32 // of what has come
	size   int
	flags  byte
	part   uint8
	left   int // of the part
	number uint16
}

// The parts of a header, in their order.
const (
	gzipFixed uint8 = iota
	gzipExtraSize
	gzipExtraData
	gzipNameText
	gzipCommentText
	gzipHeadSum
)

// next takes a byte, and reports whether the header ends with it.
func (g *gzipHead) next(b byte) (done bool, err error) {
	if g.size++; g.size > maxGzipHead {
		return false, corrupt("long header")
	}
	sum := g.sum
	g.sum = crc32.Update(g.sum, crc32.IEEETable, []byte{b})
	switch g.part {
	case gzipFixed:
		return g.fixed(b)
	case gzipExtraSize:
		g.left--
		if g.number = g.number>>8 | uint16(b)<<8; g.left == 0 {
			return g.enter(gzipExtraData, int(g.number)), nil
		}
	case gzipExtraData:
		if g.left--; g.left == 0 {
			return g.enter(gzipNameText, 0), nil
		}
	case gzipNameText, gzipCommentText:
		if b == 0 {
			return g.enter(g.part+1, 0), nil
		}
	case gzipHeadSum:
		if g.left == 2 {
			g.number, g.left = uint16(sum), 1 // of what was before these two bytes
			if b != byte(g.number) {
				return false, ErrChecksum
			}
			return false, nil
		}
		if b != byte(g.number>>8) {
			return false, ErrChecksum
		}
		return true, nil
	}
	return false, nil
}

// fixed takes one of the first ten bytes.
func (g *gzipHead) fixed(b byte) (done bool, err error) {
	switch {
	case g.size == 1 && b != gzipID1, g.size == 2 && b != gzipID2:
		return false, corrupt("no header of gzip")
	case g.size == 3 && b != gzipDeflate:
		return false, corrupt("unknown method")
	case g.size == 4:
		if g.flags = b; b&gzipUnknown != 0 {
			return false, corrupt("unknown flags")
		}
	case g.size == 10:
		return g.enter(gzipExtraSize, 2), nil
	}
	return false, nil
}

// enter begins a part, or the next one that there is.
func (g *gzipHead) enter(part uint8, left int) (done bool) {
	g.part, g.left = part, left
	switch {
	case part == gzipExtraSize && g.flags&gzipExtra == 0:
		return g.enter(gzipNameText, 0)
	case part == gzipExtraData && left == 0:
		return g.enter(gzipNameText, 0)
	case part == gzipNameText && g.flags&gzipName == 0:
		return g.enter(gzipCommentText, 0)
	case part == gzipCommentText && g.flags&gzipComment == 0:
		return g.enter(gzipHeadSum, 0)
	case part == gzipHeadSum:
		g.left = 2
		return g.flags&gzipSum == 0
	}
	return false
}
