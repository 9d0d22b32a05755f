package evdeflate

import "math/bits"

// A table decodes the codes of a Huffman tree by the next bits of the input: rootBits of
// them select an entry, and where codes are longer, that leads to a table for the bits
// which follow.
type table struct {
	root [1 << rootBits]entry
	more []entry // the tables for longer codes, one after the other
}

// rootBits is how many bits a first look takes. Few codes are longer.
const rootBits = 10

// maxCodeBits is how long codes are at most.
const maxCodeBits = 15

// An entry is what a code stands for: its length in the lowest four bits, or zero if there is
// no such code; its kind; the number of bits that follow the code and are added to the
// value; and the value.
type entry uint32

const (
	kindLiteral entry = iota << 4 // the value is a byte
	kindCopy                      // a length or a distance
	kindEnd                       // the end of the block
	kindMore                      // the value is where the table for longer codes begins, and extra the number of its bits
	kindMask    entry = 3 << 4

	// noSymbol is what a symbol stands for that must not come.
	noSymbol = kindMore
)

func newEntry(kind entry, extra uint8, value int) entry {
	return kind | entry(extra)<<8 | entry(value)<<16
}

func (e entry) len() uint   { return uint(e & 15) }
func (e entry) kind() entry { return e & kindMask }
func (e entry) extra() uint { return uint(e>>8) & 15 }
func (e entry) value() int  { return int(e >> 16) }

// literals and distances are what the symbols of both trees stand for (RFC 1951, section
// 3.2.5).
var (
	literals  = newLiterals()
	distances = newDistances()
)

const (
	symbolEnd     = 256 // the end of a block
	literalCount  = 288
	distanceCount = 32
)

func newLiterals() (all [literalCount]entry) {
	for i := range symbolEnd {
		all[i] = newEntry(kindLiteral, 0, i)
	}
	all[symbolEnd] = newEntry(kindEnd, 0, 0)
	length := 3
	for i := symbolEnd + 1; i < 285; i++ {
		var extra uint8
		if i >= 265 {
			extra = uint8(i-261) / 4
		}
		all[i] = newEntry(kindCopy, extra, length)
		length += 1 << extra
	}
	all[285] = newEntry(kindCopy, 0, 258)
	all[286], all[287] = noSymbol, noSymbol
	return all
}

func newDistances() (all [distanceCount]entry) {
	distance := 1
	for i := range 30 {
		var extra uint8
		if i >= 4 {
			extra = uint8(i-2) / 2
		}
		all[i] = newEntry(kindCopy, extra, distance)
		distance += 1 << extra
	}
	all[30], all[31] = noSymbol, noSymbol
	return all
}

// build makes the table of a tree from the lengths of its codes (section 3.2.2) and the
// meaning of its symbols. It reports whether there is such a tree: one that is complete, or
// has a single code of one bit, or none.
func (t *table) build(lengths []uint8, symbols []entry) bool {
	clear(t.root[:])
	t.more = t.more[:0]
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	var next [maxCodeBits + 1]uint
	var code, used uint
	for n := uint(1); n <= maxCodeBits; n++ {
		next[n] = code
		code = (code + uint(count[n])) << 1
		used += uint(count[n]) << (maxCodeBits - n)
	}
	if used != 1<<maxCodeBits && used != 0 && !(used == 1<<(maxCodeBits-1) && count[1] == 1) {
		return false
	}
	for symbol, n := range lengths {
		if n > 0 {
			t.add(bits.Reverse16(uint16(next[n]))>>(16-n), uint(n), symbols[symbol], &count)
			next[n]++
		}
	}
	return true
}

// add enters a code, whose bits are in the order in which they come.
func (t *table) add(code uint16, n uint, symbol entry, count *[maxCodeBits + 1]int) {
	if symbol == noSymbol {
		return
	}
	symbol |= entry(n)
	if n <= rootBits {
		for i := uint(code); i < 1<<rootBits; i += 1 << n {
			t.root[i] = symbol
		}
		return
	}
	at := &t.root[code&(1<<rootBits-1)]
	if at.kind() != kindMore {
		*at = t.newMore(n, count)
	}
	more := t.more[at.value() : at.value()+1<<at.extra()]
	for i := uint(code) >> rootBits; i < uint(len(more)); i += 1 << (n - rootBits) {
		more[i] = symbol
	}
}

// newMore makes a table for codes that begin with the same bits. It is as large as the longest
// code of the tree wants.
func (t *table) newMore(n uint, count *[maxCodeBits + 1]int) entry {
	longest := uint(maxCodeBits)
	for longest > n && count[longest] == 0 {
		longest--
	}
	at := len(t.more)
	t.more = append(t.more, make([]entry, 1<<(longest-rootBits))...)
	return newEntry(kindMore, uint8(longest-rootBits), at) | rootBits
}

// look returns the entry for the next bits.
func (t *table) look(next uint64) entry {
	e := t.root[next&(1<<rootBits-1)]
	if e.kind() == kindMore {
		e = t.more[uint64(e.value())+next>>rootBits&(1<<e.extra()-1)]
	}
	return e
}

// trees are the two tables of a block.
type trees struct {
	literals, distances table
}

// fixedTrees are those of blocks that have none of their own (section 3.2.6).
var fixedTrees = newFixedTrees()

func newFixedTrees() *trees {
	var lengths [literalCount]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	t := new(trees)
	t.literals.build(lengths[:], literals[:])
	for i := range distanceCount {
		lengths[i] = 5
	}
	t.distances.build(lengths[:distanceCount], distances[:])
	return t
}
