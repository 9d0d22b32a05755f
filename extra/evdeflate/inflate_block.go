package evdeflate

import (
	"encoding/binary"
	"io"
	"sync"
)

// A state is what comes next in a stream.
type state uint8

const (
	stateZlibHead  state = iota
	stateGzipHead        // the next byte of the header
	stateBlock           // the three bits that a block begins with
	stateStored          // the length of a stored block
	stateBytes           // its bytes
	stateCounts          // the numbers of codes of a block with trees of its own
	stateCodeSizes       // the lengths of the codes for lengths
	stateSizes           // the lengths of the codes
	stateSymbols         // what a block consists of
	stateCopy            // the rest of a match
	stateTail            // the checksum
	stateGzipSize        // the length after it
	stateMember          // another member of gzip, or the end
	stateEnd
)

// ownTrees are the trees of a block that has brought them, while they are read and after.
type ownTrees struct {
	trees
	literals, distances, codes int // numbers of codes
	next                       int // the length that comes next
	lengths                    [literalCount + distanceCount]uint8
	order                      table // of the codes for lengths
}

// allTrees are those that no block has.
var allTrees = sync.Pool{New: func() any { return new(ownTrees) }}

// dropTrees gives the trees of a block back.
func (d *Inflater) dropTrees() {
	if d.own != nil {
		allTrees.Put(d.own)
	}
	d.own, d.trees = nil, nil
}

// run goes on until the error says why it cannot: errShort, errFull, io.EOF at the end, or
// what is wrong.
func (d *Inflater) run() error {
	for {
		if err := d.step(); err != nil {
			return err
		}
	}
}

// step does what comes next.
func (d *Inflater) step() error {
	switch d.state {
	case stateZlibHead:
		return d.zlibHead()
	case stateGzipHead:
		return d.gzipHead()
	case stateBlock:
		return d.block()
	case stateStored:
		return d.storedSize()
	case stateBytes:
		return d.storedBytes()
	case stateCounts:
		return d.counts()
	case stateCodeSizes:
		return d.codeSizes()
	case stateSizes:
		return d.sizes()
	case stateSymbols:
		return d.symbols()
	case stateCopy:
		return d.goOnCopying()
	case stateTail, stateGzipSize:
		return d.tail()
	case stateMember:
		return d.anotherMember()
	}
	return io.EOF
}

// fill brings as many bits as fit, 56 or more if there are enough.
func (d *Inflater) fill() {
	if len(d.src) >= 8 {
		d.bits |= binary.LittleEndian.Uint64(d.src) << d.nbits
		n := (63 - d.nbits) / 8
		d.src = d.src[n:]
		d.nbits += n * 8
		d.bits &= 1<<d.nbits - 1
		return
	}
	for d.nbits < 56 && len(d.src) > 0 {
		d.bits |= uint64(d.src[0]) << d.nbits
		d.src = d.src[1:]
		d.nbits += 8
	}
}

// have reports whether there are so many bits, which it brings if it can.
func (d *Inflater) have(n uint) bool {
	if d.nbits < n {
		d.fill()
	}
	return d.nbits >= n
}

// pop takes bits that there are.
func (d *Inflater) pop(n uint) int {
	v := int(d.bits & (1<<n - 1))
	d.bits >>= n
	d.nbits -= n
	return v
}

func (d *Inflater) zlibHead() error {
	if !d.have(16) {
		return errShort
	}
	cmf, flg := d.pop(8), d.pop(8)
	window := cmf>>4 + 8
	switch {
	case (cmf<<8|flg)%31 != 0, cmf&15 != zlibDeflate, window > maxWindowBits:
		return corrupt("no header of zlib")
	case flg&zlibDictionary != 0:
		return ErrDictionary
	}
	d.window.maxBits = min(d.window.maxBits, max(window, minWindowBits))
	d.state = stateBlock
	return nil
}

func (d *Inflater) gzipHead() error {
	if !d.have(8) {
		return errShort
	}
	done, err := d.head.next(byte(d.pop(8)))
	if done {
		d.state = stateBlock
	}
	return err
}

// anotherMember begins a member of gzip if there is more. Zeros that fill up a file are none.
func (d *Inflater) anotherMember() error {
	switch {
	case !d.have(8):
		return errShort
	case byte(d.bits) == 0:
		d.pop(8)
		d.skipped = true
		return nil
	case d.skipped:
		return corrupt("something follows zeros")
	}
	d.head, d.member = gzipHead{}, 0
	d.sum.Reset()
	d.window.reset()
	d.state = stateGzipHead
	return nil
}

// block begins a block (RFC 1951, section 3.2.3).
func (d *Inflater) block() error {
	if !d.have(3) {
		return errShort
	}
	d.last = d.pop(1) == 1
	switch d.pop(2) {
	case 0:
		d.pop(d.nbits % 8)
		d.state = stateStored
	case 1:
		d.trees = fixedTrees
		d.state = stateSymbols
	case 2:
		d.own = allTrees.Get().(*ownTrees)
		d.trees = &d.own.trees
		d.state = stateCounts
	default:
		return corrupt("unknown kind of block")
	}
	return nil
}

