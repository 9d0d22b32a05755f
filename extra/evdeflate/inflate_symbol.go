package evdeflate

import "encoding/binary"

// most is how much a turn of manySymbols gives at most: a byte, and the longest match.
const most = 1 + 258

// symbols goes through what a block consists of: as long as there is plenty of everything in
// larger steps, and one by one at the ends of pieces.
func (d *Inflater) symbols() error {
	for {
		if d.window.room() == 0 {
			if err := d.window.makeRoom(d); err != nil {
				return err
			}
		}
		if len(d.src) >= 8 && d.window.room() >= most && d.room >= most {
			done, err := d.manySymbols()
			if err != nil || done {
				return err
			}
		}
		if done, err := d.symbol(); err != nil || done {
			return err
		}
	}
}

// symbol does one symbol, if all of it is there. It reports whether another state follows.
func (d *Inflater) symbol() (done bool, err error) {
	d.fill()
	e := d.trees.literals.look(d.bits)
	if e.len() == 0 || e.len() > d.nbits {
		return false, d.noCode()
	}
	switch {
	case e.kind() == kindEnd:
		d.pop(e.len())
		return true, d.endBlock()
	case d.room == 0:
		return false, errFull
	case e.kind() == kindLiteral:
		d.pop(e.len())
		d.window.buf[d.window.pos] = byte(e.value())
		d.window.pos++
		d.room--
		return false, nil
	}
	// A length and a distance have 48 bits at most.
	used := e.len() + e.extra()
	if used > d.nbits {
		return false, errShort
	}
	f := d.trees.distances.look(d.bits >> used)
	if f.len() == 0 && d.nbits >= used+maxCodeBits {
		return false, corrupt("unknown code for a distance")
	}
	if f.len() == 0 || used+f.len()+f.extra() > d.nbits {
		return false, errShort
	}
	d.pop(e.len())
	length := e.value() + d.pop(e.extra())
	d.pop(f.len())
	distance := f.value() + d.pop(f.extra())
	if distance > d.window.history() {
		return false, corrupt("a match before the beginning")
	}
	d.copy = match{length, distance}
	d.state = stateCopy
	return true, nil
}

// goOnCopying copies a match, or the rest of it.
func (d *Inflater) goOnCopying() error {
	for d.copy.length > 0 {
		if d.room == 0 {
			return errFull
		}
		if d.window.room() == 0 {
			if err := d.window.makeRoom(d); err != nil {
				return err
			}
		}
		n := d.window.copyMatch(d.copy.distance, min(d.copy.length, d.room))
		d.copy.length -= n
		d.room -= n
	}
	d.state = stateSymbols
	return nil
}

// manySymbols does symbols as long as there are eight bytes of input, and room for the longest
// match, so that neither has to be looked for within one. It reports whether another
// state follows. Its variables are those of the Inflater, which the compiler can keep in
// registers here.
func (d *Inflater) manySymbols() (done bool, err error) {
	var (
		bits, nbits = d.bits, d.nbits
		src         = d.src
		w           = &d.window
		buf, pos    = w.buf, w.pos
		last        = min(len(buf), pos+min(d.room, len(buf))) - most
		start       = pos
		lits, dists = &d.trees.literals, &d.trees.distances
	)
loop:
	for len(src) >= 8 && pos <= last {
		bits |= binary.LittleEndian.Uint64(src) << nbits
		src = src[(63-nbits)>>3:]
		nbits |= 56
		e := lits.root[bits&(1<<rootBits-1)]
		if e&(kindMask) == kindLiteral && e != 0 { // two of them have up to 20 bits
			bits >>= e & 15
			nbits -= uint(e & 15)
			buf[pos] = byte(e >> 16)
			pos++
			e = lits.root[bits&(1<<rootBits-1)]
			if e&(kindMask) == kindLiteral && e != 0 {
				bits >>= e & 15
				nbits -= uint(e & 15)
				buf[pos] = byte(e >> 16)
				pos++
				continue
			}
			if nbits < 48 {
				continue
			}
		}
		if e.kind() == kindMore {
			e = lits.more[uint64(e.value())+bits>>rootBits&(1<<e.extra()-1)]
		}
		used := e.len()
		switch {
		case used == 0:
			err = corrupt("unknown code")
			break loop
		case e.kind() == kindLiteral:
			bits >>= used
			nbits -= used
			buf[pos] = byte(e >> 16)
			pos++
			continue
		case e.kind() == kindEnd:
			bits >>= used
			nbits -= used
			done = true
			break loop
		}
		length := e.value() + int(bits>>used&(1<<e.extra()-1))
		used += e.extra()
		f := dists.look(bits >> used)
		if f.len() == 0 {
			err = corrupt("unknown code for a distance")
			break
		}
		used += f.len()
		distance := f.value() + int(bits>>used&(1<<f.extra()-1))
		used += f.extra()
		bits >>= used
		nbits -= used
		from := pos - distance
		if from < 0 {
			w.pos = pos
			if distance > w.history() {
				err = corrupt("a match before the beginning")
				break
			}
			w.copyMatch(distance, length)
			pos = w.pos
			continue
		}
		end := pos + length
		if distance >= length {
			copy(buf[pos:end], buf[from:from+length])
			pos = end
			continue
		}
		for pos < end {
			pos += copy(buf[pos:end], buf[from:pos])
		}
	}
	d.bits, d.nbits, d.src = bits&(1<<nbits-1), nbits, src
	d.room -= pos - start
	w.pos = pos
	if done {
		return true, d.endBlock()
	}
	return false, err
}