// endBlock ends a block, and with the last one the data, unless they are messages.
func (d *Inflater) endBlock() error {
	d.dropTrees()
	if !d.last {
		d.state = stateBlock
		return nil
	}
	d.pop(d.nbits % 8)
	if d.state = stateTail; d.cfg.Messages {
		d.state = stateBlock
	}
	return nil
}

// tail compares the checksum and the length with what was inflated.
func (d *Inflater) tail() error {
	if d.cfg.Format == Raw {
		d.state = stateEnd
		return nil
	}
	if err := d.window.give(d); err != nil {
		return err
	}
	if !d.have(32) {
		return errShort
	}
	v := uint32(d.pop(32))
	switch {
	case d.state == stateGzipSize:
		if v != uint32(d.member) {
			return ErrChecksum
		}
		d.state = stateMember
	case d.cfg.Format == Gzip:
		if v != d.sum.Sum32() {
			return ErrChecksum
		}
		d.state = stateGzipSize
	default:
		var p [4]byte
		if binary.LittleEndian.PutUint32(p[:], v); binary.BigEndian.Uint32(p[:]) != d.sum.Sum32() {
			return ErrChecksum
		}
		d.state = stateEnd
	}
	return nil
}

// storedSize takes the length of a stored block (section 3.2.4).
func (d *Inflater) storedSize() error {
	if !d.have(32) {
		return errShort
	}
	n := d.pop(16)
	if d.pop(16) != n^0xffff {
		return corrupt("length of a stored block")
	}
	d.stored, d.state = n, stateBytes
	return nil
}

// storedBytes copies what is in a stored block, of which some may be among the bits.
func (d *Inflater) storedBytes() error {
	for d.stored > 0 {
		if d.room == 0 {
			return errFull
		}
		if d.window.room() == 0 {
			if err := d.window.makeRoom(d); err != nil {
				return err
			}
		}
		n := min(d.stored, d.room, d.window.room())
		to := d.window.buf[d.window.pos:][:n]
		if d.nbits > 0 {
			to[0], n = byte(d.pop(8)), 1
		} else if n = copy(to, d.src); n == 0 {
			return errShort
		} else {
			d.src = d.src[n:]
		}
		d.window.pos += n
		d.stored -= n
		d.room -= n
	}
	return d.endBlock()
}

// counts takes how many codes there are (section 3.2.7).
func (d *Inflater) counts() error {
	if !d.have(14) {
		return errShort
	}
	o := d.own
	o.literals, o.distances, o.codes = d.pop(5)+257, d.pop(5)+1, d.pop(4)+4
	if o.literals > 286 || o.distances > 30 {
		return corrupt("number of codes")
	}
	o.next = 0
	clear(o.lengths[:])
	d.state = stateCodeSizes
	return nil
}

// codeOrder is in which order the lengths of the codes for lengths come.
var codeOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codeSymbols are what the codes for lengths stand for: themselves.
var codeSymbols = newCodeSymbols()

func newCodeSymbols() (all [len(codeOrder)]entry) {
	for i := range all {
		all[i] = newEntry(kindCopy, 0, i)
	}
	return all
}

// codeSizes takes the lengths of the codes for lengths.
func (d *Inflater) codeSizes() error {
	o := d.own
	for ; o.next < o.codes; o.next++ {
		if !d.have(3) {
			return errShort
		}
		o.lengths[codeOrder[o.next]] = uint8(d.pop(3))
	}
	if !o.order.build(o.lengths[:len(codeOrder)], codeSymbols[:]) {
		return corrupt("lengths of codes for lengths")
	}
	clear(o.lengths[:len(codeOrder)])
	o.next = 0
	d.state = stateSizes
	return nil
}

// sizes takes the lengths of the codes of both trees, which are one sequence.
func (d *Inflater) sizes() error {
	o := d.own
	for all := o.literals + o.distances; o.next < all; {
		if d.nbits < maxCodeBits {
			d.fill()
		}
		e := o.order.look(d.bits)
		if e.len() == 0 || e.len() > d.nbits {
			return d.noCode()
		}
		symbol := e.value()
		extra, least, length := uint(0), 1, uint8(symbol)
		switch symbol {
		case 16:
			if o.next == 0 {
				return corrupt("nothing to repeat")
			}
			extra, least, length = 2, 3, o.lengths[o.next-1]
		case 17:
			extra, least, length = 3, 3, 0
		case 18:
			extra, least, length = 7, 11, 0
		}
		if d.nbits < e.len()+extra {
			return errShort
		}
		d.pop(e.len())
		n := least + d.pop(extra)
		if o.next+n > all {
			return corrupt("too many lengths")
		}
		for ; n > 0; n-- {
			o.lengths[o.next] = length
			o.next++
		}
	}
	return d.build()
}

// build makes the trees of which the lengths have come.
func (d *Inflater) build() error {
	o := d.own
	switch {
	case o.lengths[symbolEnd] == 0:
		return corrupt("a block without end")
	case !o.trees.literals.build(o.lengths[:o.literals], literals[:]):
		return corrupt("lengths of codes")
	case !o.trees.distances.build(o.lengths[o.literals:o.literals+o.distances], distances[:]):
		return corrupt("lengths of codes for distances")
	}
	d.state = stateSymbols
	return nil
}

// noCode says why no code was found: the rest of it may have yet to come.
func (d *Inflater) noCode() error {
	if d.nbits < maxCodeBits {
		return errShort
	}
	return corrupt("unknown code")
}
